"""Lets the entries of the log about an object be found without looking at all that came since: about one that is part of another,
and those by which somebody lost access."""

from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes. Changes of tasks stand in neither."""
    op.execute("CREATE INDEX ix_events_entity ON events (entity_id) WHERE entity_id <> about_id")
    op.execute(
        "CREATE INDEX ix_events_lost_access ON events (stream, position)"
        " WHERE kind = 'ACCESS_LOST' AND entity_type IN ('Team', 'Project')"
    )
