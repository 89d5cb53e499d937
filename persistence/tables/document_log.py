"""The edits of documents: one log for each, and who stands behind a Yjs client id.

`document_id` refers to no table: the log takes edits at a rate at which looking up a document for each would be felt, and whoever
appends has looked already.
"""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text, Uuid, text

from persistence.tables.columns import INSTANT, metadata

document_heads = Table(
    "document_heads",
    metadata,
    Column("document_id", Uuid, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("trimmed_to", BigInteger, nullable=False, server_default=text("0")),
)

document_updates = Table(
    "document_updates",
    metadata,
    Column("document_id", Uuid, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("author_user_id", Uuid, key="author_id"),
    Column("session_id", Text),
    Column("client_mutation_id", Text),
    Column("at", INSTANT, nullable=False),
    PrimaryKeyConstraint("document_id", "position"),
)

Index(
    "uq_document_updates_client_mutation_id",
    document_updates.c.document_id,
    document_updates.c.author_id,
    document_updates.c.client_mutation_id,
    unique=True,
    postgresql_where=document_updates.c.client_mutation_id.is_not(None),
)

document_clients = Table(
    "document_clients",
    metadata,
    Column("document_id", Uuid, nullable=False),
    Column("client_id", BigInteger, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("since", INSTANT, nullable=False),
    PrimaryKeyConstraint("document_id", "client_id"),
)
