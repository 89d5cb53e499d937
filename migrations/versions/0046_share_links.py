"""Adds share links."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "share_links",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("team_id", sa.Uuid, nullable=False),
        sa.Column("project_id", sa.Uuid, nullable=False),
        sa.Column("subject_type", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("created_by_user_id", sa.Uuid, nullable=False),
        sa.Column("expires_at", _INSTANT),
        sa.Column("last_used_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_share_links"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name="fk_share_links_team_id"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_share_links_project_id"),
        sa.ForeignKeyConstraint(["created_by_user_id"], ["users.id"], name="fk_share_links_created_by_user_id"),
    )
    op.create_index("ix_share_links_subject_id_created_at_id", "share_links", ["subject_id", "created_at", "id"])
