"""Builds the pages of lists that are merged from ranges of an index, so that a page costs the same however many rows there are.

What a viewer may see lies in many projects. An index holds the rows of each project in order, but not those of all of them, so
Postgres would sort everything, or walk another index through the rows of others. Here a page is the merge of *ranges*, one per
visible project. How much is read is bounded by the page and the number of ranges.

*Merged*: the head of each range is read (twice its share of the page, and 3 rows at least), the heads are put in order, and only
ranges whose whole head stands in the page are read on:

    WITH ranges AS (SELECT id FROM projects …), head_size AS (…),
      head AS (SELECT … FROM ranges, LATERAL (SELECT id, created_at AS k0 FROM tasks WHERE project_id = ranges.id AND …
                                              ORDER BY created_at DESC, id DESC LIMIT head_size)),
      placed AS (SELECT *, row_number() OVER (ORDER BY k0 DESC, id DESC) AS place FROM head),
      continued AS (SELECT range_id FROM placed WHERE place <= :size GROUP BY range_id HAVING count(*) = head_size)
    SELECT id FROM (…rows of placed… UNION ALL …rows of continued…) ORDER BY k0 DESC, id DESC LIMIT :size

*Probed*, where a filter has conditions that no order of an index covers: they are checked on a sample, the first rows of the
ranges (300 altogether, and 2 of each at least). Where one of 24 matches or more, on more of them (1,200, and 16 of each; only of
ranges that hold up the page, where the sample has matches enough for one), and on 400 of the range that turns out to hold it up
then, or of five where there are many, since some projects are often more active than the others. That settles a page where many
rows match. Where few do, all rows that match are found by the index of a condition, and sorted; the parts stand in one statement,
and each runs only when the one before has not settled the page. Parts of titles are found by an inverted index of places and
trigrams: one of trigrams alone would list the matches of all teams, and a bitmap of the ranges beside it all rows of one's own.
Neither estimates nor statistics are involved: rows read are at most the probe and, where few of the first rows match, what
matches.

How many rows are few depends on how many there are: one of 25 is 40,000 of a million. Where their number is kept, as many as
the root of fifty times that are probed (7,000 of a million) if the sample says that this fills a page, and as many matches at
most are expected where it does not.

Rejected: an index for each filter and order (each costs every write); OR of cursors' columns (Postgres starts at the range's
begin); reading a whole page of each range (51 rows of each of 300 projects); trusting the planner with one ordered scan (a rare
filter walks the whole range, and generic plans don't know which filters are rare).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    Integer,
    Select,
    Uuid,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy import any_ as sql_any
from sqlalchemy.dialects.postgresql import array

_MIN_HEAD_ROWS: Final = 3
_SAMPLE_ROWS: Final = 300
_MIN_SAMPLE_ROWS: Final = 2  # of each range
_PAGE_ROWS: Final = 50  # that a probe is to find
_PROBE_ROWS: Final = 1_200  # at least
_MIN_PROBE_ROWS: Final = 16  # of each range
_DEEPER_ROWS: Final = 400
_DEEPER_RANGES: Final = 5  # or one, where so many rows of each range were probed:
_MANY_PROBE_ROWS: Final = 100
_FEW_ROWS: Final = 1_200
_SIZE: Final = bindparam("size", type_=Integer)

Column = ColumnElement[Any]
Directed = Sequence[tuple[Column, bool]]
"""What is sorted by, and whether descending; the row's id last."""


@dataclass(frozen=True)
class Ranges:
    """The ranges of a list.

    `column`: what tells them apart, the first column of the indexes, or behind the parent's. `ids` selects, as `id`, those that
    the viewer may see; of one parent, where it hangs on it. `single`: there is one range, the parent. `places`: what an inverted
    index holds of a row, ids in which it lies, and what selects those in which to look for the rows of all these ranges: few,
    since each is a list of rows that is read beside those of the words. `kept_rows`: of these ranges, given as a CTE of ids, how
    many rows they have, where that is kept. `columns`: where the ranges are of another table than the rows, its columns for the
    id and what is sorted by. `repeated`: a row may lie in several of them. `condition`: what the viewer may see of a range.
    """

    column: Column
    ids: Callable[[Column], Select[Any]]
    single: bool = False
    places: tuple[Sequence[Column], Callable[[Column], Any]] | None = None
    kept_rows: Callable[[CTE], Select[Any]] | None = None
    columns: Mapping[Column, Column] = field(default_factory=dict)
    repeated: bool = False
    condition: Callable[[], Column] | None = None

    def conditions(self) -> list[Column]:
        """What the rows of a range fulfil that the viewer may see."""
        return [] if self.condition is None else [self.condition()]

    def within(self, visible: Any, places_of: Column | None = None) -> Column:
        """The row lies in one of these ranges, given by a statement that selects their ids. `places_of`: the parent, where it is
        said in the words of the inverted index too."""
        is_one = self.column == sql_any(func.array(visible.scalar_subquery()))
        if places_of is None or self.places is None:
            return is_one
        own, select_places = self.places
        return is_one & cast(Column, array(own).overlap(func.array(select_places(places_of).scalar_subquery())))


