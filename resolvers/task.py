"""Tasks: finding, listing and changing them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

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
from resolvers.context import Context, Given
from resolvers.inputs.filter import orders, where
from resolvers.inputs.task import FILTER_TYPES, TaskFilter, TaskOrder
from resolvers.page import ToOne, lists, named, whole_list
from resolvers.progress import Progress

Id = Annotated[strawberry.ID, strawberry.argument(description="The task's global id.")]
Key = Annotated[str, strawberry.argument(description="A key such as ENG-42, also one that the task had before.")]
Filter = Annotated[TaskFilter | None, strawberry.argument(description="Narrows the list.")]
OrderBy = Annotated[list[TaskOrder] | None, strawberry.argument(description="By rank when absent.")]
NewestFirst = Annotated[list[TaskOrder] | None, strawberry.argument(description="Newest first when absent.")]
LinkKind = Annotated[TaskLinkKind | None, strawberry.argument(description="Only links of this kind.")]


_NOT_DELETED = Condition("deleted_at", "is_null", True)


def tasks_where(filter_: TaskFilter | None) -> Where:
    """A filter as conditions; deleted tasks are left out unless it asks for them."""
    if filter_ is None or filter_ is UNSET:
        return _NOT_DELETED
    conditions = where(filter_, FILTER_TYPES)
    if filter_.include_deleted is not UNSET and filter_.include_deleted:
        return conditions
    return AllOf((conditions, _NOT_DELETED))


async def one(context: Context, id: Id) -> Any:
    """A task that the viewer may see; deleted ones too, so that they can be restored."""
    task_id = ids.decode(id, "Task", path=("id",))
    found = await task.by_ids(context.database, context.viewer.user_id, [task_id], context.take_wanted())
    return found.get(task_id)


async def by_key(context: Context, key: Key) -> Any:
    """A task by the name that people use."""
    return await task.by_key(context.database, context.viewer.user_id, key[:64])


async def many(context: Context, page: Paging, filter: Filter = None, order_by: NewestFirst = None) -> Page[Any]:
    """Every task that the viewer may see."""
    return await whole_list(context, TASKS, page, where=tasks_where(filter), order=orders(order_by))


async def of_projects(
    context: Context, parents: Sequence[Any], page: Paging, filter: Filter = None, order_by: OrderBy = None
) -> list[Page[Any]]:
    """Each project's tasks."""
    return await lists(context, PROJECT_TASKS, parents, page, where=tasks_where(filter), order=orders(order_by))


async def subtasks(context: Context, parents: Sequence[Any], page: Paging, order_by: OrderBy = None) -> list[Page[Any]]:
    """The parts of each task."""
    return await lists(context, SUBTASKS, parents, page, where=tasks_where(None), order=orders(order_by))


async def _named(context: Context, task_ids: Sequence[Any]) -> Mapping[Any, Any]:
    return await task.by_ids(context.database, context.viewer.user_id, task_ids, context.take_wanted())


parents_of = ToOne("parent_id", _named)
"""The task that each task is a part of."""
link_tasks = ToOne("task_id", _named)
"""The task on this side of each link."""
link_targets = ToOne("target_id", _named)
"""The task on the other side of each link."""


async def links(context: Context, parents: Sequence[Any], page: Paging, kind: LinkKind = None) -> list[Page[Any]]:
    """What each task has to do with others."""
    conditions = AllOf(()) if kind is None else Condition("kind", "eq", kind)
    return await lists(context, TASK_LINKS, parents, page, where=conditions)


async def are_blocked(context: Context, parents: Sequence[Any]) -> list[bool]:
    """Whether each task waits for one that is still open, seen or unseen."""
    waiting = await task.blocked(context.database, named(parents, lambda each: each.id))
    return [each.id in waiting for each in parents]


async def subtask_progress(context: Context, parents: Sequence[Any]) -> list[Progress]:
    """How far the parts of each task are."""
    found = await task.subtask_progress(context.database, context.viewer.user_id, named(parents, lambda each: each.id))
    return [Progress.of(found.get(each.id, ())) for each in parents]


async def activity(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """What happened to each object, latest first."""
    return await lists(context, OBJECT_ACTIVITY, parents, page)


async def urls(context: Context, parents: Sequence[Any]) -> list[str]:
    """Where people open each task."""
    return [f"{context.services.public_url}/tasks/{each.key}" for each in parents]


async def create(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Write a task down."""
    return {"task": await tasks.create(uow, context.viewer, given.get("id"), given)}


async def update(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Change a task."""
    expected = given.get("expected_version")
    return {"task": await tasks.update(uow, context.viewer, given["id"], given, expected_version=expected)}


async def move(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Move a task."""
    expected = given.get("expected_version")
    return {"task": await tasks.move(uow, context.viewer, given["id"], given, expected_version=expected)}


async def delete(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Put a task away with all below it."""
    expected = given.get("expected_version")
    gone = await tasks.delete(uow, context.viewer, given["id"], expected_version=expected)
    return {"deleted": gone, "type": "Task"}


async def restore(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Bring a task back."""
    return {"task": await tasks.restore(uow, context.viewer, given["id"])}


async def link(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Link two tasks."""
    linked = await task_links.link(uow, context.viewer, given["task_id"], given["target_id"], given["kind"])
    return {"task": linked}


async def unlink(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Take a link away."""
    return {"deleted": await task_links.unlink(uow, context.viewer, given["id"]), "type": "TaskLink"}


async def update_many(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Change many tasks."""
    results = await tasks.update_many(uow, context.viewer, given["ids"], given["set"], given["mode"])
    return {"results": list(results)}


async def create_many(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Write many tasks down."""
    results = await tasks.create_many(uow, context.viewer, given["tasks"], given["mode"])
    return {"results": list(results)}


def edge(outcome: Any) -> Edge[Any] | None:
    """A payload's task with its place in the project's list."""
    return None if outcome.task is None else Edge(board_cursor(outcome.task), outcome.task)
