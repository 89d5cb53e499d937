"""Lets unread notifications be counted from their index, without looking at their rows."""

from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index anew with what the count asks about."""
    op.execute("DROP INDEX ix_notifications_unread")
    op.execute(
        "CREATE INDEX ix_notifications_unread ON notifications (user_id)"
        " INCLUDE (id, subject_type, subject_id, comment_id, snoozed_until, in_app)"
        " WHERE read_at IS NULL AND archived_at IS NULL"
    )
