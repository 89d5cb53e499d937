"""Lists in pages: what was asked for, what came, and the conditions and orders that narrow and sort them.

A page is addressed by keyset: a cursor holds the sort values and the id of its row, never an offset, so rows that come or go
elsewhere neither repeat nor skip anything. Cursors are opaque to clients and made in `persistence.engine.pages`.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from domain.errors import BadUserInput, PageTooLarge

T = TypeVar("T")

DEFAULT_PAGE_ROWS = 50
MAX_PAGE_ROWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Relay's four arguments; `first` with `after` reads forwards, `last` with `before` backwards."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    def __post_init__(self) -> None:
        """Refuse sizes below 0 or over 100, both directions at once, and a cursor of the other direction, which would do
        nothing."""
        if self.first is not None and self.last is not None:
            raise BadUserInput("Give `first` or `last`, not both.", path=("last",))
        if self.backward and self.after is not None:
            raise BadUserInput("`after` goes with `first`.", path=("after",))
        if not self.backward and self.before is not None:
            raise BadUserInput("`before` goes with `last`.", path=("before",))
        for name, size in (("first", self.first), ("last", self.last)):
            if size is not None and size < 0:
                raise BadUserInput(f"`{name}` may not be negative.", path=(name,))
            if size is not None and size > MAX_PAGE_ROWS:
                raise PageTooLarge(MAX_PAGE_ROWS, path=(name,))

    @property
    def backward(self) -> bool:
        """Whether the page is counted from the end."""
        return self.last is not None or (self.before is not None and self.first is None and self.after is None)

    @property
    def size(self) -> int:
        """How many rows were asked for."""
        asked = self.last if self.backward else self.first
        return DEFAULT_PAGE_ROWS if asked is None else asked


FIRST_PAGE = Paging()

Operator = Literal["eq", "in", "not_in", "before", "after", "contains", "starts_with", "is_null"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One column compared with a value."""

    field: str
    operator: Operator
    value: Any


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; no part at all always holds."""

    parts: tuple["Where", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds; no part at all never holds."""

    parts: tuple["Where", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Where"


Where = Condition | AllOf | AnyOf | Not

MATCH_ALL = AllOf(())


@dataclass(frozen=True, slots=True)
class Order:
    """One field to sort by."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Edge(Generic[T]):
    """A row with its place in the list."""

    cursor: str
    node: T
    extra: Any = None


MAX_COUNTED_ROWS = 10_000


class Total(NamedTuple):
    """How many rows a list has; unless `exact`, it has more."""

    rows: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class PageInfo:
    """Where a page lies in its list."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PageBatch:
    """
    What pages that were read together have in common.

    `cursor` makes the cursor of a row. Of each list, one row more than `size` was read, if there was more; None when nobody will
    ask whether there is. `resumed`: it was read from a cursor on, backwards or not. `count`: given pages, it answers with the
    totals of their lists in the same order; it is asked only when a client selects `totalCount`.
    """

    cursor: Callable[[Any], str]
    size: int | None
    backward: bool
    resumed: bool
    count: "Count"


class Page(Generic[T]):
    """Rows of one list, in order, with their cursors. `key` names the list among those that were read together."""

    __slots__ = ("_batch", "_has_more", "key", "nodes")

    def __init__(self, rows: list[T], batch: PageBatch, key: Any = None) -> None:
        """`rows` as they were read: from the cursor on, and perhaps one too many."""
        size = batch.size
        self._has_more = size is not None and len(rows) > size
        if self._has_more:
            rows = rows[:size]
        self.nodes = rows[::-1] if batch.backward else rows
        self._batch = batch
        self.key = key

    @property
    def count(self) -> "Count":
        """Counts the totals of pages that were read together with this one."""
        return self._batch.count

    def map_nodes(self, convert: Callable[[T], Any]) -> "Page[Any]":
        """The same page of other objects in place of its rows, with the attributes that cursors are made of; None leaves a row
        out."""
        page: Page[Any] = Page([], self._batch, self.key)
        page.nodes = [each for each in map(convert, self.nodes) if each is not None]
        page._has_more = self._has_more
        return page

    @property
    def edges(self) -> list[Edge[T]]:
        """The rows, each with its cursor."""
        return [Edge(self._batch.cursor(node), node) for node in self.nodes]

    @property
    def page_info(self) -> PageInfo:
        """Whether there is more on either side, and the cursors of both ends. Only for a page that was read with one row more."""
        read = self._batch
        assert read.size is not None, "nobody was to ask where the page ends"
        return PageInfo(
            has_next_page=read.resumed if read.backward else self._has_more,
            has_previous_page=self._has_more if read.backward else read.resumed,
            start_cursor=read.cursor(self.nodes[0]) if self.nodes else None,
            end_cursor=read.cursor(self.nodes[-1]) if self.nodes else None,
        )


Count = Callable[[Sequence[Page[Any]]], Awaitable[Sequence[Total]]]
