"""The statements that write entries of the search index, and queue objects whose words are to be learned.

Rows come as parameters of JSON: `entries`, as `entry_row` makes them, and `queued`, of type and id.
"""

from typing import Any, Final

from sqlalchemy import CTE, Boolean, Insert, Text, Uuid, cast, column, literal_column, select
from sqlalchemy.dialects.postgresql import TSVECTOR, insert

from domain.search.entry import SearchEntry, place
from persistence.engine.rows import recordset
from persistence.engine.statement import Statement
from persistence.search.vectors import vector
from persistence.tables import INSTANT, search_entries, search_queue

_e, _q = search_entries, search_queue
_COLUMNS: Final = ("id", "type", "project_id", "place", "subject_id", "title_key", "tokens", "text_at")


def entry_row(entry: SearchEntry) -> dict[str, Any]:
    """An entry as a row of the parameter `entries`."""
    return {
        "id": entry.id,
        "type": entry.type_name,
        "project_id": entry.project_id,
        "place": place(entry.type_name, entry.project_id),
        "subject_id": entry.subject_id,
        "title_key": entry.title_key,
        "tokens": vector(entry),
        "text_at": entry.at,
    }


def put_entries(locked: CTE | None = None) -> Insert:
    """Insert or replace the entries of the parameter, only those of rows in `locked` where it is given."""
    kinds: dict[str, Any] = {"tokens": Text, "text_at": INSTANT, "id": Uuid, "project_id": Uuid, "subject_id": Uuid}
    given = recordset("entries", "entry", *(column(name, kinds.get(name, Text)) for name in _COLUMNS))
    rows = select(*(cast(given.c.tokens, TSVECTOR) if name == "tokens" else given.c[name] for name in _COLUMNS))
    if locked is not None:
        rows = rows.join(locked, locked.c.id == given.c.id)
    put = insert(_e).from_select(_COLUMNS, rows.order_by(given.c.id))
    return put.on_conflict_do_update(
        index_elements=[_e.c.id], set_={name: put.excluded[name] for name in _COLUMNS if name not in ("id", "type")}
    )


def enqueue_rows(locked: CTE | None = None, *, is_indexed: bool = True) -> Insert:
    """Queue the objects of the parameter `queued`; unless `is_indexed`, their entries are to be written too."""
    given = recordset("queued", "queued", column("type", Text), column("id", Uuid))
    rows = select(given.c.type, given.c.id, literal_column("true" if is_indexed else "false", Boolean))
    if locked is not None:
        rows = rows.join(locked, locked.c.id == given.c.id)
    queued = insert(_q).from_select(["type", "id", "is_indexed"], rows.order_by(given.c.type, given.c.id))
    if is_indexed:
        return queued.on_conflict_do_nothing()
    return queued.on_conflict_do_update(
        index_elements=[_q.c.type, _q.c.id], set_={"is_indexed": literal_column("false", Boolean)}
    )


def index_ctes(locked: CTE) -> tuple[CTE, CTE]:
    """Both, as parts of a statement that updates the objects themselves."""
    return put_entries(locked).cte("indexed"), enqueue_rows(locked).cte("enqueued")


PUT: Final = Statement(put_entries())
ENQUEUE_INDEXED: Final = Statement(enqueue_rows())
ENQUEUE_OUTDATED: Final = Statement(enqueue_rows(is_indexed=False))
