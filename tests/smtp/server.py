"""A mail server that takes mail only over STARTTLS from a user who has logged in.

Usage: server.py FOLDER. It writes its certificate authority to FOLDER/ca.pem and each message to FOLDER/mail/<n>.eml, with the
envelope in two headers on top, and says on which port it listens.
"""

import asyncio
import os
import ssl
import sys

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

folder = sys.argv[1]
mail_folder = os.path.join(folder, "mail")
os.makedirs(mail_folder, exist_ok=True)

authority = trustme.CA()
authority.cert_pem.write_to_path(os.path.join(folder, "ca.pem"))
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
authority.issue_cert("localhost", "127.0.0.1").configure_cert(tls)


def authenticate(server, session, envelope, mechanism, data):
    wanted = LoginPassword(b"vestibule", b"mail-secret")
    # Not handled: the answer, 235 or 535, is left to the server.
    return AuthResult(success=isinstance(data, LoginPassword) and data == wanted, handled=False)


class Keeper:
    """Keeps what it is given; refuses some recipients for good, and one for the first time."""

    count = 0
    deferred = False

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("later@") and not self.deferred:
            self.deferred = True
            return "451 4.3.0 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        path = os.path.join(mail_folder, f"{self.count:06}")
        with open(path, "wb") as file:
            for recipient in envelope.rcpt_tos:
                file.write(f"X-Envelope-To: {recipient}\r\n".encode())
            file.write(f"X-Envelope-From: {envelope.mail_from}\r\n".encode())
            file.write(f"X-Secured: {session.ssl is not None and session.authenticated}\r\n".encode())
            file.write(envelope.original_content)
        os.rename(path, path + ".eml")
        return "250 OK"


async def main():
    loop = asyncio.get_running_loop()
    keeper = Keeper()

    def make():
        return SMTP(
            keeper,
            tls_context=tls,
            require_starttls=True,
            authenticator=authenticate,
            auth_required=True,
            enable_SMTPUTF8=True,
        )

    server = await loop.create_server(make, "127.0.0.1", 0)
    print("Listening on", server.sockets[0].getsockname()[1], flush=True)
    # The server ends with whoever started it.
    await loop.run_in_executor(None, sys.stdin.buffer.read)


asyncio.run(main())
