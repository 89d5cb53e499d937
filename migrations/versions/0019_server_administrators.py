"""Stores who administers the server, and who was suspended, since when and why."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.execute(
        "ALTER TABLE users ADD COLUMN is_server_admin BOOLEAN DEFAULT false NOT NULL,"
        " ADD COLUMN suspended_at TIMESTAMPTZ, ADD COLUMN suspension_reason TEXT"
    )
