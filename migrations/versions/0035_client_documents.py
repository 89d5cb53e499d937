"""Lets OAuth clients describe themselves, which belong to no team."""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Clients without a team and a bot, by the address of their document."""
    op.execute("ALTER TABLE oauth_clients ALTER COLUMN team_id DROP NOT NULL, ALTER COLUMN bot_user_id DROP NOT NULL")
    op.execute("ALTER TABLE oauth_clients ADD COLUMN document_url TEXT")
    op.create_unique_constraint("uq_oauth_clients_document_url", "oauth_clients", ["document_url"])
