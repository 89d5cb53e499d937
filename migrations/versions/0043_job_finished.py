"""Adds the reason for which people are notified of a job of theirs that has ended."""

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the value of the enum."""
    op.execute("ALTER TYPE notification_reason ADD VALUE 'JOB_FINISHED'")
