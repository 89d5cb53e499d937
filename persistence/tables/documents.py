"""The index of documents and their versions: what lists, rights and search need of objects in storage, and made anew from
them."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY

from persistence.tables.columns import (
    INSTANT,
    cut_title,
    document_type,
    entity_columns,
    foreign_key,
    id_column,
    metadata,
)

documents = Table(
    "documents",
    metadata,
    *entity_columns(),
    foreign_key("teams", key="team_id"),
    foreign_key("projects", key="project_id"),
    foreign_key("documents", key="parent_id", nullable=True),
    foreign_key("users", key="owner_id", name="owner_user_id"),
    Column("title", Text, nullable=False),
    Column("title_collation", Text, nullable=False),
    Column("type", document_type, nullable=False),
    Column("rank", Text, nullable=False),
    Column("preview", Text),
    Column("latest_version_id", Uuid),
    Column("latest_number", Integer, nullable=False),
    Column("latest_position", BigInteger, nullable=False),
    Column("deleted_at", INSTANT),
    # What the newest version says in plain words, cut where search needs no more.
    Column("words", Text, nullable=False, server_default=text("''")),
    Index("uq_documents_project_rank", "project_id", "rank", unique=True),
    Index(None, "parent_id", "rank"),
    Index(None, "owner_id", "created_at", "id"),
    Index(None, "project_id", "created_at", "id"),
    Index(None, "project_id", "updated_at", "id"),
    Index("ix_documents_long_rank", "project_id", postgresql_where=text("length(rank) > 64")),
)

Index(
    "ix_documents_title",
    documents.c.project_id,
    cut_title(documents.c.title_collation),
    documents.c.id,
)
Index(
    "ix_documents_place_title_trigrams",
    text("(ARRAY[team_id, project_id])"),
    documents.c.title_collation,
    postgresql_using="gin",
    postgresql_ops={"title_collation": "gin_trgm_ops"},
    postgresql_with={"gin_pending_list_limit": 256},
)

document_versions = Table(
    "document_versions",
    metadata,
    id_column(),
    foreign_key("documents", key="document_id"),
    Column("number", Integer, nullable=False),
    Column("name", Text),
    Column("change_summary", Text),
    foreign_key("users", key="created_by_id", name="created_by_user_id", nullable=True),
    Column("contributor_ids", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),
    Column("created_at", INSTANT, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("byte_size", BigInteger, nullable=False),
    Column("crdt", Text, nullable=False),
    Column("markdown", Text, nullable=False),
    Column("text", Text, nullable=False),
    Index("uq_document_versions_document_number", "document_id", "number", unique=True),
    Index(None, "document_id", "position", "number"),
    Index("ix_document_versions_named", "document_id", "number", postgresql_where=text("name IS NOT NULL")),
)

# Which documents texts link to (`domain.reference`). Pointed to by ids alone: what is linked may come later, or never.
document_references = Table(
    "document_references",
    metadata,
    Column("document_id", Uuid, primary_key=True),
    Column("subject_id", Uuid, primary_key=True),
    Column("subject_type", Text, nullable=False),
    Column("holder_type", Text, primary_key=True),
    Column("holder_id", Uuid, primary_key=True),
    Index(None, "holder_id"),
)
