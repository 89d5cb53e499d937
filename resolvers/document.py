"""Resolves documents: finds, lists and changes them. Their content is resolved in `resolvers.document_content`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from domain import document as documents
from domain.actor import Scope
from domain.document import edit
from domain.page import MATCH_ALL, AllOf, Condition, Page, Paging, Where
from persistence.engine.lookup import FindByIds
from persistence.engine.pages import fetch_pages
from persistence.stores import document_queries as stored
from persistence.stores import task
from persistence.stores.reference import BACKLINKS
from persistence.unit_of_work import SqlUnitOfWork
from resolvers import ids
from resolvers.context import Context, InputValues
from resolvers.inputs.document import FILTER_ID_TYPES, DocumentFilter, DocumentOrder
from resolvers.inputs.filter import to_orders, to_where
from resolvers.page import collect_ids, list_all, list_pages, match_by_key
from resolvers.shared import within_subject

Id = Annotated[strawberry.ID, strawberry.argument(description="The document's global id.")]
Filter = Annotated[DocumentFilter | None, strawberry.argument(description="Narrows the list.")]
OrderBy = Annotated[list[DocumentOrder] | None, strawberry.argument(description="By rank when absent.")]
NewestFirst = Annotated[list[DocumentOrder] | None, strawberry.argument(description="Newest first when absent.")]
_BACKLINK_TYPES: Mapping[str, tuple[Scope, FindByIds]] = {
    "Task": (Scope.TASKS_READ, task.by_ids),
    "Document": (Scope.DOCUMENTS_READ, stored.by_ids),
}
NamedOnly = Annotated[bool | None, strawberry.argument(description="Only versions that somebody gave a name.")]


def documents_where(filter_: DocumentFilter | None) -> Where:
    """A filter as conditions; deleted documents are excluded unless it includes them."""
    conditions = to_where(filter_, FILTER_ID_TYPES)
    if filter_ and filter_ is not UNSET and filter_.include_deleted is not UNSET and filter_.include_deleted:
        return conditions
    return AllOf((conditions, Condition("deleted_at", "is_null", True)))


async def get(context: Context, id: Id) -> Any:
    """A document that the viewer may see, deleted ones included, so that they can be restored."""
    document_id = ids.decode(id, "Document", path=("id",))
    found = await stored.by_ids(context.database, context.viewer.user_id, [document_id])
    return within_subject(context, "Document", found).get(document_id)


async def list_visible(context: Context, page: Paging, filter: Filter = None, order_by: NewestFirst = None) -> Page[Any]:
    """The documents that the viewer may see."""
    return await list_all(context, stored.DOCUMENTS, page, where=documents_where(filter), order=to_orders(order_by))


async def of_projects(
    context: Context, parents: Sequence[Any], page: Paging, filter: Filter = None, order_by: OrderBy = None
) -> list[Page[Any]]:
    """The documents of each project."""
    return await list_pages(
        context, stored.PROJECT_DOCUMENTS, parents, page, where=documents_where(filter), order=to_orders(order_by)
    )


async def children(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """The documents directly below each document."""
    return await list_pages(context, stored.CHILDREN, parents, page, where=documents_where(None))


async def backlinks(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """The tasks and documents that link to each document, as far as the viewer and the token may see them."""
    context.take_requested_columns()  # the hint is about the objects, and the references are fetched first
    readable = [name for name, (scope, _) in _BACKLINK_TYPES.items() if scope in context.viewer.scopes]
    where = Condition("subject_type", "in", readable)
    keys, viewer = [each.id for each in parents], context.viewer.user_id
    read = await fetch_pages(context.database, BACKLINKS, keys, page, viewer=viewer, where=where)
    found: dict[UUID, Any] = {}
    for name, (_, find) in _BACKLINK_TYPES.items():
        ids_ = list({each.id for some in read for each in some.nodes if each.subject_type == name})
        found |= await find(context.database, viewer, ids_) if ids_ else {}
    return [each.map_nodes(lambda row: found.get(row.id)) for each in read]


async def parents_of(context: Context, parents: Sequence[Any]) -> list[Any]:
    """The parent of each document."""
    ids_ = collect_ids(parents, lambda each: each.parent_id)
    found = await stored.by_ids(context.database, context.viewer.user_id, ids_) if ids_ else {}
    return match_by_key(parents, lambda each: each.parent_id, found)


async def versions(context: Context, parents: Sequence[Any], page: Paging, named_only: NamedOnly = None) -> list[Page[Any]]:
    """The versions of each document, newest first."""
    conditions = Condition("name", "is_null", False) if named_only else MATCH_ALL
    return await list_pages(context, stored.VERSIONS, parents, page, where=conditions)


async def latest_versions(context: Context, parents: Sequence[Any]) -> list[Any]:
    """The newest version of each document."""
    ids_ = collect_ids(parents, lambda each: each.latest_version_id)
    found = await stored.versions_by_ids(context.database, context.viewer.user_id, ids_) if ids_ else {}
    return match_by_key(parents, lambda each: each.latest_version_id, found)


async def update(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Updates a document."""
    expected = values.get("expected_version")
    return {"document": await edit.update(uow, context.viewer, values["id"], values, expected_version=expected)}


async def move(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Moves a document."""
    return {"document": await documents.move(uow, context.viewer, values["id"], values)}


async def delete(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Deletes a document and those below it."""
    expected = values.get("expected_version")
    deleted = await documents.delete(uow, context.viewer, values["id"], expected_version=expected)
    return {"deleted": deleted, "type": "Document"}


async def restore(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Restores a document."""
    return {"document": await documents.restore(uow, context.viewer, values["id"])}
