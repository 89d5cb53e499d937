"""Resolves tasks: finds, lists and changes them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from domain import task as tasks
from domain import task_link as task_links
from domain.page import AllOf, Condition, Edge, Page, Paging, Where
from domain.task_link import TaskLinkKind
from persistence.events.activity import OBJECT_ACTIVITY
from persistence.stores import task
from persistence.stores.task_link import TASK_LINKS
from persistence.stores.task_queries import PROJECT_TASKS, SUBTASKS, TASKS, board_cursor
from persistence.unit_of_work import SqlUnitOfWork
from resolvers import ids
from resolvers.context import Context, InputValues
from resolvers.inputs.filter import to_orders, to_where
from resolvers.inputs.task import FILTER_ID_TYPES, TaskFilter, TaskOrder
from resolvers.page import ToOneLoader, collect_ids, list_all, list_pages
from resolvers.progress import Progress
from resolvers.shared import within_subject

Id = Annotated[strawberry.ID, strawberry.argument(description="The task's global id.")]
Key = Annotated[str, strawberry.argument(description="A key such as ENG-42, also one that the task had before.")]
Filter = Annotated[TaskFilter | None, strawberry.argument(description="Narrows the list.")]
OrderBy = Annotated[list[TaskOrder] | None, strawberry.argument(description="By rank when absent.")]
NewestFirst = Annotated[list[TaskOrder] | None, strawberry.argument(description="Newest first when absent.")]
LinkKind = Annotated[TaskLinkKind | None, strawberry.argument(description="Only links of this kind.")]


_NOT_DELETED = Condition("deleted_at", "is_null", True)


def tasks_where(filter_: TaskFilter | None) -> Where:
    """A filter as conditions; deleted tasks are excluded unless it includes them."""
    if filter_ is None or filter_ is UNSET:
        return _NOT_DELETED
    conditions = to_where(filter_, FILTER_ID_TYPES)
    if filter_.include_deleted is not UNSET and filter_.include_deleted:
        return conditions
    return AllOf((conditions, _NOT_DELETED))


async def get(context: Context, id: Id) -> Any:
    """A task that the viewer may see, deleted ones included, so that they can be restored."""
    task_id = ids.decode(id, "Task", path=("id",))
    requested = context.take_requested_columns(), context.take_requested_joins()
    found = await task.by_ids(context.database, context.viewer.user_id, [task_id], *requested)
    return within_subject(context, "Task", found).get(task_id)


async def by_key(context: Context, key: Key) -> Any:
    """A task by its readable key."""
    return await task.by_key(context.database, context.viewer.user_id, key[:64])


async def list_visible(context: Context, page: Paging, filter: Filter = None, order_by: NewestFirst = None) -> Page[Any]:
    """The tasks that the viewer may see."""
    return await list_all(context, TASKS, page, where=tasks_where(filter), order=to_orders(order_by))


async def of_projects(
    context: Context, parents: Sequence[Any], page: Paging, filter: Filter = None, order_by: OrderBy = None
) -> list[Page[Any]]:
    """The tasks of each project."""
    return await list_pages(context, PROJECT_TASKS, parents, page, where=tasks_where(filter), order=to_orders(order_by))


async def subtasks(context: Context, parents: Sequence[Any], page: Paging, order_by: OrderBy = None) -> list[Page[Any]]:
    """The subtasks of each task."""
    return await list_pages(context, SUBTASKS, parents, page, where=tasks_where(None), order=to_orders(order_by))


async def _by_id(context: Context, task_ids: Sequence[Any]) -> Mapping[Any, Any]:
    found = await task.by_ids(context.database, context.viewer.user_id, task_ids, context.take_requested_columns())
    if not context.unstored:
        return found
    return {**found, **{each: context.unstored[id_] for each in task_ids if (id_ := UUID(str(each))) in context.unstored}}


parents_of = ToOneLoader("parent_id", _by_id)
"""The parent of each task."""
link_tasks = ToOneLoader("task_id", _by_id)
"""The task of each link."""
link_targets = ToOneLoader("target_id", _by_id)
"""The target of each link."""


async def links(context: Context, parents: Sequence[Any], page: Paging, kind: LinkKind = None) -> list[Page[Any]]:
    """The links of each task."""
    conditions = AllOf(()) if kind is None else Condition("kind", "eq", kind)
    return await list_pages(context, TASK_LINKS, parents, page, where=conditions)


async def are_blocked(context: Context, parents: Sequence[Any]) -> list[bool]:
    """Whether each task is blocked by an open one, visible or not."""
    waiting = await task.blocked(context.services.database, collect_ids(parents, lambda each: each.id))
    return [each.id in waiting for each in parents]


async def subtask_progress(context: Context, parents: Sequence[Any]) -> list[Progress]:
    """The progress of the subtasks of each task."""
    found = await task.subtask_progress(context.database, context.viewer.user_id, collect_ids(parents, lambda each: each.id))
    return [Progress.of(found.get(each.id, ())) for each in parents]


async def activity(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """The history of each object, latest first."""
    return await list_pages(context, OBJECT_ACTIVITY, parents, page)


async def urls(context: Context, parents: Sequence[Any]) -> list[str]:
    """The URL of each task in the application."""
    return [f"{context.services.public_url}/tasks/{each.key}" for each in parents]


async def create(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Creates a task."""
    return {"task": await tasks.create(uow, context.viewer, values.get("id"), values)}


async def update(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Updates a task."""
    expected = values.get("expected_version")
    return {"task": await tasks.update(uow, context.viewer, values["id"], values, expected_version=expected)}


async def move(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Moves a task."""
    expected = values.get("expected_version")
    return {"task": await tasks.move(uow, context.viewer, values["id"], values, expected_version=expected)}


async def delete(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Deletes a task and those below it."""
    expected = values.get("expected_version")
    deleted = await tasks.delete(uow, context.viewer, values["id"], expected_version=expected)
    return {"deleted": deleted, "type": "Task"}


async def restore(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Restores a task."""
    return {"task": await tasks.restore(uow, context.viewer, values["id"])}


async def link(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Links two tasks."""
    linked = await task_links.link(uow, context.viewer, values["task_id"], values["target_id"], values["kind"])
    return {"task": linked}


async def unlink(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Removes a link."""
    return {"deleted": await task_links.unlink(uow, context.viewer, values["id"]), "type": "TaskLink"}


async def update_many(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Updates many tasks."""
    results = await tasks.update_many(uow, context.viewer, values["ids"], values["set"], values["mode"])
    return {"results": list(results)}


async def create_many(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Creates many tasks."""
    results = await tasks.create_many(uow, context.viewer, values["tasks"], values["mode"])
    return {"results": list(results)}


def edge(outcome: Any) -> Edge[Any] | None:
    """The task of a payload as an edge of its project's list."""
    return None if outcome.task is None else Edge(board_cursor(outcome.task), outcome.task)
