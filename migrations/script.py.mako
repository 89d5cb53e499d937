"""${message}."""

from alembic import op

revision = "${up_revision}"
down_revision = ${repr(down_revision).replace("'", '"')}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward. There is no way back: a mistake is mended by the next migration."""
    ${upgrades if upgrades else "op.execute('')"}
