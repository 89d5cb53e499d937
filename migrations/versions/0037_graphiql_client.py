"""Adds the OAuth client that GraphiQL is; where it returns to and its scopes are the server's own (`domain.oauth_client`)."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the client."""
    op.execute(
        "INSERT INTO oauth_clients (id, version, created_at, updated_at, name, is_public, redirect_uris, grants, scopes)"
        " VALUES ('6a7b1c52-7d0b-5f0e-9a53-3d1f6f0f4e11', 1, now(), now(), 'GraphiQL', true, '{}',"
        " '{AUTHORIZATION_CODE,REFRESH_TOKEN}', '{}')"
    )
