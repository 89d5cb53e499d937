"""Lists in pages, by keyset, for many parents in one statement.

A `Listing` describes one kind of list: what its rows are, how they hang on a parent, who may see them, by what they can be
filtered and sorted. `pages` reads one page for each of many parents at once:

    SELECT page.…, parent.place FROM unnest(:parents) WITH ORDINALITY AS parent(id, place)
    CROSS JOIN LATERAL (SELECT … WHERE … ORDER BY … LIMIT …) AS page

so a nested connection costs one statement a level however many parents there are. A row comes with its parent's place and not its
id, since finding a list by a UUID takes longer than reading three columns. What is computed of a row (its global id) is computed
outside of the page: inside, Postgres does it before it sorts and throws away the rest. Statements are built once per shape
(listing, filter without its values, order, direction) and kept. A cursor holds the sort values and the id of its row; rows that
sort alike are told apart by their ids. Rejected: OFFSET (repeats and skips when rows come and go, and reads what it throws away),
window functions over all children (read every child of every parent).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, Final, Literal, NamedTuple, cast
from uuid import UUID

import asyncpg
from sqlalchemy import ARRAY, Boolean, Integer, Uuid, bindparam, column, func, literal_column, select, true
from sqlalchemy import Column as SchemaColumn

from domain.page import MATCH_ALL, MAX_COUNTED_ROWS, Order, Page, PageBatch, Paging, Total, Where
from persistence.engine.cursor import CursorState, SortColumn, after_cursor, decode_cursor, encode_cursor
from persistence.engine.database import Database
from persistence.engine.filter import MATCH_ALL_SHAPE, Column, FilterCompiler, FilterFields, Shape, extract_values
from persistence.engine.index_ranges import Ranges, matching_ids, merged_ids, probed_ids, with_columns
from persistence.engine.lru_cache import LruCache
from persistence.engine.rows import base_attribute, columns, row_class, stored_attributes
from persistence.engine.statement import JoinedStatement, SqlText, Statement, compile_text

Kind = tuple[str, str]
"""A kind of condition: its field and operator."""


class KeptCount(NamedTuple):
    """A statement that reads totals, and its parameters beside those of the list."""

    statement: Statement
    params: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class ListQuery:
    """One kind of list. Compared by identity: make each once, at module level.

    `id` is the column whose order decides among equals; `hangs_on` ties a row to a parent's id (None: one list for all). `fields`
    maps a filter's field to a column, or to a function that makes the condition from operator and parameter.
    """

    cls: type[Any]
    source: Any
    id: Column
    sorts: Mapping[str, tuple[SortColumn, ...]]
    default: tuple[Order, ...]
    ties: Mapping[str, str] = field(default_factory=dict)
    """By the field that is sorted by last, the one that decides among equals before their ids do."""
    parent_clause: Callable[[Column], Column] | None = None
    visible: Callable[[], Column] | None = None
    joined: Callable[[Any], Any] = lambda query: query
    fields: FilterFields = field(default_factory=dict)
    ranges: Ranges | None = None
    """Where its rows lie in indexes: pages are merged from there (`persistence.engine.index_ranges`)."""
    parent_field: str | None = None
    """The field that equals the parent, where it does not tell its ranges apart."""
    covered: Mapping[tuple[str, ...], frozenset[Kind]] = field(default_factory=dict)
    """By the field that is sorted by first, the conditions that are checked in the order of its index without reading much in
    vain: under () those of every order, under (sorted by, field) those beside another one."""
    indexed: frozenset[Kind] = frozenset()
    """Conditions by which an index finds the rows of a range, in whatever order."""
    indexed_by_place: frozenset[Kind] = frozenset()
    """Those of them whose index is an inverted one, that holds the places of its rows."""
    rivals: frozenset[Kind] = frozenset()
    """Conditions of which each is checked in another index of one order: one is covered, the rest are filters like others."""
    found_by: frozenset[Kind] = frozenset()
    """Conditions that few rows match, whatever the value: all of these are read."""
    implied: Callable[[str, str, Any], tuple[Shape, bool] | None] = lambda *_: None
    """A condition that follows from another, of field, operator and value, and whether it says the same."""
    kept_count: Callable[[Shape, Mapping[str, Any]], "KeptCount | None"] = lambda *_: None
    """How to read the totals where they are kept, for a filter and its values. With parents, as rows of id and total."""
    counted_as: "ListQuery | None" = None
    """The list whose rows the total of an unfiltered list counts, where these are not its own."""

    @cached_property
    def filters(self) -> FilterCompiler:
        """Compiles the filters of the list."""
        return FilterCompiler(self.joined(select(self.id)), self.fields)


CURSOR: Final = "cursor"
"""Among the attributes that are wanted of rows: whatever their cursors are made of."""

_FILTER: Final = "filter__"
_FILTER_OUTSIDE: Final = "outer_conditions__"
_FILTER_MARKER: Final = literal_column(_FILTER, Boolean)
_OUTSIDE_MARKER: Final = literal_column(_FILTER_OUTSIDE, Boolean)
_PARENT_ID: Final = literal_column("parent.id", Uuid)

_templates: LruCache[tuple[Any, ...], tuple[SqlText, type[asyncpg.Record], int]] = LruCache("list templates", 8 * 2**20)
_statements: LruCache[tuple[Any, ...], tuple[JoinedStatement, int]] = LruCache("list statements", 8 * 2**20)
_count_templates: LruCache[tuple[Any, ...], SqlText] = LruCache("list templates", 2**20)
_count_statements: LruCache[tuple[Any, ...], JoinedStatement] = LruCache("list statements", 2 * 2**20)


async def fetch_pages(
    database: Database,
    list_query: ListQuery,
    parents: Sequence[UUID] | None,
    paging: Paging,
    *,
    viewer: UUID,
    where: Where = MATCH_ALL,
    order: Sequence[Order] = (),
    attributes: frozenset[str] | None = None,
    **extra: Any,
) -> list[Page[Any]]:
    """One page for each parent, in the order given; for a listing without parents (None), one page.

    `wanted`: the attributes that will be read of the rows, `CURSOR` where they will be asked for their cursors; None for
    everything.

    Raises CursorInvalid for a cursor of another list or order, BadUserInput for an order or filter that the list does not know.
    """
    chosen = _with_tie(list_query, tuple(order) or list_query.default)
    sorts = _sort_columns(list_query, chosen)
    cursor = paging.before if paging.backward else paging.after
    known = _only_stored(list_query, attributes)
    looks_on = known is None or CURSOR in known
    given: dict[str, Any] = {"viewer": viewer, "size": paging.size + looks_on, **extra}
    if parents is not None:
        given["parents"] = parents
    states: tuple[CursorState, ...] | None = None
    if cursor is not None:
        values = decode_cursor(cursor, sorts)
        states = tuple(
            sort.state(values[f"cursor_{place}"]) for place, (sort, _) in zip(range(len(sorts) + 1, 1, -1), sorts, strict=True)
        )
        given |= values
    shape = extract_values(where, given, list_query.fields)
    plan = _plan_filter(list_query, chosen[0].field, shape, given)
    statement, place_at = _statement(list_query, plan, chosen, paging.backward, states, known)
    rows = await database.fetch(statement, **given)

    read = PageBatch(
        cursor=partial(encode_cursor, sorts),
        size=paging.size if looks_on else None,
        backward=paging.backward,
        resumed=cursor is not None,
        count=partial(_count, database, _counted(list_query, where), shape, given),
    )
    if parents is None or len(parents) == 1:
        return [Page(rows, read, key) for key in parents or (None,)]
    lists: list[list[Any]] = [[] for _ in parents]
    for row in rows:
        lists[row[place_at] - 1].append(row)
    return [Page(rows, read, key) for key, rows in zip(parents, lists, strict=True)]


def _with_tie(list_query: ListQuery, order: tuple[Order, ...]) -> tuple[Order, ...]:
    tie = list_query.ties.get(order[-1].field)
    return order if tie is None or any(each.field == tie for each in order) else (*order, replace(order[-1], field=tie))


def _only_stored(list_query: ListQuery, attributes: frozenset[str] | None) -> frozenset[str] | None:
    """What is wanted, when rows hold all of it; None, for everything, when it is computed of we don't know what."""
    return attributes if attributes is not None and attributes - {CURSOR} <= stored_attributes(list_query.cls) else None


