"""Tables of what programs authenticate with: personal API tokens, OAuth clients and what people grant to these."""

from sqlalchemy import ARRAY, Boolean, Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text, Uuid

from persistence.tables.columns import INSTANT, entity_columns, foreign_key, id_column, metadata

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

oauth_clients = Table(
    "oauth_clients",
    metadata,
    *entity_columns(),
    # Clients that bring themselves, by the document of this address, belong to no team.
    foreign_key("teams", key="team_id", nullable=True),
    foreign_key("users", key="bot_id", name="bot_user_id", nullable=True),
    Column("document_url", Text, unique=True),
    Column("name", Text, nullable=False),
    Column("is_public", Boolean, nullable=False),
    Column("redirect_uris", ARRAY(Text), nullable=False),
    Column("grants", ARRAY(Text), nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("secret_hash", LargeBinary),
    Column("previous_secret_hash", LargeBinary),
    Column("previous_secret_expires_at", INSTANT),
    Column("deleted_at", INSTANT),
    Index(None, "team_id"),
)

authorization_codes = Table(
    "authorization_codes",
    metadata,
    id_column(),
    Column("code_hash", LargeBinary, nullable=False),
    foreign_key("oauth_clients", key="client_id"),
    foreign_key("users", key="user_id"),
    Column("redirect_uri", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("code_challenge", Text, nullable=False),
    Column("nonce", Text),
    Column("resource", Text),
    Column("authenticated_at", INSTANT, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("session_id", Uuid),
    Index(None, "created_at"),
)

oauth_consents = Table(
    "oauth_consents",
    metadata,
    foreign_key("users", key="user_id"),
    foreign_key("oauth_clients", key="client_id"),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("granted_at", INSTANT, nullable=False),
    PrimaryKeyConstraint("user_id", "client_id"),
)

device_codes = Table(
    "device_codes",
    metadata,
    id_column(),
    Column("code_hash", LargeBinary, nullable=False),
    Column("user_code", Text, nullable=False, unique=True),
    foreign_key("oauth_clients", key="client_id"),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("resource", Text),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("polled_at", INSTANT),
    foreign_key("users", key="user_id", nullable=True),
    Column("approved", Boolean),
    Column("authenticated_at", INSTANT),
    Column("session_id", Uuid),
    Index(None, "created_at"),
)
