"""Does what `server.py mail test` is asked for: a mail with the settings of the server."""

from datetime import UTC, datetime
from uuid import uuid4

from app.adapters import open_mailer
from app.service_database import CannotStart
from app.settings import Settings
from domain.mail import Mail, MailRejected, MailUnavailable
from mail.message import parse_mailbox
from mail.rendering import MailTemplates


async def send_test_mail(settings: Settings, address: str) -> None:
    """Send a mail to an address, so that an operator sees whether mail arrives; CannotStart with the reason why not."""
    try:
        to = parse_mailbox(address)
    except ValueError as error:
        raise CannotStart(f"The address {error}.") from error
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
        try:
            await mailer.send(mail)
        except (MailRejected, MailUnavailable) as error:
            raise CannotStart(f"The mail was not sent: {error.reason}") from error