def merged_ids(source: Any, ranges: Ranges, parent_id: Column, conditions: Sequence[Column], order: Directed) -> Any:
    """The rows of a page as `id` and `k0`, `k1` … that it sorts by, for a FROM clause.

    All conditions are checked in the order of the index.
    """
    ids = ranges.ids(parent_id).cte("ranges")
    share = literal_column("2", Integer) * _SIZE // func.nullif(func.count(), literal_column("0"), type_=Integer)
    head_rows = func.least(_SIZE, func.greatest(literal_column(str(_MIN_HEAD_ROWS)), share).cast(Integer), type_=Integer)
    head_size = select(head_rows.label("rows")).select_from(ids).cte("head_size")
    size_of_head = select(head_size.c.rows).scalar_subquery()

    def first_rows(range_id: Column, limit: Any) -> Any:
        query = select(order[-1][0].label("id"), *_sort_keys(order)).where(ranges.column == range_id, *conditions)
        return query.order_by(*_directed(order)).limit(limit)

    own = first_rows(ids.c.id, size_of_head).lateral("own")
    head = select(ids.c.id.label("range_id"), *own.c).select_from(ids.join(own, true()))
    placed = _placed(head, order, "placed", repeated=ranges.repeated)
    in_page = placed.c.place <= _SIZE
    continued = select(placed.c.range_id).where(in_page, size_of_head < _SIZE).group_by(placed.c.range_id)
    continued_ranges = continued.having(func.count() == size_of_head).cte("continued")
    more = first_rows(continued_ranges.c.range_id, _SIZE).lateral("more")
    kept = select(*_columns(placed, order)).where(in_page, placed.c.range_id.not_in(select(continued_ranges.c.range_id)))
    read_on = select(*_columns(more, order)).select_from(continued_ranges.join(more, true()))
    rows = union(kept, read_on) if ranges.repeated else union_all(kept, read_on)
    return _page(rows, order, ids, head_size, placed, continued_ranges)


