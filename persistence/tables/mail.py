"""What mail services reported of mails."""

from sqlalchemy import Column, Index, Table, Text

from persistence.tables.columns import INSTANT, foreign_key, id_column, mail_report_kind, metadata

mail_reports = Table(
    "mail_reports",
    metadata,
    id_column(),
    foreign_key("users", key="user_id"),
    Column("kind", mail_report_kind, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", INSTANT, nullable=False),
    Index(None, "user_id", "at"),
    Index(None, "at"),
)
