"""Stores templates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "templates",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("team_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("task_count", sa.Integer, nullable=False),
        sa.Column("creator_user_id", sa.Uuid),
        sa.Column("content", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_templates"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name="fk_templates_team_id"),
        sa.ForeignKeyConstraint(["creator_user_id"], ["users.id"], name="fk_templates_creator_user_id"),
    )
    op.create_index("ix_templates_team_id_created_at_id", "templates", ["team_id", "created_at", "id"])
