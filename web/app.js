// The chat page.

import * as api from "/web/api.js";

/** Longest message, in characters. */
const LONGEST = 4_000;
/** How many characters before the limit the counter shows. */
const COUNTED = 400;
/** Messages of the outbox that are shown. */
const OUTBOX_SHOWN = 10;
/** Where this browser remembers that it was here before: a device's id, which grants nothing. */
const KNOWN = "vestibule.device";
/** Pause between two looks for what a person at the desk has said, in milliseconds. */
const LOOK = 3_000;

const at = (id) => document.getElementById(id);
const log = at("log");
const scroll = at("scroll");
const input = at("prompt");

const state = {
  busy: true,
  conversation: undefined,
  earlier: undefined,
  signedIn: false,
  /** The message that waits for an answer, and is sent again under its own id. */
  unanswered: undefined,
  /** While a person answers: the messages that are on the page, by their ids. */
  seen: undefined,
  /** Answers that are on the page and whose ids are not known yet. */
  shown: [],
};

// What is said

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function bubble(role, content) {
  const made = element("p", `message ${role === "user" ? "user" : "assistant"}`);
  made.append(element("span", "unseen", role === "user" ? "You: " : "Vestibule: "), content);
  return made;
}

// The last message stays in sight when the header or the keyboard takes room, unless somebody reads further up.
let atEnd = true;
scroll.addEventListener("scroll", () => {
  atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 8;
});
new ResizeObserver(() => {
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}).observe(scroll);

function say(made) {
  at("welcome").hidden = true;
  log.append(made);
  scroll.scrollTop = scroll.scrollHeight;
}

const notice = (text, alarm = false) => say(element("p", alarm ? "notice alarm" : "notice", text));

function status(text = "", typing = false) {
  at("status").textContent = text;
  at("status").classList.toggle("typing", typing);
  if (text) scroll.scrollTop = scroll.scrollHeight;
}

function busy(is) {
  state.busy = is;
  // Not `disabled`, which would take the focus away from somebody who pressed it by keyboard.
  at("send").setAttribute("aria-disabled", String(is));
}

// Where the conversation stands

/** Asks as a known device, and becomes one first if need be. Gives whether a new device was made. */
async function asKnown(ask) {
  try {
    return [await ask(), false];
  } catch (error) {
    if (error.status !== 401) throw error;
  }
  await introduce();
  return [await ask(), true];
}

async function introduce() {
  // A session that has ended may still lie in its cookie and spoil every request; logging out clears it.
  if (localStorage.getItem(KNOWN) !== null) await api.logout().catch(() => undefined);
  const device = await api.newDevice();
  localStorage.setItem(KNOWN, device?.deviceId ?? "yes");
}

async function open() {
  const wasHere = localStorage.getItem(KNOWN) !== null;
  const [current, isNew] = await asKnown(api.currentConversation);
  log.setAttribute("aria-live", "off");
  log.replaceChildren();
  state.conversation = current?.conversationId;
  state.earlier = undefined;
  state.seen = undefined;
  if (current) await showPage();
  at("welcome").hidden = log.childElementCount > 0;
  if (isNew && wasHere) notice("This browser was not known any more. A new conversation began.");
  scroll.scrollTop = scroll.scrollHeight;
  log.setAttribute("aria-live", "polite");
}

/** Puts the next older page above what is shown. */
async function showPage() {
  const page = await api.messages(state.conversation, state.earlier);
  const shown = (page?.items ?? []).filter((message) => message.role === "user" || message.role === "assistant");
  if (state.earlier === undefined && isHandedOff(shown.find((message) => message.role === "assistant"))) listen(shown);
  log.prepend(...shown.reverse().map((message) => bubble(message.role, message.content)));
  state.earlier = page?.nextCursor ?? undefined;
  at("earlier").hidden = state.earlier === undefined;
}

async function refreshAccount() {
  const person = await api.me();
  state.signedIn = person !== undefined;
  at("account").hidden = !state.signedIn;
  const name = person?.fullName || person?.phone || "yourself";
  at("account-name").textContent = state.signedIn ? `Signed in as ${name}` : "";
}

// A turn

async function send(message) {
  busy(true);
  at("again").hidden = true;
  status("Vestibule is typing", true);
  try {
    const answer = await api.turn(message, () => status("The server cannot be reached. Trying again", true));
    state.unanswered = undefined;
    status();
    await told(answer);
  } catch (error) {
    status();
    await failed(error, message);
  } finally {
    busy(false);
  }
}

async function told(answer) {
  state.conversation = answer.conversationId;
  // While a person answers, there may be nothing to say.
  if (answer.result) say(bubble("assistant", answer.result));
  if (isHandedOff(answer)) await hand(answer);
  else state.seen = undefined;
  const found = answer.response?.data ?? {};
  listed(found.sessions ?? found.devices);
  offered(found.options ?? found.suggestions);
  const authenticated = answer.response?.context?.authenticated ?? state.signedIn;
  await Promise.allSettled([
    answer.session || authenticated !== state.signedIn ? refreshAccount() : undefined,
    refreshOutbox(),
  ]);
}

// A person answers

const isHandedOff = (message) => message?.response?.action === "handed_off";

/** From here on what a person says is looked for; what is on the page is known. */
function listen(known) {
  state.seen = new Set(known.map((message) => message.messageId));
  state.shown = [];
}

/** The answer that hands over, or is given while a person answers. */
async function hand(answer) {
  if (answer.result) state.shown.push(answer.result);
  if (state.seen) return;
  const page = await api.messages(state.conversation).catch(() => undefined);
  const items = page?.items ?? [];
  // What was said after the person's last message may be news.
  const last = items.findIndex((message) => message.role === "user");
  const shown = state.shown;
  listen(last < 0 ? [] : items.slice(last));
  state.shown = shown;
}

