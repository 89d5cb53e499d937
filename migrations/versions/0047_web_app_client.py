"""Adds the OAuth client that the application is; where it returns to and its scopes are in `domain.oauth_client`."""

from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the client."""
    op.execute(
        "INSERT INTO oauth_clients (id, version, created_at, updated_at, name, is_public, redirect_uris, grants, scopes)"
        " VALUES ('4c1de0b7-92f3-5a68-8d27-b05e6f7a1c94', 1, now(), now(), 'PantheraHive', true, '{}',"
        " '{AUTHORIZATION_CODE,REFRESH_TOKEN}', '{}')"
    )
