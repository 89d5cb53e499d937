"""Tables of users, sessions, tokens sent by mail, teams, memberships, invitations and signing keys."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from persistence.tables.columns import (
    INSTANT,
    entity_columns,
    foreign_key,
    id_column,
    metadata,
    named_foreign_key,
    team_role,
    user_status,
)

users = Table(
    "users",
    metadata,
    *entity_columns(),
    Column("email", Text, key="email_address", nullable=False),
    Column("email_key", Text, nullable=False),
    Column("email_verified_at", INSTANT),
    Column("password_hash", Text),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("name_collation", Text, nullable=False),
    Column("status", user_status, nullable=False),
    Column("is_bot", Boolean, nullable=False, server_default=text("false")),
    Column("time_zone", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("avatar_id", Uuid),
    Column("is_server_admin", Boolean, nullable=False, server_default=text("false")),
    Column("suspended_at", INSTANT),
    Column("suspension_reason", Text),
)

Index("uq_users_email_key", users.c.email_key, unique=True)

Index("uq_users_name_collation_id", users.c.name_collation, users.c.id, unique=True)

sessions = Table(
    "sessions",
    metadata,
    id_column(),
    foreign_key("users", key="user_id"),
    Column("created_at", INSTANT, nullable=False),
    Column("last_used_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("revoked_at", INSTANT),
    Column("user_agent", Text),
    Column("ip_address", Text),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("previous_secret_hash", LargeBinary),
    Column("successor_nonce", LargeBinary),
    Column("token_key", LargeBinary),
    Column("rotated_at", INSTANT, nullable=False),
    Column("authenticated_at", INSTANT, nullable=False),
    Column("kind", Text, nullable=False, server_default=text("'DIRECT'")),
    foreign_key("oauth_clients", key="client_id", nullable=True),
    Column("scopes", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Index(None, "user_id"),
    Index(None, "client_id"),
)

account_tokens = Table(
    "account_tokens",
    metadata,
    id_column(),
    Column("purpose", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    # No foreign key: looking the user up would make it take longer to ask for an account that there is.
    Column("user_id", Uuid),
    Column("email", Text, nullable=False),
    Column("details", JSONB),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Index(None, "user_id"),
    Index(None, "expires_at"),
)

factors = Table(
    "factors",
    metadata,
    id_column(),
    foreign_key("users", key="user_id"),
    Column("kind", Text, nullable=False),
    Column("label", Text),
    Column("created_at", INSTANT, nullable=False),
    Column("confirmed_at", INSTANT),
    Column("last_used_at", INSTANT),
    Column("encrypted_secret", Text),
    Column("last_step", BigInteger, nullable=False),
    Column("credential_id", LargeBinary, unique=True),
    Column("public_key", LargeBinary),
    Column("sign_count", BigInteger, nullable=False, server_default=text("0")),
    Index(None, "user_id"),
)

external_identities = Table(
    "external_identities",
    metadata,
    id_column(),
    foreign_key("users", key="user_id"),
    Column("provider", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("email", Text),
    Column("created_at", INSTANT, nullable=False),
    Column("last_used_at", INSTANT, nullable=False),
    UniqueConstraint("issuer", "subject"),
    Index(None, "user_id"),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    foreign_key("users", key="user_id"),
    Column("code_hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("user_id", "code_hash"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("private_jwk", JSONB),  # of older versions, until it is encrypted
    Column("encrypted_jwk", Text),
    Column("signs_from", INSTANT, nullable=False, server_default=func.now()),
    # Set for the very first key, so that two processes that start together agree on one.
    Column("only", Boolean, unique=True),
    Column("created_at", INSTANT, nullable=False, server_default=func.now()),
)

teams = Table(
    "teams",
    metadata,
    *entity_columns(),
    Column("name", Text, nullable=False),
    Column("name_collation", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("description", Text),
    foreign_key("users", key="owner_id", name="owner_user_id"),
    Column("deleted_at", INSTANT),
    Column("last_task_number", Integer, nullable=False, server_default=text("0")),
    Index(None, "owner_id"),
)

Index("uq_teams_name_collation", teams.c.name_collation, unique=True, postgresql_where=teams.c.deleted_at.is_(None))

Index("uq_teams_name_collation_id", teams.c.name_collation, teams.c.id, unique=True)

Index("uq_teams_key", teams.c.key, unique=True)

calendar_feeds = Table(
    "calendar_feeds",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id"), key="id", primary_key=True),
    Column("key", Uuid, nullable=False, unique=True),
    Column("created_at", INSTANT, nullable=False),
)

team_members = Table(
    "team_members",
    metadata,
    *named_foreign_key("teams", key="team_id", name="team_name_collation"),
    *named_foreign_key("users", key="user_id", name="user_name_collation"),
    Column("role", team_role, nullable=False),
    Column("joined_at", INSTANT, nullable=False),
    Column("joined_position", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("user_id", "team_id"),
    Index(None, "team_id", "joined_at", "user_id"),
    Index(None, "team_id", "user_name_collation", "user_id"),
    Index(None, "user_id", "team_name_collation", "team_id"),
)

invitations = Table(
    "invitations",
    metadata,
    id_column(),
    foreign_key("teams", key="team_id"),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False),
    Column("role", team_role, nullable=False),
    foreign_key("users", key="invited_by_id", name="invited_by_user_id", nullable=True),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Index(None, "team_id", "created_at", "id"),
)

Index("ix_invitations_email_key", invitations.c.email_key)

Index("uq_invitations_team_email_key", invitations.c.team_id, invitations.c.email_key, unique=True)
