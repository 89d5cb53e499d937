"""Lets tasks recur."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the rule of a task, and the day on which the next of its series is made."""
    op.add_column("tasks", sa.Column("recurrence", sa.Text))
    op.add_column("tasks", sa.Column("recurs_on", sa.Date))
    op.create_index(
        "ix_tasks_recurs_on",
        "tasks",
        ["recurs_on", "id"],
        postgresql_where=sa.text("recurs_on IS NOT NULL AND deleted_at IS NULL"),
    )
