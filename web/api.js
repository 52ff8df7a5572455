// The server, as the page sees it. Tokens live in cookies that no script can read; nothing here holds a secret.

/** Longest wait for one answer, in milliseconds; the server gives up a little earlier. */
const DEADLINE = 45_000;
/** Pauses before each new try of a message, in milliseconds. */
const PAUSES = [500, 1_000, 2_000, 4_000, 8_000];
/** What a proxy or a starting server answers while nobody has taken the request. */
const AWAY = new Set([502, 503, 504]);

/** The server could not be asked, or did not answer. */
export class Unreachable extends Error {}

/** The server answered, and said no. */
export class Refused extends Error {
  constructor(status, error, retryAfter) {
    super(words(status, error, retryAfter));
    this.status = status;
    this.code = error?.code;
  }
}

function words(status, error, retryAfter) {
  const reference = error?.errorId ? ` (reference ${error.errorId})` : "";
  switch (error?.code) {
    case "RATE_LIMIT_EXCEEDED":
      return `That was too much at once. Please try again ${retryAfter ? `in ${retryAfter} seconds` : "a little later"}.`;
    case "UNAVAILABLE":
      return `The server cannot answer just now. Please try again soon${reference}.`;
    case "CONFLICT":
      return `Something else changed this conversation at the same moment. Please try again${reference}.`;
    case "PAYLOAD_TOO_LARGE":
      return "That message is too long.";
    case "AGENT_ERROR":
    case "DATABASE_ERROR":
    case "INTERNAL_ERROR":
      return `Something broke on our side; it is not your fault${reference}.`;
    default:
      return error?.message ? `${error.message}${reference}` : `The server answered with an error (${status}).`;
  }
}

/** One request. Gives the envelope's data; throws `Unreachable` or `Refused`. */
async function call(method, path, body) {
  const headers = { Accept: "application/json", "X-Session-Transport": "cookie" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  let envelope;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(DEADLINE),
    });
    const text = await response.text();
    envelope = text ? parsed(text) : {};
  } catch (cause) {
    throw new Unreachable("The server cannot be reached.", { cause });
  }
  if (response.ok && envelope?.success !== false) return envelope?.data;
  if (AWAY.has(response.status) && !envelope?.error) throw new Unreachable("The server cannot be reached.");
  throw new Refused(response.status, envelope?.error, response.headers.get("Retry-After"));
}

/** An answer that is no JSON was not written by the server but by something on the way. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Makes this browser known; its token becomes a cookie. */
export const newDevice = () => call("POST", "/api/devices", {});

/** The conversation last spoken in, or undefined. */
export async function currentConversation() {
  const page = await call("GET", "/api/agent/conversations?limit=1");
  return page?.items?.[0];
}

/** A page of messages, newest first. */
export function messages(conversation, cursor) {
  const query = cursor ? `?cursor=${encodeURIComponent(cursor)}` : "";
  return call("GET", `/api/agent/conversations/${encodeURIComponent(conversation)}/messages${query}`);
}

/** Who is signed in, or undefined. */
export const me = () => call("GET", "/api/me").catch(unless(401));

/** Ends the session. */
export const logout = () => call("POST", "/api/auth/logout", {});

/** What the development outbox holds, or undefined where there is none. */
export const outbox = () => call("GET", "/dev/outbox").catch(unless(404));

function unless(status) {
  return (error) => {
    if (error.status !== status) throw error;
    return undefined;
  };
}

/** A new message's id. Sending it twice gives the same answer and no second effect. */
export function newMessageId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Browsers keep `randomUUID` from pages without encryption.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** One turn. Tries the same message again while the server is out of reach, and says so through `onRetry`. */
export async function turn(message, onRetry) {
  for (const pause of PAUSES) {
    try {
      return await call("POST", "/api/agent/run-sync", message);
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      onRetry();
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  return call("POST", "/api/agent/run-sync", message);
}
