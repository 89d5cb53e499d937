"""A real SMTP server (aiosmtpd) in the test's own loop, with certificates, passwords and faults as the test asks for them."""

import asyncio
import datetime as dt
import ipaddress
import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USERNAME, PASSWORD = "hive", "s3cret/p@ss"


@dataclass(slots=True)
class ReceivedMail:
    """A message as the server took it."""

    sender: str
    recipients: list[str]
    content: bytes
    over_tls: bool
    username: str | None

    @property
    def message(self) -> EmailMessage:
        return BytesParser(policy=policy.default).parsebytes(self.content)


@dataclass(slots=True)
class MailServer:
    """What arrived, and what goes wrong: answers by recipient, or none at all; answers to DATA, and a pause before each of them."""

    implicit_tls: bool
    port: int = 0
    received: list[ReceivedMail] = field(default_factory=list)
    connections: int = 0
    refused_recipients: dict[str, str] = field(default_factory=dict)
    hanging_recipients: set[str] = field(default_factory=set)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    """Once it is set, nothing hangs any more: nobody is waited for at the end of a test."""
    data_answers: list[str] = field(default_factory=list)
    pause: Callable[[], Any] | None = None

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802 (aiosmtpd's name)
        if address in self.hanging_recipients:
            await self.released.wait()
        if address in self.refused_recipients:
            return self.refused_recipients[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        if self.pause is not None:
            await self.pause()
        if self.data_answers and not (answer := self.data_answers.pop(0)).startswith("2"):
            return answer
        content = envelope.original_content
        assert isinstance(content, bytes)
        self.received.append(
            ReceivedMail(
                sender=str(envelope.mail_from),
                recipients=[str(each) for each in envelope.rcpt_tos],
                content=content,
                over_tls=session.ssl is not None or self.implicit_tls,
                username=session.auth_data,
            )
        )
        return "250 Accepted"


def _authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword) -> AuthResult:
    if (login.login, login.password) == (USERNAME.encode(), PASSWORD.encode()):
        return AuthResult(success=True, auth_data=login.login.decode())
    return AuthResult(success=False, handled=False)


@asynccontextmanager
async def mail_server(
    *, tls: ssl.SSLContext | None = None, implicit_tls: bool = False, auth: bool = False, utf8: bool = True
) -> AsyncIterator[MailServer]:
    """A server on a free port. With `tls` STARTTLS is required, or with `implicit_tls` the first byte is encrypted."""
    server = MailServer(implicit_tls=implicit_tls)
    loop = asyncio.get_running_loop()

    def connect() -> SMTP:
        server.connections += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it does not see that the listener encrypts
            return SMTP(
                server,
                hostname="mail.example.com",
                loop=loop,
                enable_SMTPUTF8=utf8,
                tls_context=None if implicit_tls else tls,
                require_starttls=tls is not None and not implicit_tls,
                auth_required=auth,
                auth_require_tls=not implicit_tls,
                authenticator=_authenticate if auth else None,
            )

    listener = await loop.create_server(connect, "127.0.0.1", 0, ssl=tls if implicit_tls else None)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await listener.wait_closed()


def make_certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context for 127.0.0.1, and the path of the certificate that a client must trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / "certificate.pem", folder / "key.pem"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate_path, key_path)
    return context, certificate_path
