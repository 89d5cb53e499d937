"""Lets the projects of a team be listed in each of their orders without sorting them."""

from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes; an unset day is infinite in them."""
    for column in ("updated_at", "status"):
        op.execute(f"CREATE INDEX ix_projects_team_id_{column}_id ON projects (team_id, {column}, id)")
    for column in ("start_on", "end_on"):
        op.execute(f"CREATE INDEX ix_projects_{column} ON projects (team_id, coalesce({column}, 'infinity'::date), id)")
