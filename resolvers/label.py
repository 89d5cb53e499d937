"""Resolves labels of teams and tasks, and their mutations."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain import label as labels
from domain.page import DEFAULT_PAGE_ROWS, Page, PageBatch, Paging, Total
from persistence.stores import label
from persistence.stores.label import TASK_LABELS, TEAM_LABELS
from persistence.unit_of_work import SqlUnitOfWork
from resolvers import ids
from resolvers.context import Context, InputValues
from resolvers.page import list_pages


async def of_teams(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """The labels of each team, by name."""
    return await list_pages(context, TEAM_LABELS, parents, page)


async def of_tasks(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """The labels of each task, by name; of a task that a dry run came to, those that it would have."""
    pages = await list_pages(context, TASK_LABELS, parents, page)
    if not any(each.id in context.unstored for each in parents):
        return pages
    would_have = {each.id: context.unstored[each.id].label_ids for each in parents if each.id in context.unstored}
    wanted = sorted({id_ for label_ids in would_have.values() for id_ in label_ids})
    found = await label.by_ids(context.database, context.viewer.user_id, wanted)
    by_name = sorted(found.values(), key=lambda each: (each.name_collation, each.id))
    return [
        _page_of([each for each in by_name if each.id in would_have[parent.id]], page) if parent.id in would_have else stored
        for parent, stored in zip(parents, pages, strict=True)
    ]


def _page_of(labels_by_name: list[Any], page: Paging) -> Page[Any]:
    """Labels as a page of a list that is not stored; nothing comes after its cursors."""

    async def count(pages: Sequence[Page[Any]]) -> list[Total]:
        return [Total(len(labels_by_name)) for _ in pages]

    size = page.first if isinstance(page.first, int) else DEFAULT_PAGE_ROWS
    batch = PageBatch(cursor=ids.global_id, size=size, backward=False, resumed=False, count=count)
    return Page(labels_by_name[: size + 1], batch)


async def create(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Creates a label."""
    name, color = values["name"], values["color"]
    team_id = values["team_id"]
    return {"label": await labels.create(uow, context.viewer, values.get("id"), team_id=team_id, name=name, color=color)}


async def update(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Updates a label."""
    expected = values.get("expected_version")
    return {"label": await labels.update(uow, context.viewer, values["id"], values, expected_version=expected)}


async def delete(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Deletes a label and removes it from all tasks."""
    expected = values.get("expected_version")
    deleted = await labels.delete(uow, context.viewer, values["id"], expected_version=expected)
    return {"deleted": deleted, "type": "Label"}
