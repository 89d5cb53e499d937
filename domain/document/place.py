"""Where a document may stand: under which others, how deep, and between which."""

from collections.abc import Sequence
from uuid import UUID

from domain import rank
from domain.document.entity import Document
from domain.errors import Cycle, LimitExceeded, NotFound
from domain.ports import UnitOfWork

MAX_DEPTH_LEVELS = 10
MAX_SUBTREE_DOCUMENTS = 500


async def require_parent(
    uow: UnitOfWork, project_id: UUID, parent_id: UUID, document_id: UUID | None, descendants: Sequence[Document] = ()
) -> None:
    """The parent lies in the same project, is not deleted, not the document itself or below it, and not too deep for all that
    comes along.

    The caller locks the parent before the project.
    """
    path = ("input", "parentId")
    if not await uow.documents.is_open_in(project_id, parent_id):
        raise NotFound(path)
    above = [parent_id, *await uow.documents.ancestors(parent_id)]
    if document_id in above:
        raise Cycle(path, "A document cannot be below itself.")
    if len(above) + _height(descendants) >= MAX_DEPTH_LEVELS:
        raise LimitExceeded(f"Documents lie at most {MAX_DEPTH_LEVELS} levels deep.", MAX_DEPTH_LEVELS, path=path)


def require_subtree_limit(descendants: Sequence[Document]) -> None:
    """So many documents can be deleted, restored or moved in one step, because each is written to object storage."""
    if len(descendants) >= MAX_SUBTREE_DOCUMENTS:
        raise LimitExceeded("Too many documents lie below this one for one step.", MAX_SUBTREE_DOCUMENTS, path=("input", "id"))


async def rank_for(uow: UnitOfWork, project_id: UUID, after_id: UUID | None) -> str:
    """The rank right after a document of the project; None: at the end."""
    if after_id is None:
        return rank.between(await uow.documents.last_rank(project_id), None)
    low = await uow.documents.rank_of(project_id, after_id)
    if low is None:
        raise NotFound(("input", "afterId"))
    return rank.between(low, await uow.documents.rank_after(project_id, low))


def _height(descendants: Sequence[Document]) -> int:
    """How many levels there are below a document; parents come before their children."""
    levels: dict[UUID | None, int] = {}
    for each in descendants:
        levels[each.id] = levels.get(each.parent_id, 0) + 1
    return max(levels.values(), default=0)