def _counted(list_query: ListQuery, where: Where) -> ListQuery:
    """The list that is counted for the total of another."""
    return list_query if where is not MATCH_ALL else list_query.counted_as or list_query


async def _count(
    database: Database, list_query: ListQuery, shape: Shape, params: Mapping[str, Any], pages_: Sequence[Page[Any]]
) -> Sequence[Total]:
    """The totals of lists, whatever page of each was read: those that are kept, else counted up to MAX_COUNTED_ROWS."""
    kept = list_query.kept_count(shape, params)
    statement, more = (_count_statement(list_query, shape), {}) if kept is None else kept
    limit = MAX_COUNTED_ROWS if kept is None else None
    if list_query.parent_clause is None:
        total = _total(await database.fetch_value(statement, **{**params, **more}), limit)
        return [total for _ in pages_]
    keys = list({page.key for page in pages_})
    rows = await database.fetch(statement, **{**params, **more, "parents": keys})
    totals = {row[0]: _total(row[1], limit) for row in rows}
    return [totals.get(page.key, Total(0)) for page in pages_]


def _total(count: int, limit: int | None) -> Total:
    return Total(count) if limit is None or count <= limit else Total(limit, exact=False)


class _FilterPlan(NamedTuple):
    """How a filtered page is read: the way, the conditions inside of the index ranges, and those on what comes out of them.

    `parent_inside`: whether the parent is one of the former. `by_places`: whether an inverted index finds what the latter match.
    """

    way: Literal["plain", "merged", "probed", "matching"]
    inside: Shape
    outside: Shape = MATCH_ALL_SHAPE
    parent_inside: bool = True
    by_places: bool = False


