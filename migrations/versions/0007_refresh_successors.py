"""Lets a refresh token be answered with the same successor for as long as it is good."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what a successor is derived with, and what marks the secrets of a session; both are missing until its next refresh."""
    op.execute("ALTER TABLE sessions ADD COLUMN successor_nonce BYTEA, ADD COLUMN token_key BYTEA")
