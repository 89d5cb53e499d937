"""Gives large lists an index for what is looked for: parts of titles, named versions, open threads, the inbox."""

from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes."""
    op.execute(
        "CREATE INDEX ix_documents_title_trigrams ON documents USING gin (title_collation gin_trgm_ops)"
        " WITH (gin_pending_list_limit = 256)"
    )
    op.execute("CREATE INDEX ix_document_versions_named ON document_versions (document_id, number) WHERE name IS NOT NULL")
    op.execute(
        "CREATE INDEX ix_comments_unresolved_threads ON comments (subject_id, created_at, id)"
        " WHERE parent_id IS NULL AND resolved_at IS NULL AND deleted_at IS NULL"
    )
    op.execute("CREATE INDEX ix_notifications_inbox ON notifications (user_id, created_at, id) WHERE archived_at IS NULL")
