"""Stores with each membership the names by which members and a person's teams are sorted, so that an index holds them in order.

Postgres itself keeps them equal to the names: a foreign key refers to a name together with the id and follows it, and a trigger
fills them in. So it does for processes of a version that does not know these columns.
"""

from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

_FILL = """CREATE FUNCTION fill_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT name_collation INTO NEW.{column} FROM {table} WHERE id = NEW.{key} FOR KEY SHARE;
    RETURN NEW;
END $$"""


def upgrade() -> None:
    """Add the columns, fill them, and let keys, indexes and triggers rest on them."""
    op.execute("DROP INDEX ix_users_name_collation_id")
    for table in ("users", "teams"):
        op.execute(f"CREATE UNIQUE INDEX uq_{table}_name_collation_id ON {table} (name_collation, id)")
    for name, column, table, key in (
        ("user_name", "user_name_collation", "users", "user_id"),
        ("team_name", "team_name_collation", "teams", "team_id"),
    ):
        op.execute(_FILL.format(name=name, column=column, table=table, key=key))
    _add_name("team_members", "user", "users", others="team_id")
    _add_name("team_members", "team", "teams", others="user_id")
    _add_name("project_members", "user", "users", others="project_id")


def _add_name(table: str, of: str, named: str, *, others: str) -> None:
    key, name = f"{of}_id", f"{of}_name_collation"
    op.execute(f"ALTER TABLE {table} ADD COLUMN {name} TEXT")
    op.execute(f"UPDATE {table} SET {name} = {named}.name_collation FROM {named} WHERE {named}.id = {table}.{key}")
    op.execute(f"ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL")
    op.execute(
        f"ALTER TABLE {table} DROP CONSTRAINT fk_{table}_{key}, ADD CONSTRAINT fk_{table}_{key}_{name}"
        f" FOREIGN KEY ({key}, {name}) REFERENCES {named} (id, name_collation) ON UPDATE CASCADE"
    )
    op.execute(f"CREATE INDEX ix_{table}_{others}_{name}_{key} ON {table} ({others}, {name}, {key})")
    # What a backup holds stays: rows are restored in any order, before their keys.
    op.execute(
        f"CREATE TRIGGER fill_{of}_name BEFORE INSERT ON {table} FOR EACH ROW WHEN (NEW.{name} IS NULL)"
        f" EXECUTE FUNCTION fill_{of}_name()"
    )
