"""Work after the commit: how far consumers have read, jobs that wait, what was given up, and which schedules have run."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from persistence.tables.columns import INSTANT, metadata

consumers = Table(
    "consumers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("since", INSTANT, nullable=False),
)

consumer_cursors = Table(
    "consumer_cursors",
    metadata,
    Column("stream", Text, nullable=False),
    Column("consumer", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("retry_at", INSTANT),
    Column("error", Text),
    PrimaryKeyConstraint("stream", "consumer"),
)

consumer_attempts = Table(
    "consumer_attempts",
    metadata,
    Column("stream", Text, nullable=False),
    Column("consumer", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("single_until", BigInteger, nullable=False),
    PrimaryKeyConstraint("stream", "consumer"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("source", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("stream", Text),
    Column("position", BigInteger),
    Column("payload", JSONB, nullable=False),
    Column("error", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("created_at", INSTANT, nullable=False, server_default=text("now()")),
    Index(None, "created_at", "id"),
)

schedule_runs = Table(
    "schedule_runs",
    metadata,
    Column("name", Text, primary_key=True),
    Column("due_at", INSTANT, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("run_at", INSTANT, nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("postponed", Integer, nullable=False, server_default=text("0")),
    Column("error", Text),
    Column("created_at", INSTANT, nullable=False, server_default=text("now()")),
    Index(None, "kind", "run_at"),
)

Index("ix_jobs_tried", jobs.c.run_at, postgresql_where=jobs.c.tries > 0)
