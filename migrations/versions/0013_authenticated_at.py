"""Stores in each session when its person last showed who they are; until they do so again, that was when they signed in."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.execute("ALTER TABLE sessions ADD COLUMN authenticated_at TIMESTAMPTZ")
    op.execute("UPDATE sessions SET authenticated_at = created_at")
    op.execute("ALTER TABLE sessions ALTER COLUMN authenticated_at SET NOT NULL")
