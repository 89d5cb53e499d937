"""Tables of what programs authenticate with: personal API tokens."""

from sqlalchemy import ARRAY, Column, Index, LargeBinary, Table, Text

from persistence.tables.columns import INSTANT, foreign_key, id_column, metadata

api_tokens = Table(
    "api_tokens",
    metadata,
    id_column(),
    foreign_key("users", key="user_id"),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("last_used_at", INSTANT),
    Column("expires_at", INSTANT),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Index(None, "user_id", "created_at"),
)
