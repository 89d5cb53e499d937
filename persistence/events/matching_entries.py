"""Reads the entries of streams that match a scope; all others are skipped in Postgres.

Whoever was away for long and asks about one task may have a hundred thousand entries between them and the next that concerns
them. The entries of objects that are named are found by indexes, where they have `MAX_NAMED_ENTRIES` at most, and nothing else
is looked at. What else is looked at by one statement is bounded by positions, which have no gaps: `MAX_SKIPPED_ENTRIES`
altogether. A stream is *reached* up to a position when all that match up to there were read; positions and entries are seen at
one moment, so nothing that is committed later can stand before what was reached.

Rejected: an index for each field of a scope (each costs every write; of what a scope may name, previous projects and teams stand
in payloads only).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    column,
    func,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy import any_ as sql_any

from domain.events import Entry
from persistence.engine.database import Database
from persistence.engine.rows import columns, row_class, to_entity
from persistence.engine.statement import Statement
from persistence.tables import events, streams

MAX_NAMED_ENTRIES: Final = 1_000
MAX_SKIPPED_ENTRIES: Final = 100_000
_MIN_SKIPPED_ENTRIES: Final = 100  # of each stream

_e, _s = events, streams
Column = ColumnElement[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryScope:
    """
    Which entries are read. All given fields must match; None is everything.

    `visible_projects`: entries of other projects are left out, not those of none. `hidden_types`: entries about objects of these
    types are left out. That a task or document left a team or project is in the scope of these too; that somebody lost access to
    a team or project whatever `types` and `entities` are.
    """

    visible_projects: Collection[UUID]
    hidden_types: Collection[str] = ()
    teams: Collection[UUID] | None = None
    projects: Collection[UUID] | None = None
    entities: Collection[UUID] | None = None
    types: Collection[str] | None = None


class StreamPart(NamedTuple):
    """Entries of a stream in order, and the position up to which no others match; `more`: whether the stream goes on."""

    entries: list[Entry]
    reached: int
    more: bool


def _given(name: str) -> Column:
    return bindparam(name, type_=ARRAY(Text if name.endswith("types") else Uuid))


def _among(name: str, *compared: Column) -> Column:
    """One of the columns is among the values of a parameter, or the parameter is NULL."""
    return or_(_given(name).is_(None), *(each == sql_any(_given(name)) for each in compared))


def _previous_id(attribute: str) -> Column:
    """The value of an attribute before the entry; NULL where it did not change."""
    path: Column = literal_column(f"'$.changes[*] ? (@.field == \"{attribute}\").before'::jsonpath")
    text: Column = func.jsonb_path_query_first(_e.c.payload, path).op("#>>")(literal_column("'{}'"))
    return cast(text, Uuid)


_lost_access = (_e.c.kind == literal_column("'ACCESS_LOST'")) & _e.c.entity_type.in_(
    [literal_column("'Team'"), literal_column("'Project'")]
)


def _matches() -> Column:
    """What `resolvers.event_visibility.ChangeFilter.matches` says, and which projects the viewer may see."""
    of_team = _e.c.entity_type == literal_column("'Team'")
    entity = _e.c.payload[literal_column("'entity'")]
    lost_team: Column = case(
        (of_team, entity.op("->>")(literal_column("'id'"))), else_=entity.op("->>")(literal_column("'team_id'"))
    )
    loss_matches = _among("teams", cast(lost_team, Uuid)) & or_(of_team, _among("projects", _e.c.entity_id))
    own_team = cast(func.substr(_e.c.stream, literal_column("6")), Uuid)
    in_team = case(
        (func.starts_with(_e.c.stream, literal_column("'team:'")), own_team == sql_any(_given("teams"))),
        else_=literal_column("false"),
    )
    matches = (
        _among("types", _e.c.entity_type)
        & _among("entities", _e.c.entity_id, _e.c.about_id)
        & _among("projects", _e.c.project_id, _e.c.entity_id, _previous_id("project_id"))
        & or_(_among("teams", _e.c.entity_id), in_team, _previous_id("team_id") == sql_any(_given("teams")))
    )
    visible = _e.c.project_id.is_(None) | (_e.c.project_id == sql_any(_given("visible_projects")))
    hidden = _e.c.about_type == sql_any(_given("hidden_types"))
    return visible & ~hidden & case((_lost_access, loss_matches), else_=matches)


_unnested = func.unnest(bindparam("streams", type_=ARRAY(Text)), bindparam("positions", type_=ARRAY(BigInteger)))
_start = _unnested.table_valued(column("stream", Text), column("position", BigInteger), name="start").render_derived()
_matching = (
    select(*columns(Entry, _e))
    .where(
        _e.c.stream == _start.c.stream,
        _e.c.position > _start.c.position,
        _e.c.position <= _start.c.position + bindparam("span", type_=Integer),
        _matches(),
    )
    .order_by(_e.c.position)
    .limit(bindparam("size", type_=Integer))
    .lateral("matching")
)
_READ = Statement(
    select(*_matching.c, _s.c.stream.label("of_stream"), _s.c.position.label("head"), _s.c.trimmed_to)
    .select_from(
        _start.join(_s, (_s.c.stream == _start.c.stream) & (_s.c.position > _start.c.position)).outerjoin(_matching, true())
    )
    .order_by(_s.c.stream, _matching.c.position),
    row_class(Entry),
)


def _named_entries() -> Statement:
    """Of each stream that goes on what matches a scope that names entities, and whether that is all: NULL where these have too
    many entries."""
    places, limit = (_e.c.stream, _e.c.position), bindparam("limit", type_=Integer)
    own = _start.alias("own_start")
    loss = select(*places).where(_e.c.stream == own.c.stream, _e.c.position > own.c.position, _lost_access).lateral("loss")
    found = union_all(
        select(select(*places).where(_e.c.about_id == sql_any(_given("entities"))).limit(limit).subquery("about")),
        select(
            select(*places)
            .where(_e.c.entity_id == sql_any(_given("entities")), _e.c.entity_id != _e.c.about_id)
            .limit(limit)
            .subquery("own")
        ),
        select(select(*loss.c).select_from(own.join(loss, true())).limit(limit).subquery("lost")),
    ).cte("found")
    are_few = select((func.count() < limit).label("yes")).select_from(found).cte("are_few")
    distinct = select(found.c.stream, found.c.position).distinct().where(select(are_few.c.yes).scalar_subquery())
    place = distinct.offset(literal_column("0")).subquery("place")
    nr = func.row_number().over(partition_by=_e.c.stream, order_by=_e.c.position).label("nr")
    matching = (
        select(*columns(Entry, _e), nr)
        .select_from(
            place.join(own, (own.c.stream == place.c.stream) & (place.c.position > own.c.position)).join(
                _e, (_e.c.stream == place.c.stream) & (_e.c.position == place.c.position)
            )
        )
        .where(_matches())
        .subquery("matching")
    )
    entries = [matching.c[each.name] for each in columns(Entry, _e)]
    goes_on = (_s.c.stream == _start.c.stream) & (_s.c.position > _start.c.position)
    own_rows = (matching.c.stream == _s.c.stream) & (matching.c.nr <= bindparam("size", type_=Integer))
    return Statement(
        select(*entries, _s.c.stream.label("of_stream"), _s.c.position.label("head"), _s.c.trimmed_to, are_few.c.yes)
        .select_from(_start.join(_s, goes_on).outerjoin(matching, own_rows).join(are_few, true()))
        .order_by(_s.c.stream, matching.c.position),
        row_class(Entry),
    )


_READ_NAMED = _named_entries()


class PositionTrimmed(Exception):
    """Entries after a position have been trimmed."""


async def read_matching(
    database: Database, positions: Mapping[str, int], scope: EntryScope, *, limit: int
) -> dict[str, StreamPart]:
    """
    Of each stream that goes on after its position, the next entries in the scope: `limit` of each at most.

    Raises PositionTrimmed.
    """
    given = {"streams": list(positions), "positions": list(positions.values()), "size": limit, **_params(scope)}
    if scope.entities is not None:
        rows = await database.fetch(_READ_NAMED, **given, limit=MAX_NAMED_ENTRIES + 1)
        if not rows or rows[0]["yes"]:
            return _to_parts(rows, positions, limit, span=None)
    span = max(MAX_SKIPPED_ENTRIES // max(len(positions), 1), _MIN_SKIPPED_ENTRIES)
    return _to_parts(await database.fetch(_READ, **given, span=span), positions, limit, span)


def _to_parts(rows: Sequence[Any], positions: Mapping[str, int], limit: int, span: int | None) -> dict[str, StreamPart]:
    """`span`: how many entries of each stream were looked at; None for all."""
    entries: dict[str, list[Entry]] = {}
    heads: dict[str, int] = {}
    for row in rows:
        stream = row["of_stream"]
        if row["trimmed_to"] > positions[stream]:
            raise PositionTrimmed(stream)
        heads[stream] = row["head"]
        found = entries.setdefault(stream, [])
        if row["position"] is not None:
            found.append(to_entity(Entry, row))
    parts: dict[str, StreamPart] = {}
    for stream, found in entries.items():
        head = heads[stream]
        end = found[-1].position if len(found) >= limit else head if span is None else min(head, positions[stream] + span)
        parts[stream] = StreamPart(found, end, end < head)
    return parts


def _params(scope: EntryScope) -> dict[str, list[Any] | None]:
    named = {each.name: getattr(scope, each.name) for each in fields(scope)}
    return {name: None if values is None else list(values) for name, values in named.items()}
