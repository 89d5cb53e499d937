"""Stores passkeys beside the other factors."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what a passkey has; it has no secret."""
    op.execute("ALTER TABLE factors ALTER COLUMN encrypted_secret DROP NOT NULL")
    op.execute("ALTER TABLE factors ADD COLUMN credential_id BYTEA, ADD COLUMN public_key BYTEA")
    op.execute("ALTER TABLE factors ADD COLUMN sign_count BIGINT NOT NULL DEFAULT 0")
    op.create_unique_constraint("uq_factors_credential_id", "factors", ["credential_id"])
