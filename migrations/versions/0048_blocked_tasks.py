"""Stores which tasks are blocked, as a column with an index."""

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, fill it, and make the index."""
    op.execute("ALTER TABLE tasks ADD COLUMN is_blocked BOOLEAN NOT NULL DEFAULT false")
    op.execute(
        "UPDATE tasks SET is_blocked = true WHERE id IN ("
        "SELECT task_links.task_id FROM task_links JOIN tasks AS blocker ON blocker.id = task_links.target_id"
        " WHERE task_links.kind = 'BLOCKED_BY' AND blocker.deleted_at IS NULL AND blocker.status < 'DONE')"
    )
    op.execute("CREATE INDEX ix_tasks_blocked ON tasks (project_id, created_at, id) WHERE is_blocked")