def probed_ids(
    source: Any,
    ranges: Ranges,
    parent_id: Column,
    of_parent: Sequence[Column],
    conditions: Sequence[Column],
    filters: Sequence[Column],
    order: Directed,
    *,
    by_places: bool = False,
    parent_inside: bool = True,
) -> Any:
    """The same where `filters`, which name columns as the source does, are probed first. `by_places`: an inverted index finds
    what they match. `of_parent`: what rows of the parent fulfil, where the ranges are not its own, and whether that is checked in
    the order of the index (`parent_inside`) or probed too."""
    looked_up = [*conditions, *(of_parent if parent_inside else ())]
    probed = [*filters, *(() if parent_inside else of_parent)]
    ids = ranges.ids(parent_id).cte("ranges")
    counted: Column = select(func.count()).select_from(ids).scalar_subquery()
    sizes = select(
        _share_of_ranges(literal_column(str(_SAMPLE_ROWS), Integer), _MIN_SAMPLE_ROWS, counted).label("sample"),
        counted.label("ranges"),
    ).cte("sizes")
    sample_rows = select(sizes.c.sample).scalar_subquery()
    deeper_rows: Column = literal_column(str(_DEEPER_ROWS))
    deeper_ranges: Column = literal_column(str(_DEEPER_RANGES))
    sample = _placed(_probe(source, ranges, ids, sample_rows, looked_up, probed, order), order, "sample")
    sample_known, sample_settled = _settled(sample, "sample_")
    matching = select(func.count()).select_from(sample).where(sample.c.matches).scalar_subquery()
    # So many rows are to be looked at for a page, as the sample says.
    wanted = literal_column(str(_PAGE_ROWS)) * sizes.c.sample * sizes.c.ranges / func.nullif(matching, literal_column("0"))
    depth = select(_most_rows(ranges, ids).label("most"), wanted.label("wanted")).select_from(sizes).cte("depth")
    half_more = depth.c.wanted * literal_column("3") / literal_column("2")
    rows_to_probe = func.least(depth.c.most, func.greatest(literal_column(str(_PROBE_ROWS)), half_more)).cast(Integer)
    probe = select(_share_of_ranges(rows_to_probe, _MIN_PROBE_ROWS, counted).label("rows")).select_from(depth).cte("probe")
    probe_rows = select(probe.c.rows).scalar_subquery()
    many = select(depth.c.wanted <= depth.c.most).scalar_subquery()
    # Where the sample has a page of matches, only ranges whose sampled rows all stand before its end may have more of it.
    full = select(sample.c.place).where(sample.c.matches).order_by(sample.c.place).offset(_SIZE - literal_column("1"))
    full_at = full.limit(literal_column("1")).scalar_subquery()
    held_up = select(sample.c.range_id).where(sample.c.is_last, or_(full_at.is_(None), sample.c.place < full_at))
    wider = select(ids.c.id).where(~_yes(sample_settled), many, ids.c.id.in_(held_up)).cte("wider")
    names = [*_names(order), "range_id", "matches", "is_last"]
    sampled = select(*(sample.c[name] for name in names)).where(sample.c.range_id.not_in(select(wider.c.id)))
    wider_probe = union_all(sampled, _probe(source, ranges, wider, probe_rows, looked_up, probed, order))
    first = _placed(wider_probe, order, "first_probe")
    first_known, first_settled = _settled(first, "first_")
    deeper = (
        select(first.c.range_id.label("id"))
        .where(first.c.is_last, ~_yes(first_settled), probe_rows < deeper_rows, exists(select(wider.c.id)))
        .order_by(first.c.place)
        .limit(case((probe_rows > literal_column(str(_MANY_PROBE_ROWS)), literal_column("1")), else_=deeper_ranges))
        .cte("deeper")
    )
    shallow = select(*(first.c[name] for name in names)).where(first.c.range_id.not_in(select(deeper.c.id)))
    both = union_all(shallow, _probe(source, ranges, deeper, deeper_rows, looked_up, probed, order))
    placed = _placed(both, order, "probed")
    known, settled = _settled(placed, "")
    in_order = select(*_columns(placed, order)).where(placed.c.matches, _yes(settled))
    every = select(source, *_sort_keys(order)).where(~_yes(settled), *conditions)
    within, in_places = ranges.within(select(ids.c.id)), ranges.within(select(ids.c.id), parent_id)
    further: list[Any] = []
    if by_places and of_parent:
        held: Any = select(*(literal_column(f"{source.name}.{name}").label(name) for name in ("id", *_names(order)[:-1])))
        few = _are_few(source, of_parent)
        # OFFSET 0: each is found by one index, and the other conditions are checked on what that gives.
        matches = every.where(~_yes(few), in_places, *filters).offset(literal_column("0")).subquery(source.name)
        further = [few, held.select_from(matches).where(*of_parent).subquery("matches_in_places")]
        own = every.where(_yes(few), within, *of_parent).offset(literal_column("0")).subquery(source.name)
        by_index = held.select_from(own).where(*filters)
    else:
        by_index = select(order[-1][0].label("id"), *_sort_keys(order)).where(~_yes(settled), *conditions)
        by_index = by_index.where(in_places if by_places else within, *of_parent, *filters)
    found = [by_index.offset(literal_column("0")).subquery("all_matches"), *further[1:]]
    rows = union_all(in_order, *(select(*_columns(each, order)) for each in found))
    before = (
        *further[:1],
        ids,
        sizes,
        sample,
        sample_known,
        sample_settled,
        depth,
        probe,
        wider,
        first,
        first_known,
        first_settled,
    )
    return _page(rows, order, *before, deeper, placed, known, settled)


def _are_few(source: Any, conditions: Sequence[Column]) -> CTE:
    """Whether so few rows fulfil the conditions that all of them may be read."""
    some: Select[Any] = (
        select(literal_column("1")).select_from(source).where(*conditions).limit(literal_column(str(_FEW_ROWS + 1)))
    )
    return select((func.count() <= literal_column(str(_FEW_ROWS))).label("yes")).select_from(some.subquery("some")).cte("few")


def _most_rows(ranges: Ranges, ids: CTE) -> Column:
    """How many rows are probed at most: as many as would match if that was not enough for a page."""
    at_least: Column = literal_column(str(_PROBE_ROWS), Integer)
    if ranges.kept_rows is None:
        return at_least
    rows = func.coalesce(ranges.kept_rows(ids).scalar_subquery(), literal_column("0"))
    return func.greatest(at_least, func.sqrt(literal_column(str(_PAGE_ROWS)) * rows).cast(Integer))


def _share_of_ranges(rows: Column, at_least: int, ranges: Column) -> Column:
    """How many rows of each range make so many altogether, or `at_least`."""
    share = rows // func.nullif(ranges, literal_column("0"), type_=Integer)
    return func.greatest(literal_column(str(at_least)), share).cast(Integer)


