"""A mail server for tests, over aiosmtpd: it tells what it sees as lines of JSON, and ends when its input does.

How it treats a message is told by the recipient's name before the @, see `Handler`.
"""

import argparse
import asyncio
import email
import email.policy
import json
import logging
import re
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

GOOD = ("codes@example.com", "pä/ss:%")
FOREVER = 3600


def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


def name(address):
    return address.partition("@")[0]


class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        if server.arguments.sender_refused:
            return "550 5.7.1 Not you"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        tell("recipient", to=address)
        match name(address):
            case "rcpt451":
                return "451 4.3.0 Try again later"
            case "rcpt550":
                return "550-5.1.1 No such mailbox\r\n550 5.1.1 <%s>" % address
            case "silent":
                await asyncio.sleep(FOREVER)
            case "rude":
                server.transport.abort()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        took = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": server.transport.get_extra_info("cipher") is not None,
            "user": session.auth_data,
            **seen(envelope.content),
        }
        match name(envelope.rcpt_tos[0]):
            case "data554":
                return "554 5.6.0 Not this one"
            case "data451":
                return "451 4.3.0 Not now"
            case "slow":
                tell("message", **took)
                await asyncio.sleep(FOREVER)
            case "cut":
                tell("message", **took)
                server.transport.abort()
                await asyncio.sleep(FOREVER)
            case "odd":
                tell("message", **took)
                return "354 Go on and on"
            case "last":
                server.afterwards = "close"
            case "bye":
                server.afterwards = "bye"
            case "mute":
                server.afterwards = "mute"
        tell("message", **took)
        return "250 2.0.0 Taken"


def seen(content):
    """A message as a mail program sees it."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    parts = [part for part in message.walk() if not part.is_multipart()]
    return {
        "headers": [[key, str(value)] for key, value in message.items()],
        "parts": [[part.get_content_type(), part.get_content()] for part in parts],
        "raw": content.decode("ascii"),
        "bare": bool(re.search(rb"(?<!\r)\n|\r(?!\n)", content)),
    }


class Server(SMTP):
    # What happens to the connection after the next answer, and whether it will answer no more.
    afterwards = None
    is_mute = False

    def __init__(self, arguments, **options):
        self.arguments = arguments
        super().__init__(Handler(), hostname="mail.test", authenticator=self.sign_in, **options)

    def connection_made(self, transport):
        # It is made once more when it turns to TLS.
        if self.transport is None:
            tell("connected")
        super().connection_made(transport)

    def sign_in(self, server, session, envelope, mechanism, given):
        user, password = given.login.decode(), given.password.decode()
        tell("sign_in", mechanism=mechanism, good=(user, password) == GOOD)
        if self.arguments.sign_in_later:
            return AuthResult(success=False, handled=False, message="454 4.7.0 Not now")
        return AuthResult(success=(user, password) == GOOD, handled=False, auth_data=user)

    async def push(self, status):
        if self.arguments.inject and status.startswith("220 Ready"):
            # As somebody on the way would, behind the answer that is still readable.
            status += "\r\n250-mail.test\r\n250 AUTH PLAIN"
        afterwards, self.afterwards = self.afterwards, None
        if self.is_mute:
            await asyncio.sleep(FOREVER)
        await super().push(status)
        self.is_mute = afterwards == "mute"
        if afterwards == "bye":
            await super().push("421 4.4.2 Too long idle")
        if afterwards in ("close", "bye"):
            self.transport.close()
        if afterwards:
            tell("ready", afterwards=afterwards)


def context(arguments):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(arguments.certificate, arguments.key)
    return made


async def serve(arguments):
    # The library counts TLS from the first byte as none: without `--auth` nobody can sign in there.
    require_tls = arguments.tls == "starttls" or not arguments.auth
    options = {"auth_required": arguments.auth, "auth_require_tls": require_tls}
    if arguments.tls == "starttls":
        options |= {"tls_context": context(arguments), "require_starttls": True}
    whole = context(arguments) if arguments.tls == "whole" else None
    loop = asyncio.get_running_loop()
    # Broken connections are what is tested here, and nothing to be told of.
    loop.set_exception_handler(lambda loop, context: None)
    logging.disable()
    warnings.simplefilter("ignore")
    server = await loop.create_server(lambda: Server(arguments, loop=loop, **options), "127.0.0.1", 0, ssl=whole)
    tell("listening", port=server.sockets[0].getsockname()[1])
    await loop.run_in_executor(None, sys.stdin.read)
    tell("end")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tls", choices=["none", "starttls", "whole"], default="none")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    for flag in ["--auth", "--inject", "--sender-refused", "--sign-in-later"]:
        parser.add_argument(flag, action="store_true")
    asyncio.run(serve(parser.parse_args()))


main()
