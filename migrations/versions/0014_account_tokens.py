"""Stores the tokens that are sent by mail to verify, to register, and to choose a new password."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, and the index by which it is known whether an address was invited."""
    op.execute(
        """
        CREATE TABLE account_tokens (
            id UUID NOT NULL,
            purpose TEXT NOT NULL,
            token_hash BYTEA NOT NULL,
            user_id UUID,
            email TEXT NOT NULL,
            details JSONB,
            created_at TIMESTAMP WITH TIME ZONE NOT NULL,
            expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT pk_account_tokens PRIMARY KEY (id),
            CONSTRAINT uq_account_tokens_token_hash UNIQUE (token_hash)
        )
        """
    )
    op.create_index("ix_account_tokens_user_id", "account_tokens", ["user_id"])
    op.create_index("ix_account_tokens_expires_at", "account_tokens", ["expires_at"])
    op.create_index("ix_invitations_email_key", "invitations", ["email_key"])
