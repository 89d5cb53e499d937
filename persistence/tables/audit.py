"""Tables of audit logs. They refer to nothing by foreign keys: a log says what was, whatever becomes of it."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text, Uuid

from persistence.tables.columns import INSTANT, metadata

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("team_id", Uuid, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("id", Uuid, nullable=False, unique=True),
    Column("at", INSTANT, nullable=False),
    Column("actor_user_id", Uuid, key="actor_id"),
    Column("actor_label", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject_type", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("project_id", Uuid),
    Column("ip_address", Text),
    Column("user_agent", Text),
    Column("detail", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("team_id", "number"),
)

_a = audit_entries.c
Index("ix_audit_entries_actor", _a.team_id, _a.actor_id, _a.number)
Index("ix_audit_entries_action", _a.team_id, _a.action, _a.number)
Index("ix_audit_entries_at", _a.team_id, _a.at)

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("team_id", Uuid, primary_key=True),
    Column("ordinal", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("trimmed_to", BigInteger, nullable=False),
    Column("trimmed_hash", LargeBinary, nullable=False),
    Column("seal", LargeBinary, nullable=False),
)
