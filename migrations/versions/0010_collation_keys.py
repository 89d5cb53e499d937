"""Stores beside each name, title and address what it is compared and sorted by (`domain.collation`, `domain.email_address`).

What was told apart by `lower()` and is the same name now keeps its text, except where a name is unique: labels and teams that
came later get a number behind their names. Of open invitations of one address to one team the newest stays. Of accounts with one
address the oldest is found by it; the others stay as they are, and nobody signs in to them by that address any more.

Reactions that differ only by the mark that asks for an emoji's picture become one. Days that were stored as infinity, since
asyncpg writes the last day of the calendar so, become that day.
"""

import itertools
from collections.abc import Callable
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from domain.collation import SEPARATOR, collation_key
from domain.email_address import email_key
from domain.emoji import fully_qualified

revision = "0010"
down_revision = "0007"
branch_labels = None
depends_on = None

_BATCH_ROWS = 5_000
# Where only small ASCII letters would come of it, Postgres makes the key.
_PLAIN = "^[!-z]+( [!-z]+)*$"


def upgrade() -> None:
    """Add the columns, fill them, and let indexes rest on them."""
    for index in ("uq_users_email", "uq_teams_name", "uq_labels_team_name", "uq_invitations_team_email"):
        op.drop_index(index)
    _add_keys("users", "name_collation", "first_name || ' ' || last_name", collation_key)
    _add_keys("users", "email_key", "email", email_key, plain=False)
    _add_keys("teams", "name_collation", "name", collation_key)
    _add_keys("labels", "name_collation", "name", collation_key)
    _add_keys("projects", "name_collation", "name", collation_key)
    _add_keys("tasks", "title_collation", "title", collation_key)
    _add_keys("documents", "title_collation", "title", collation_key)
    _add_keys("invitations", "email_key", "email", email_key, plain=False)
    _part_accounts()
    _number_names("teams", "id IS NOT NULL", "deleted_at IS NULL")
    _number_names("labels", "team_id", "true")
    op.execute(
        "DELETE FROM invitations old USING invitations new WHERE old.team_id = new.team_id AND old.email_key = new.email_key"
        " AND (old.created_at, old.id) < (new.created_at, new.id)"
    )
    for table, column in _KEYS:
        op.alter_column(table, column, nullable=False)
    op.create_index("uq_users_email_key", "users", ["email_key"], unique=True)
    op.create_index("uq_teams_name_collation", "teams", ["name_collation"], unique=True, postgresql_where="deleted_at IS NULL")
    op.create_index("uq_labels_team_name_collation", "labels", ["team_id", "name_collation"], unique=True)
    op.create_index("uq_invitations_team_email_key", "invitations", ["team_id", "email_key"], unique=True)
    op.create_index("ix_projects_team_id_name_collation_id", "projects", ["team_id", "name_collation", "id"])
    _qualify_reactions()
    for table, column in (("tasks", "start_on"), ("tasks", "due_on"), ("projects", "start_on"), ("projects", "end_on")):
        op.execute(f"UPDATE {table} SET {column} = '9999-12-31' WHERE {column} = 'infinity'")
        op.execute(f"UPDATE {table} SET {column} = '0001-01-01' WHERE {column} = '-infinity'")


_KEYS = (
    ("users", "name_collation"),
    ("users", "email_key"),
    ("teams", "name_collation"),
    ("labels", "name_collation"),
    ("projects", "name_collation"),
    ("tasks", "title_collation"),
    ("documents", "title_collation"),
    ("invitations", "email_key"),
)


def _add_keys(table: str, column: str, text: str, key: Callable[[str], str], *, plain: bool = True) -> None:
    connection = op.get_bind()
    op.add_column(table, sa.Column(column, sa.Text))
    if plain:
        connection.execute(sa.text(f"UPDATE {table} SET {column} = lower({text}) WHERE {text} ~ :plain"), {"plain": _PLAIN})
    last = UUID(int=0)
    while True:
        read = f"SELECT id, {text} FROM {table} WHERE {column} IS NULL AND id > :last ORDER BY id LIMIT {_BATCH_ROWS}"
        rows = connection.execute(sa.text(read), {"last": last}).all()
        if not rows:
            return
        last = rows[-1][0]
        _write(table, column, {id_: key(text) for id_, text in rows})


def _write(table: str, column: str, values: dict[UUID, str]) -> None:
    write = sa.text(
        f"UPDATE {table} SET {column} = given.value"
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:values AS text[])) AS given(id, value)"
        f" WHERE {table}.id = given.id"
    )
    op.get_bind().execute(write, {"ids": list(values), "values": list(values.values())})


def _part_accounts() -> None:
    read = "SELECT id, email_key, row_number() OVER (PARTITION BY email_key ORDER BY created_at, id) FROM users"
    rows = op.get_bind().execute(sa.text(f"SELECT id, email_key FROM ({read}) AS numbered(id, email_key, nr) WHERE nr > 1")).all()
    _write("users", "email_key", {id_: f"{key}{SEPARATOR}{id_}" for id_, key in rows})


def _number_names(table: str, partition: str, condition: str) -> None:
    connection = op.get_bind()
    read = f"SELECT {partition}, id, name, name_collation FROM {table} WHERE {condition} ORDER BY created_at, id"
    rows = connection.execute(sa.text(read)).all()
    taken = {(within, key) for within, _, _, key in rows}
    first: set[tuple[object, str]] = set()
    names: dict[UUID, str] = {}
    for within, id_, name, key in rows:
        if (within, key) not in first:
            first.add((within, key))
            continue
        renamed = next(
            each for number in itertools.count(2) if (within, collation_key(each := f"{name} ({number})")) not in taken
        )
        taken.add((within, collation_key(renamed)))
        names[id_] = renamed
    _write(table, "name", names)
    _write(table, "name_collation", {id_: collation_key(name) for id_, name in names.items()})


def _qualify_reactions() -> None:
    connection = op.get_bind()
    for (emoji,) in connection.execute(sa.text("SELECT DISTINCT emoji FROM comment_reactions")).all():
        qualified = fully_qualified(emoji)
        if qualified not in (None, emoji):
            given = {"one": emoji, "other": qualified}
            move = (
                "INSERT INTO comment_reactions (comment_id, user_id, emoji, created_at)"
                " SELECT comment_id, user_id, :other, created_at FROM comment_reactions WHERE emoji = :one"
                " ON CONFLICT (comment_id, emoji, user_id)"
                " DO UPDATE SET created_at = least(comment_reactions.created_at, excluded.created_at)"
            )
            connection.execute(sa.text(move), given)
            connection.execute(sa.text("DELETE FROM comment_reactions WHERE emoji = :one"), given)
