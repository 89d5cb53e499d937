"""Table of templates."""

from sqlalchemy import Column, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from persistence.tables.columns import entity_columns, foreign_key, metadata

templates = Table(
    "templates",
    metadata,
    *entity_columns(),
    foreign_key("teams", key="team_id"),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("task_count", Integer, nullable=False),
    foreign_key("users", key="creator_id", name="creator_user_id", nullable=True),
    Column("content", JSONB, nullable=False),
    Index(None, "team_id", "created_at", "id"),
)
