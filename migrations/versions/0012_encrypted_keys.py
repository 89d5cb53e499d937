"""Lets signing keys be encrypted and rotated. Keys that lie in clear are encrypted by the first process that loads them."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the encrypted form and the time from which a key signs; existing keys sign from when they were made."""
    op.execute("ALTER TABLE signing_keys ADD COLUMN encrypted_jwk TEXT, ALTER COLUMN private_jwk DROP NOT NULL")
    op.execute("ALTER TABLE signing_keys ADD COLUMN signs_from TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL")
    op.execute("UPDATE signing_keys SET signs_from = created_at")
