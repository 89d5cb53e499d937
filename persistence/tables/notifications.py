"""Tables of notifications."""

from sqlalchemy import ARRAY, Column, Index, Integer, Table, Text, Uuid, text

from persistence.tables.columns import INSTANT, foreign_key, id_column, metadata, notification_reason

notifications = Table(
    "notifications",
    metadata,
    id_column(),
    Column("version", Integer, nullable=False),
    foreign_key("users", key="user_id"),
    Column("reason", notification_reason, nullable=False),
    Column("event_ids", ARRAY(Uuid), nullable=False),
    foreign_key("users", key="actor_id", name="actor_user_id", nullable=True),
    Column("subject_type", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("comment_id", Uuid),
    Column("group_key", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("read_at", INSTANT),
    Column("archived_at", INSTANT),
    Column("snoozed_until", INSTANT),
    Index(None, "user_id", "created_at", "id"),
    Index(None, "user_id", "group_key"),
    Index("ix_notifications_unread", "user_id", postgresql_where=text("read_at IS NULL AND archived_at IS NULL")),
)
