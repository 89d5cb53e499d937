"""Gives the titles of tasks an index of their trigrams, by which parts of them are found."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the extension and the index, whose list of pending entries is short, since every search reads it."""
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    column, limit = "title_collation gin_trgm_ops", "gin_pending_list_limit = 256"
    op.execute(f"CREATE INDEX ix_tasks_title_trigrams ON tasks USING gin ({column}) WITH ({limit})")
