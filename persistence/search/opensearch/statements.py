"""The statements that search with OpenSearch: what the viewer may see now, whether the index lags, and hits among
candidates."""

from typing import Any, Final

from sqlalchemy import Double, Integer, Text, Uuid, bindparam, cast, column, extract, func, select, true
from sqlalchemy import literal_column as literal

from persistence.access import visible_project_array
from persistence.engine.rows import recordset
from persistence.engine.statement import Statement
from persistence.search.hit_statements import visible_hits
from persistence.search.parameters import narrowed
from persistence.tables import consumer_cursors, events, search_entries, streams, team_members

CONSUMER_NAME: Final = "search"
"""The consumer of the streams that writes into OpenSearch."""
_c, _ev, _s, _m = consumer_cursors, events, streams, team_members
_done = func.greatest(func.coalesce(_c.c.position, literal("0")), _s.c.trimmed_to)
_oldest = (
    select(_ev.c.at)
    .where(_ev.c.stream == _s.c.stream, _ev.c.position > _done)
    .order_by(_ev.c.position)
    .limit(1)
    .lateral("oldest")
)
_lag: Any = (
    select(func.max(extract("epoch", func.clock_timestamp() - _oldest.c.at)))
    .select_from(
        _m.join(_s, _s.c.stream == literal("'team:'") + cast(_m.c.team_id, Text))
        .outerjoin(_c, (_c.c.stream == _s.c.stream) & (_c.c.consumer == literal(f"'{CONSUMER_NAME}'")))
        .join(_oldest, true())
    )
    .where(_m.c.user_id == bindparam("viewer", type_=Uuid), _s.c.position > _done)
    .scalar_subquery()
)
READABLE: Final = Statement(
    select(
        visible_project_array(narrowed).label("projects"), cast(func.coalesce(_lag, literal("0")), Double).label("lag_seconds")
    )
)
"""The projects in which the viewer searches, and the age of the oldest event of their teams that is not indexed yet."""

_given = recordset(
    "candidates",
    "given",
    column("id", Uuid),
    column("matched", Integer),
    column("in_title", Integer),
    column("proximity", Double),
)
_candidates = (
    select(
        search_entries.c.id,
        search_entries.c.type,
        search_entries.c.title_key,
        _given.c.matched,
        _given.c.in_title,
        _given.c.proximity,
    )
    .join(_given, _given.c.id == search_entries.c.id)
    .cte("candidates")
)
_allowed = select(visible_project_array(narrowed).label("projects")).cte("allowed")
FIND_AMONG: Final = Statement(visible_hits(_candidates, _allowed, _candidates.c.proximity))
"""Hits among the objects of the parameter `candidates`, in no order."""
