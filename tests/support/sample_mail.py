"""A mail to try a mailer with."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain.mail import Mail, Mailbox

SENDER = Mailbox(name="PantheraHive", address="hive@example.com")
MAIL_ID = UUID("019a0000-0000-7000-8000-000000000001")


def sample_mail(**changes: Any) -> Mail:
    """A plain mail to Ada, but for these attributes."""
    mail = Mail(
        id=MAIL_ID,
        to=Mailbox(name="Ada Lovelace", address="ada@example.org"),
        subject="Ship it",
        text="Ready.\n",
        html="<p>Ready.</p>\n",
        created_at=datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
    )
    return replace(mail, **changes)
