"""Lets administrators page through all accounts by name without sorting them."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_users_name_collation_id", "users", ["name_collation", "id"])
