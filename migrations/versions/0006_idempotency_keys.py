"""Names the table of idempotency keys by the term that clients and HTTP use for them."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_RENAME_NOT_NULL = """
DO $$ DECLARE old text; BEGIN
  FOR old IN SELECT conname FROM pg_constraint WHERE conrelid = 'idempotency_keys'::regclass AND contype = 'n' LOOP
    EXECUTE format('ALTER TABLE idempotency_keys RENAME CONSTRAINT %I TO %I', old,
                   replace(old, 'remembered_mutations', 'idempotency_keys'));
  END LOOP;
END $$
"""


def upgrade() -> None:
    """Run the SQL beside this file, then rename the constraints that Postgres 18 made of NOT NULL (older ones have none)."""
    for statement in Path(__file__).with_suffix(".sql").read_text().split(";\n"):
        if statement.strip():
            op.execute(statement)
    op.execute(_RENAME_NOT_NULL)
