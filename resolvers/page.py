"""Loads pages, their totals, and objects by the keys of many parents, in the parents' order."""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

from domain.page import MATCH_ALL, Order, Page, Paging, Total, Where
from persistence.engine.lookup import ByIdQuery
from persistence.engine.pages import ListQuery, fetch_pages
from resolvers.context import Context


async def total_counts(context: Context, loaded_pages: Sequence[Page[Any]]) -> Sequence[int]:
    """The numbers of rows in the whole lists: one count for all pages that were read together."""
    del context
    return [total.rows for total in await _totals(loaded_pages)]


async def exact_totals(context: Context, loaded_pages: Sequence[Page[Any]]) -> Sequence[bool]:
    """Whether the lists have just so many rows, and no more."""
    del context
    return [total.exact for total in await _totals(loaded_pages)]


async def _totals(loaded_pages: Sequence[Page[Any]]) -> Sequence[Total]:
    indices_by_count: dict[Any, list[int]] = {}
    for index, page in enumerate(loaded_pages):
        indices_by_count.setdefault(page.count, []).append(index)
    totals = [Total(0)] * len(loaded_pages)
    for count, indices in indices_by_count.items():
        assert count is not None
        for index, total in zip(indices, await count([loaded_pages[index] for index in indices]), strict=True):
            totals[index] = total
    return totals


async def list_pages(
    context: Context,
    list_query: ListQuery,
    parents: Sequence[Any],
    page: Paging,
    *,
    where: Where = MATCH_ALL,
    order: Sequence[Order] = (),
) -> list[Page[Any]]:
    """One page for each parent."""
    keys = [parent.id for parent in parents]
    columns = context.take_requested_columns()
    return await fetch_pages(
        context.database, list_query, keys, page, viewer=context.viewer.user_id, where=where, order=order, attributes=columns
    )


async def list_all(
    context: Context, list_query: ListQuery, page: Paging, *, where: Where = MATCH_ALL, order: Sequence[Order] = ()
) -> Page[Any]:
    """One page of a list without parents."""
    columns = context.take_requested_columns()
    found = await fetch_pages(
        context.database, list_query, None, page, viewer=context.viewer.user_id, where=where, order=order, attributes=columns
    )
    return found[0]


class ToOneLoader:
    """
    A batch function: the object that a foreign key of each parent refers to; None if it is None, or the object is not found.

    `find` returns objects by such keys, which are UUIDs or their texts (`persistence.engine.rows.text_key`). `query`: what it
    asks the database for, where it does nothing else, so that one parent may be read together with its object.
    """

    def __init__(
        self,
        attribute: str,
        find: Callable[[Context, list[Any]], Awaitable[Mapping[Any, Any]]],
        query: ByIdQuery | None = None,
    ) -> None:
        self.attribute = attribute
        self.query = query
        self._find = find

    async def __call__(self, context: Context, parents: Sequence[Any]) -> list[Any]:
        keys = list(map(attrgetter(self.attribute), parents))
        different = list(dict.fromkeys(keys))
        return list(map(dict(zip(different, await self.load_many(context, different), strict=True)).__getitem__, keys))

    async def load_many(self, context: Context, keys: list[Any]) -> list[Any]:
        """The objects of distinct keys; None for None."""
        if len({type(key) for key in keys if key is not None}) > 1:  # texts and UUIDs, of objects from different statements
            keys = [key and str(key) for key in keys]
        found = await self._find(context, [*filter(None, keys)])
        return list(map(found.get, keys))


def collect_ids(parents: Sequence[Any], key: Callable[[Any], UUID | None]) -> list[UUID]:
    """The distinct ids that parents refer to."""
    return list({id_ for parent in parents if (id_ := key(parent)) is not None})


def match_by_key(parents: Sequence[Any], key: Callable[[Any], Hashable], found: Mapping[Any, Any]) -> list[Any]:
    """The child of each parent, or None."""
    return [found.get(key(parent)) for parent in parents]