def _plan_filter(list_query: ListQuery, sorted_by: str, shape: Shape, given: Mapping[str, Any]) -> _FilterPlan:
    ranges = list_query.ranges
    if ranges is None:
        return _FilterPlan("plain", shape)
    parts: list[Shape] = []
    for part in shape[1:] if shape[0] == "and" else (shape,):
        implied = list_query.implied(part[0], part[1], given.get(str(part[2]))) if len(part) == 3 else None
        parts += [part] if implied is None else [implied[0]] if implied[1] else [implied[0], part]
    parent = None if list_query.parent_field is None else (list_query.parent_field, "eq")
    kinds = {part[:2] for part in parts} | {parent}
    if kinds & list_query.found_by:
        return _FilterPlan("matching", shape)
    covered = list_query.covered.get((), frozenset()) | list_query.covered.get((sorted_by,), frozenset())
    rivals = sorted(kinds & covered & list_query.rivals, key=lambda each: (each != parent, each))
    covered -= frozenset(rivals[1:])
    for name, _ in filter(None, kinds & covered):
        covered |= list_query.covered.get((sorted_by, name), frozenset())
    inside, outside = [part for part in parts if part[:2] in covered], [part for part in parts if part[:2] not in covered]
    parent_inside = parent is None or parent in covered
    if not parent_inside or (outside and kinds & list_query.indexed):
        by_places = not kinds.isdisjoint(list_query.indexed_by_place)
        return _FilterPlan("probed", ("and", *inside), ("and", *outside), parent_inside, by_places)
    return _FilterPlan("plain" if ranges.single else "merged", ("and", *inside, *outside))