/** Shows what was said since, of itself. */
async function look() {
  if (!state.seen || state.busy) return;
  const seen = state.seen;
  const page = await api.messages(state.conversation).catch(() => undefined);
  // Whoever said something meanwhile gets it with the next look.
  if (!page || state.busy || state.seen !== seen) return;
  const news = page.items.filter((message) => message.role === "assistant" && !seen.has(message.messageId));
  for (const message of news.reverse()) {
    seen.add(message.messageId);
    const at = state.shown.indexOf(message.content);
    if (at >= 0) state.shown.splice(at, 1);
    else say(bubble("assistant", message.content));
  }
  if (news.length > 0 && !isHandedOff(page.items.find((message) => message.role === "assistant"))) state.seen = undefined;
}

setInterval(look, LOOK);

/** Sessions or devices, as a list under the answer that counts them. */
function listed(entries) {
  if (!Array.isArray(entries) || entries.length === 0) return;
  const list = element("ul", "entries");
  for (const { device_name: name, created_at: since, is_current: current } of entries) {
    const when = since ? `since ${new Date(since).toLocaleString()}` : "";
    const parts = [name || "A device without a name", when, current ? "this one" : ""];
    list.append(element("li", "", parts.filter(Boolean).join(" · ")));
  }
  say(list);
}

/** Choices, as buttons that say what they stand for. They are good for this question alone. */
function offered(options) {
  if (!Array.isArray(options) || options.length === 0) return;
  const group = element("p", "options");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", "Choices");
  for (const { label, value } of options) {
    const choice = element("button", "quiet", label);
    choice.type = "button";
    choice.addEventListener("click", () => {
      if (state.busy) return;
      input.focus();
      ask(value, label);
    });
    group.append(choice);
  }
  say(group);
}

/** Says something; what is shown may be shorter than what is said. */
function ask(prompt, shown = prompt) {
  for (const group of log.querySelectorAll(".options")) group.remove();
  say(bubble("user", shown));
  state.unanswered = { prompt, messageId: api.newMessageId() };
  send(state.unanswered);
}

async function failed(error, message) {
  if (error.status === 401) {
    state.unanswered = undefined;
    if (!input.value) input.value = message.prompt;
    try {
      await introduce();
      await Promise.all([open(), refreshAccount()]);
      notice("You are not known here any more, so a new conversation began. Please send your message again.");
    } catch (again) {
      notice(again.message, true);
    }
    return;
  }
  notice(error.message, true);
  // Only what may still succeed under the same id is offered again.
  const hopeful = error instanceof api.Unreachable || error.status >= 500 || [409, 429].includes(error.status);
  state.unanswered = hopeful ? message : undefined;
  at("again").hidden = !hopeful;
}

function count() {
  const length = [...input.value].length;
  const left = LONGEST - length;
  const counter = at("counter");
  counter.hidden = left > COUNTED;
  counter.classList.toggle("over", left < 0);
  counter.textContent = left < 0 ? `${-left} characters too many` : `${left} characters left`;
  input.setAttribute("aria-invalid", String(left < 0));
  return left >= 0;
}

// The development outbox

async function refreshOutbox() {
  if (state.noOutbox) return;
  const items = await api.outbox();
  state.noOutbox = items === undefined;
  at("outbox").hidden = state.noOutbox;
  at("outbox-items").replaceChildren(...(items ?? []).slice(0, OUTBOX_SHOWN).map(outboxItem));
}

function outboxItem({ to, channel, subject, text, code, reference, at: sent }) {
  const made = element("li");
  const time = sent ? new Date(sent).toLocaleTimeString() : "";
  made.append(element("p", "meta", [channel, to, reference, time].filter(Boolean).join(" · ")));
  if (subject) made.append(element("p", "meta", subject));
  made.append(element("p", "", text));
  if (code) {
    const use = element("button", "quiet", "Use this code");
    use.type = "button";
    use.setAttribute("aria-label", `Use this code: ${code}`);
    use.addEventListener("click", () => {
      input.value = code;
      count();
      input.focus();
    });
    made.append(use);
  }
  return made;
}

// What the person does

at("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  input.focus();
  const prompt = input.value.trim();
  if (state.busy || !prompt || !count()) return;
  input.value = "";
  count();
  ask(prompt);
});

input.addEventListener("keydown", (event) => {
  // While a word is being composed, Enter ends the word.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  at("composer").requestSubmit();
});

input.addEventListener("input", count);

at("again").addEventListener("click", () => {
  input.focus();
  if (state.unanswered) send(state.unanswered);
  else start();
});

at("earlier").addEventListener("click", async () => {
  const below = scroll.scrollHeight - scroll.scrollTop;
  log.setAttribute("aria-live", "off");
  await showPage().catch((error) => notice(error.message, true));
  scroll.scrollTop = scroll.scrollHeight - below;
  log.setAttribute("aria-live", "polite");
  input.focus();
});

at("logout").addEventListener("click", async () => {
  input.focus();
  busy(true);
  try {
    await api.logout();
    await Promise.all([open(), refreshAccount()]);
    notice("You are logged out. A new conversation begins here.");
  } catch (error) {
    notice(error.message, true);
  } finally {
    busy(false);
  }
});

async function start() {
  busy(true);
  at("again").hidden = true;
  try {
    await open();
    await Promise.allSettled([refreshAccount(), refreshOutbox()]);
  } catch (error) {
    notice(error.message, true);
    at("again").hidden = false;
  } finally {
    busy(false);
  }
}

at("outbox").open = matchMedia("(min-width: 60rem)").matches;
input.focus();
start();
