"""What happened: the streams and their events, and the mutations that are remembered by their idempotency keys."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from persistence.tables.columns import INSTANT, change_kind, foreign_key, metadata

streams = Table(
    "streams",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("trimmed_to", BigInteger, nullable=False, server_default=text("0")),
)

events = Table(
    "events",
    metadata,
    Column("stream", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("id", Uuid, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", change_kind, nullable=False),
    Column("entity_type", Text, nullable=False),
    Column("entity_id", Uuid, nullable=False),
    Column("about_type", Text, nullable=False),
    Column("about_id", Uuid, nullable=False),
    Column("project_id", Uuid),
    Column("payload", JSONB, nullable=False),
    Column("actor_user_id", Uuid, key="actor_id"),
    Column("client_mutation_id", Text),
    Column("at", INSTANT, nullable=False),
    Column("origin", JSONB),
    PrimaryKeyConstraint("stream", "position"),
)

Index("ix_events_about", events.c.about_id, events.c.at.desc(), events.c.id.desc())

Index(
    "ix_events_project",
    events.c.project_id,
    events.c.at.desc(),
    events.c.id.desc(),
    postgresql_where=events.c.project_id.is_not(None),
)

# What is about another object: a comment, a link, a file. The rest is found by what it is about.
Index("ix_events_entity", events.c.entity_id, postgresql_where=events.c.entity_id != events.c.about_id)

Index(
    "ix_events_lost_access",
    events.c.stream,
    events.c.position,
    postgresql_where=text("kind = 'ACCESS_LOST' AND entity_type IN ('Team', 'Project')"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    foreign_key("users", key="actor_id", name="actor_user_id"),
    Column("client_mutation_id", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("result", JSONB),
    Column("created_at", INSTANT, nullable=False),
    PrimaryKeyConstraint("actor_id", "client_mutation_id"),
    Index(None, "created_at"),
)