def _probe(
    source: Any,
    ranges: Ranges,
    within: CTE,
    rows: Column,
    conditions: Sequence[Column],
    filters: Sequence[Column],
    order: Directed,
) -> Select[Any]:
    """Of each range the rows that match among its first ones, and the last one that was looked at."""
    range_id = literal_column(f"{within.name}.id", Uuid)
    first = select(source, *_sort_keys(order)).where(ranges.column == range_id, *conditions).order_by(*_directed(order))
    numbered = select(literal_column("*"), func.row_number().over().label("scanned"))
    # Named as the source is, so that the columns of filters are those of the rows that were scanned.
    scanned = numbered.select_from(first.limit(rows).subquery("first")).subquery(source.name)
    matches, is_last = and_(*filters).is_(true()), literal_column(f"{source.name}.scanned", Integer) == rows
    keys: list[Column] = [literal_column(f"{source.name}.{name}") for name in _names(order)]
    own = select(*keys, matches.label("matches"), is_last.label("is_last")).select_from(scanned)
    own_rows = own.where(or_(matches, is_last)).limit(_SIZE).lateral("own")
    found: list[Any] = [literal_column(f"own.{name}").label(name) for name in _names(order)]
    states = [literal_column(f"own.{name}", Boolean).label(name) for name in ("matches", "is_last")]
    return select(*found, within.c.id.label("range_id"), *states).select_from(within.join(own_rows, true()))


def _placed(rows: Any, order: Directed, name: str, *, repeated: bool = False) -> CTE:
    """The rows with their places in the order of the page; `repeated` ones have one place."""
    every = rows.subquery("every")
    number = func.dense_rank() if repeated else func.row_number()
    place = number.over(order_by=_directed(_keys(every, order))).label("place")
    return select(*every.c, place).cte(name)


def _settled(placed: CTE, prefix: str) -> tuple[CTE, CTE]:
    """Up to which place all rows that match are known, since a range may hold more behind the last that was looked at; and
    whether these fill the page."""
    known = select(func.min(placed.c.place).label("places")).where(placed.c.is_last).cte(f"{prefix}known")
    matches = select(func.count()).select_from(placed).where(placed.c.matches, placed.c.place <= known.c.places)
    fills = or_(known.c.places.is_(None), matches.scalar_subquery() >= _SIZE)
    return known, select(fills.label("yes")).select_from(known).cte(f"{prefix}settled")


def _yes(settled: CTE) -> Column:
    return select(settled.c.yes).scalar_subquery()


def matching_ids(source: Any, ranges: Ranges, parent_id: Column, conditions: Sequence[Column], order: Directed) -> Any:
    """The ids of a page's rows, for a FROM clause: all rows that match are found by an index, and sorted."""
    found = select(order[-1][0].label("id"), *_sort_keys(order)).where(ranges.within(ranges.ids(parent_id)), *conditions)
    all_matches = found.offset(literal_column("0")).subquery("all_matches")
    return select(*all_matches.c).order_by(*_directed(_keys(all_matches, order))).limit(_SIZE).lateral("chosen")


def with_columns(chosen: Any, query: Select[Any], row_id: Column, order: Directed) -> Select[Any]:
    """The rows of a page, of `query`, from what one of the functions above has chosen. OFFSET 0 keeps Postgres from joining
    otherwise than row by row."""
    row = query.where(row_id == chosen.c.id).offset(literal_column("0")).lateral("chosen_row")
    return select(*row.c).select_from(chosen.join(row, true())).order_by(*_directed(_keys(chosen, order)))


def _page(rows: Any, order: Directed, *ctes: Any) -> Any:
    found = rows.subquery("found")
    page = select(*found.c).order_by(*_directed(_keys(found, order))).limit(_SIZE)
    return page.add_cte(*ctes, nest_here=True).lateral("chosen")


def _names(order: Directed) -> list[str]:
    """What the sorted columns and the id are called in the parts of a statement."""
    return [*(f"k{nr}" for nr in range(len(order) - 1)), "id"]


def _sort_keys(order: Directed) -> list[Any]:
    return [each.label(name) for name, (each, _) in zip(_names(order)[:-1], order[:-1], strict=True)]


def _columns(source: Any, order: Directed) -> list[Column]:
    return [source.c[name] for name in _names(order)]


def _keys(source: Any, order: Directed) -> Directed:
    """The order by the columns of such a part."""
    return [(each, descending) for each, (_, descending) in zip(_columns(source, order), order, strict=True)]


def _directed(order: Directed) -> list[Column]:
    return [each.desc() if descending else each.asc() for each, descending in order]
