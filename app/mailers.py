"""Opens what sends mail, as the settings say, and sends a mail to see whether it arrives."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from app.settings import Settings
from domain.mail import Mail, Mailer
from mail.console import ConsoleMailer
from mail.mail_url import CONSOLE_URL, SesRegion, SmtpServer, parse_mail_url
from mail.message import parse_mailbox
from mail.no_mail import NoMailer
from mail.rendering import MailTemplates

DEVELOPMENT_SENDER: Final = "PantheraHive <hive@pantherahive.example>"


@asynccontextmanager
async def open_mailer(settings: Settings) -> AsyncIterator[Mailer]:
    """What sends mail; in development the console, unless a server is set. Whether a server answers shows with the first mail."""
    if settings.mail_url is None and settings.production:
        yield NoMailer()
        return
    server = parse_mail_url(settings.mail_url or CONSOLE_URL)
    sender = parse_mailbox(settings.mail_from or DEVELOPMENT_SENDER)
    match server:
        case None:
            yield ConsoleMailer(settings.data_dir.absolute() / "mail", sender=sender)
        case SmtpServer():
            from mail.smtp import SmtpMailer  # only where it is used

            yield SmtpMailer(server, sender=sender)
        case SesRegion():
            from mail.ses import SesMailer  # its client takes 0.5 s to import

            async with SesMailer.open(server, sender=sender) as mailer:
                yield mailer


async def send_test_mail(settings: Settings, address: str) -> None:
    """Send a mail to an address. Raises ValueError for what is none, MailRejected and MailUnavailable."""
    to = parse_mailbox(address)
    content = MailTemplates(settings.origin).render(
        "action",
        heading="Mail works",
        paragraphs=["This message was sent by server.py mail test: mail from this server arrives here."],
        url=settings.origin,
        label="Open PantheraHive",
        reason="An operator of the server asked for this message.",
    )
    mail = Mail(
        id=uuid4(),
        to=to,
        subject=content.subject,
        text=content.text,
        html=content.html,
        created_at=datetime.now(UTC),
    )
    async with open_mailer(settings) as mailer:
        await mailer.send(mail)
