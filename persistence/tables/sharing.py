"""Tables of what is open to people without an account."""

from sqlalchemy import Column, Index, Table, Text, Uuid

from persistence.tables.columns import INSTANT, foreign_key, id_column, metadata

share_links = Table(
    "share_links",
    metadata,
    id_column(),
    Column("created_at", INSTANT, nullable=False),
    foreign_key("teams", key="team_id"),
    foreign_key("projects", key="project_id"),
    # A document or a project, which are never deleted for good.
    Column("subject_type", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    foreign_key("users", key="created_by_id", name="created_by_user_id"),
    Column("expires_at", INSTANT),
    Column("last_used_at", INSTANT),
    Index(None, "subject_id", "created_at", "id"),
)
