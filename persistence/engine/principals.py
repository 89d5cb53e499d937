"""Writes the SQL with which a statement runs as one principal, whose rows Postgres narrows (`persistence.row_policies`).

The principal travels with the statement, and is forgotten with it. For example

    SELECT tasks.id FROM tasks WHERE tasks.id = ANY ($1::UUID[])

becomes

    SELECT _own.* FROM (SELECT set_config('hive.user_id', $2::TEXT, true) AS principal OFFSET 0) AS _set
    CROSS JOIN LATERAL (
      SELECT _rows.* FROM (SELECT tasks.id FROM tasks WHERE tasks.id = ANY ($1::UUID[])) AS _rows
      WHERE _set.principal IS NOT NULL OFFSET 0
    ) AS _own

The inner part refers to the outer one, so Postgres sets the principal before it reads the first row. `true` limits the setting
to the transaction, here the statement: a connection keeps nothing of it, and a statement that came without would read nothing.

Statements of different principals do not leave together, other than those of `Database`: what a policy computes once per
statement would be the first principal's for all of them.

Rejected: a round trip that sets the principal of a connection (one more per statement); connections that belong to a principal
(as many as there are people); a log-in role of its own (a second secret to keep).
"""

from typing import Final

PRINCIPAL_SETTING: Final = "hive.user_id"
"""The id of the user as whom a statement reads; empty for a stranger."""


def to_text_for_principal(text: str, params: int) -> str:
    """The text of a statement that only reads, with the principal as the parameter after its own `params`."""
    return (
        f"SELECT _own.* FROM (SELECT set_config('{PRINCIPAL_SETTING}', ${params + 1}::TEXT, true) AS principal OFFSET 0) AS _set "  # noqa: S608 (our own text)
        f"CROSS JOIN LATERAL (SELECT _rows.* FROM ({text}) AS _rows WHERE _set.principal IS NOT NULL OFFSET 0) AS _own"
    )