def _statement(
    list_query: ListQuery,
    plan: _FilterPlan,
    order: tuple[Order, ...],
    backward: bool,
    states: tuple[CursorState, ...] | None,
    attributes: frozenset[str] | None,
) -> tuple[JoinedStatement, int]:
    """
    The statement of a page, and which of its columns is the parent's place.

    `states`: of the cursor's values; None without a cursor.
    """
    options = (list_query, order, backward, states, attributes, plan.way, plan.parent_inside, plan.by_places)
    key = (*options, plan)
    statement = _statements.get(key)
    if statement is None:
        template = _templates.get(options)
        if template is None:
            template = _page_template(*options)
            _templates.put(options, template, 2 * len(template[0].text) + 4_000)
        text, row, place_at = template
        compile_ = list_query.filters.compile
        text = text.replaced(_FILTER, compile_(plan.inside)).replaced(_FILTER_OUTSIDE, compile_(plan.outside))
        statement = JoinedStatement(text, row), place_at
        _statements.put(key, statement, statement[0].size_bytes + 60 * _shape_size(plan))
    return statement


def _count_statement(list_query: ListQuery, shape: Shape) -> JoinedStatement:
    kinds = {part[:2] for part in (shape[1:] if shape[0] == "and" else (shape,))}
    options = (list_query, not kinds.isdisjoint(list_query.indexed_by_place))
    key = (*options, shape)
    statement = _count_statements.get(key)
    if statement is None:
        template = _count_templates.get(options)
        if template is None:
            template = _count_template(*options)
            _count_templates.put(options, template, 2 * len(template.text) + 1_000)
        statement = JoinedStatement(template.replaced(_FILTER, list_query.filters.compile(shape)))
        _count_statements.put(key, statement, statement.size_bytes + 60 * _shape_size(shape))
    return statement


def _shape_size(shape: Any) -> int:
    return 1 + sum(map(_shape_size, shape)) if isinstance(shape, tuple) else 1


def _page_template(
    list_query: ListQuery,
    order: tuple[Order, ...],
    backward: bool,
    states: tuple[CursorState, ...] | None,
    attributes: frozenset[str] | None,
    way: str,
    parent_inside: bool = True,
    by_places: bool = False,
) -> tuple[SqlText, type[asyncpg.Record], int]:
    """The text of a page with a marker in place of the filter, the class of its rows, and which column is the parent's place."""
    sorts = _sort_columns(list_query, order)
    turned = [(sort, descending != backward) for sort, descending in sorts]
    parent = _parent_rows()
    with_cursors = attributes is None or CURSOR in attributes
    selected = {sort.attribute: sort.column for sort, _ in sorts if sort.selected and with_cursors}
    extra = [each.label(name) for name, each in selected.items()]
    fetched = attributes
    if fetched is not None:
        placed = frozenset({"id", *(sort.attribute for sort, _ in sorts if not sort.selected)})
        fetched = (fetched - {CURSOR} | placed) if with_cursors else (fetched or frozenset({"id"}))
    inside = None if fetched is None else frozenset(map(base_attribute, fetched))
    query = list_query.joined(select(*columns(list_query.cls, list_query.source, inside), *extra))
    last = (SortColumn(list_query.id, "id"), turned[-1][1])
    directed = [(replace(sort, column=_held(list_query, sort.column)), descending) for sort, descending in (*turned, last)]
    after = [] if states is None else [after_cursor(directed, [*states, CursorState.VALUE])]
    if way == "plain":
        query = query.where(*_conditions(list_query, parent.c.id), *after, _FILTER_MARKER).limit(bindparam("size", type_=Integer))
        query = query.order_by(*(sort.column.desc() if descending else sort.column.asc() for sort, descending in directed))
    else:
        by = [(sort.column, descending) for sort, descending in directed]
        chosen = _chosen_ids(list_query, way, by, after, parent_inside=parent_inside, by_places=by_places)
        query = with_columns(chosen, query, list_query.id, by)
    page = query.subquery("page") if list_query.parent_clause is None else query.lateral("page")
    held = [*columns(list_query.cls, page, fetched), *(page.c[each.name] for each in extra)]
    row = row_class(cast(Any, list_query.cls), fetched)
    if list_query.parent_clause is None:
        return compile_text(select(*held)), row, -1
    return compile_text(select(*held, parent.c.place).select_from(parent.join(page, true()))), row, len(held)


