"""Lets parts of titles be found by team or project, and trigram, together; not by trigram among all teams."""

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes in place of those of trigrams alone. Their lists of pending entries are short, since every search reads
    them."""
    for table in ("tasks", "documents"):
        op.execute(
            f"CREATE INDEX ix_{table}_place_title_trigrams ON {table}"
            " USING gin ((ARRAY[team_id, project_id]), title_collation gin_trgm_ops) WITH (gin_pending_list_limit = 256)"
        )
        op.execute(f"DROP INDEX ix_{table}_title_trigrams")
