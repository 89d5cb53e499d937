"""Lets the invitations of a team be listed in the order of time without sorting them."""

from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.execute("CREATE INDEX ix_invitations_team_id_created_at_id ON invitations (team_id, created_at, id)")
