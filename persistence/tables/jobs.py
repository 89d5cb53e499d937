"""Jobs that people have started; the work that they are for the workers stands in the table `jobs` under the same id."""

from sqlalchemy import ARRAY, Column, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from persistence.tables.columns import INSTANT, entity_columns, foreign_key, metadata

user_jobs = Table(
    "user_jobs",
    metadata,
    *entity_columns(),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    foreign_key("users", key="creator_id", name="creator_user_id"),
    foreign_key("teams", key="team_id"),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("parameters", JSONB, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("rows_done", Integer, nullable=False),
    Column("rows_total", Integer),
    Column("message", Text),
    Column("started_at", INSTANT),
    Column("finished_at", INSTANT),
    Column("result", JSONB),
    Column("files", JSONB, nullable=False),
    Column("issues", JSONB, nullable=False),
    Column("project_ids", ARRAY(Uuid), nullable=False),
    Index(None, "creator_id", "created_at", "id"),
    Index("ix_user_jobs_finished_at", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    Index("ix_user_jobs_unfinished", "team_id", "created_at", "id", postgresql_where=text("finished_at IS NULL")),
)
