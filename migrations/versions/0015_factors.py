"""Stores second factors and the hashes of recovery codes."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.execute(
        """
        CREATE TABLE factors (
            id UUID NOT NULL,
            user_id UUID NOT NULL,
            kind TEXT NOT NULL,
            label TEXT,
            created_at TIMESTAMP WITH TIME ZONE NOT NULL,
            confirmed_at TIMESTAMP WITH TIME ZONE,
            last_used_at TIMESTAMP WITH TIME ZONE,
            encrypted_secret TEXT NOT NULL,
            last_step BIGINT NOT NULL,
            CONSTRAINT pk_factors PRIMARY KEY (id),
            CONSTRAINT fk_factors_user_id FOREIGN KEY (user_id) REFERENCES users (id)
        )
        """
    )
    op.create_index("ix_factors_user_id", "factors", ["user_id"])
    op.execute(
        """
        CREATE TABLE recovery_codes (
            user_id UUID NOT NULL,
            code_hash BYTEA NOT NULL,
            CONSTRAINT pk_recovery_codes PRIMARY KEY (user_id, code_hash),
            CONSTRAINT fk_recovery_codes_user_id FOREIGN KEY (user_id) REFERENCES users (id)
        )
        """
    )
