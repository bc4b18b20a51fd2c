"""A real mail server for the tests: TLS, AUTH, and a parser that is not ours.

Prints its port, then one line of JSON for each message it accepted: how it came, and what Python's own mail parser and a
look at the raw lines make of it.
"""

import argparse
import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def say(value):
    print(json.dumps(value), flush=True)


def part(message, kind):
    found = message.get_body(preferencelist=(kind,))
    if found is None:
        return None
    return {"charset": found.get_content_charset(), "text": found.get_content()}


class Keep:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("full@"):
            return "452 mailbox full"
        if address.startswith("gone@"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        lines = envelope.original_content.split(b"\r\n")
        say({
            "tls": server.transport.get_extra_info("ssl_object") is not None,
            "authenticated": session.authenticated,
            "to": envelope.rcpt_tos,
            "headers": {name.lower(): str(value) for name, value in message.items()},
            "defects": [str(defect) for one in message.walk() for defect in one.defects],
            "structure": [one.get_content_type() for one in message.walk()],
            "plain": part(message, "plain"),
            "html": part(message, "html"),
            "encodings": sorted({one["content-transfer-encoding"] for one in message.walk() if not one.is_multipart()}),
            "references": [one for one in str(message.get("references", "")).split()],
            "ids": [str(value) for name, value in message.items() if name.lower() == "message-id"],
            "attachments": [{"name": one.get_filename(), "text": one.get_content()} for one in message.iter_attachments()],
            "longest_line": max(len(line) for line in lines),
            "bare_newline": any(b"\n" in line or b"\r" in line for line in lines),
        })
        return "250 kept"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--implicit", action="store_true")
    options.add_argument("--certificate", required=True)
    options.add_argument("--key", required=True)
    options.add_argument("--password", required=True)
    given = options.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(given.certificate, given.key)

    def authenticate(server, session, envelope, mechanism, data):
        known = isinstance(data, LoginPassword) and (data.login, data.password) == (b"pulsewarden", given.password.encode())
        return AuthResult(success=known, handled=False)

    tls = {} if given.implicit else {"tls_context": context, "require_starttls": True}

    def connected():
        return SMTP(
            Keep(), hostname="localhost", authenticator=authenticate, auth_required=True,
            auth_require_tls=not given.implicit, **tls,
        )

    async def serve():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(connected, "127.0.0.1", 0, ssl=context if given.implicit else None)
        say({"port": server.sockets[0].getsockname()[1]})
        # The test ends it by closing its standard input.
        await loop.run_in_executor(None, sys.stdin.read)

    asyncio.run(serve())


main()