def _held(list_query: ListQuery, column_: Column) -> Column:
    """The column as the table of the list's ranges has it."""
    return column_ if list_query.ranges is None else list_query.ranges.columns.get(column_, column_)


def _chosen_ids(
    list_query: ListQuery,
    way: str,
    order: Sequence[tuple[Column, bool]],
    after: list[Column],
    *,
    parent_inside: bool,
    by_places: bool,
) -> Any:
    """The ids of the rows of a page of a list with ranges."""
    assert list_query.ranges is not None
    source, ranges = list_query.source, list_query.ranges
    conditions: list[Column] = [*ranges.conditions(), *after, _FILTER_MARKER]
    filters: list[Column] = [_OUTSIDE_MARKER]
    of_parent = _parent_conditions(list_query)
    if way == "probed":
        place = (ranges, _PARENT_ID, of_parent)
        return probed_ids(source, *place, conditions, filters, order, by_places=by_places, parent_inside=parent_inside)
    conditions += of_parent
    make = merged_ids if way == "merged" else matching_ids
    return make(source, ranges, _PARENT_ID, conditions, order)


def _parent_conditions(list_query: ListQuery) -> list[Column]:
    if list_query.parent_field is None:
        return []
    column_ = list_query.fields[list_query.parent_field]
    assert isinstance(column_, SchemaColumn)
    return [literal_column(f"{list_query.source.name}.{column_.name}", Uuid) == _PARENT_ID]


def _parent_rows() -> Any:
    """The parents' ids, with the place of each from 1."""
    given = func.unnest(bindparam("parents", type_=ARRAY(Uuid)))
    return given.table_valued(column("id", Uuid), with_ordinality="place").render_derived(name="parent")


def _count_template(list_query: ListQuery, by_places: bool) -> SqlText:
    parent, ranges = _parent_rows(), list_query.ranges
    limit: Column = literal_column(str(MAX_COUNTED_ROWS + 1))
    row = select(_held(list_query, list_query.id).label("one"))
    if ranges is not None and by_places:
        in_places = ranges.within(ranges.ids(_PARENT_ID), _PARENT_ID)
        rows = row.where(in_places, *_parent_conditions(list_query), _FILTER_MARKER)
    elif ranges is None or ranges.single:
        rows = list_query.joined(row).where(*_conditions(list_query, parent.c.id), _FILTER_MARKER)
    else:
        # Range by range: else Postgres may think that reading whatever it finds first takes less time.
        visible = ranges.ids(_PARENT_ID).subquery("ranges")
        within = (ranges.column == visible.c.id, *ranges.conditions(), *_parent_conditions(list_query))
        own = row.where(*within, _FILTER_MARKER).limit(limit).lateral("own")
        rows = select(own.c.one).select_from(visible.join(own, true()))
        rows = rows.distinct() if ranges.repeated else rows
    counted = select(func.count()).select_from(rows.limit(limit).correlate(parent).subquery("counted"))
    if list_query.parent_clause is None:
        return compile_text(counted)
    return compile_text(select(parent.c.id, counted.correlate(parent).scalar_subquery()))


def _conditions(list_query: ListQuery, parent_id: Column) -> list[Column]:
    """What all rows of a list fulfil, whatever the filter."""
    conditions = [] if list_query.parent_clause is None else [list_query.parent_clause(parent_id)]
    return conditions if list_query.visible is None else [*conditions, list_query.visible()]


def _sort_columns(list_query: ListQuery, order: Sequence[Order]) -> list[tuple[SortColumn, bool]]:
    return [(sort, each.descending) for each in order for sort in list_query.sorts[each.field]]
