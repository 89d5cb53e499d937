"""Files on things, and blobs that are to be deleted."""

from sqlalchemy import BigInteger, Column, Index, Table, Text, Uuid, func, literal_column, not_

from persistence.tables.columns import INSTANT, attachment_state, entity_columns, foreign_key, metadata

attachments = Table(
    "attachments",
    metadata,
    *entity_columns(),
    foreign_key("users", key="uploader_id", name="uploader_user_id", nullable=True),
    # The subject of a file is of many kinds, and so is that subject's container: no foreign keys.
    Column("subject_type", Text),
    Column("subject_id", Uuid),
    Column("about_type", Text),
    Column("about_id", Uuid),
    Column("file_name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("byte_size", BigInteger, nullable=False),
    Column("sha256", Text),
    Column("state", attachment_state, nullable=False),
    Index(None, "subject_id", "created_at", "id"),
)
# Nearly all files are attached; this index counts and cleans up the others without reading those.
attached = (attachments.c.state == literal_column("'READY'")) & attachments.c.subject_id.is_not(None)
Index("ix_attachments_waiting_uploader", attachments.c.uploader_id, postgresql_where=not_(attached))
Index("ix_attachments_waiting_since", attachments.c.created_at, postgresql_where=not_(attached))

discarded_blobs = Table(
    "discarded_blobs",
    metadata,
    Column("key", Text, primary_key=True),
    Column("at", INSTANT, nullable=False, server_default=func.now()),
)
