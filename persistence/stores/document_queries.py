"""The lists and loaders of documents and versions."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal_column, select

from domain.document import Document, DocumentVersion
from domain.page import Order
from persistence.access import any_id, project_visible, visible_place_ids, visible_project_ids, visible_projects
from persistence.engine.cursor import SortColumn
from persistence.engine.database import Database
from persistence.engine.filter import Column, TextField, compare
from persistence.engine.index_ranges import Ranges
from persistence.engine.pages import ListQuery
from persistence.engine.statement import Statement
from persistence.stores import document_statements
from persistence.stores.former_ranks import current_rank, is_replaceable
from persistence.tables import document_versions, documents
from persistence.tables.columns import cut_title

_d, _v = documents, document_versions
_PLACES = (_d.c.team_id, _d.c.project_id)


def _compare_deleted_at(operator: str, parameter: Any) -> Column:
    """Not deleted; asked for unless the filter includes deleted documents."""
    return compare(_d.c.deleted_at, operator, parameter)


def _list_query(order: Order, **options: Any) -> ListQuery:
    return ListQuery(
        cls=Document,
        source=_d,
        id=_d.c.id,
        sorts={
            "RANK": (SortColumn(_d.c.rank, "rank", current=current_rank, replaceable=is_replaceable),),
            "TITLE": (SortColumn(cut_title(_d.c.title_collation), "sort_title", selected=True),),
            "CREATED_AT": (SortColumn(_d.c.created_at, "created_at"),),
            "UPDATED_AT": (SortColumn(_d.c.updated_at, "updated_at"),),
        },
        default=(order,),
        fields={
            "title": TextField(_d.c.title, _d.c.title_collation, cut_title, has_trigrams=True),
            "type": _d.c.type,
            "owner": _d.c.owner_id,
            "parent": _d.c.parent_id,
            "updated_at": _d.c.updated_at,
            "deleted_at": _compare_deleted_at,
        },
        covered={(): frozenset({("deleted_at", "is_null")})},
        indexed=frozenset({("title", "contains"), ("title", "starts_with"), ("owner", "eq"), ("owner", "in")}),
        indexed_by_place=frozenset({("title", "contains")}),
        found_by=frozenset({("parent", "eq")}),
        **options,
    )


DOCUMENTS = _list_query(
    Order("CREATED_AT", descending=True),
    ranges=Ranges(_d.c.project_id, lambda _: visible_project_ids(), places=(_PLACES, lambda _: visible_place_ids())),
    visible=lambda: _d.c.project_id == visible_projects(),
)
PROJECT_DOCUMENTS = _list_query(
    Order("RANK"),
    parent_clause=lambda parent: _d.c.project_id == parent,
    ranges=Ranges(
        _d.c.project_id,
        lambda parent: select(parent.label("id")).where(project_visible(parent)),
        single=True,
        places=(_PLACES, lambda parent: select(parent)),
    ),
    visible=lambda: project_visible(_d.c.project_id),
)
CHILDREN = _list_query(
    Order("RANK"),
    parent_clause=lambda parent: _d.c.parent_id == parent,
    visible=lambda: project_visible(_d.c.project_id, by_id=True),
)
VERSIONS = ListQuery(
    cls=DocumentVersion,
    source=_v,
    id=_v.c.id,
    sorts={"NUMBER": (SortColumn(_v.c.number, "number"),)},
    default=(Order("NUMBER", descending=True),),
    fields={"name": _v.c.name},
    parent_clause=lambda parent: _v.c.document_id == parent,
    joined=lambda query: query.join(_d, _d.c.id == _v.c.document_id),
    visible=lambda: project_visible(_d.c.project_id, by_id=True),
)


async def by_ids(database: Database, viewer: UUID, document_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the documents that the viewer may see; deleted ones too."""
    return {row.id: row for row in await database.fetch(document_statements.BY_IDS, ids=list(document_ids), viewer=viewer)}


async def versions_by_ids(database: Database, viewer: UUID, version_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the versions whose documents the viewer may see."""
    return {
        row.id: row for row in await database.fetch(document_statements.VERSIONS_BY_IDS, ids=list(version_ids), viewer=viewer)
    }


_SEARCH_TEXTS = Statement(
    select(_d.c.id, func.left(_d.c.words, literal_column("50000")).label("text")).where(
        _d.c.id == any_id(), project_visible(_d.c.project_id, by_id=True)
    )
)


async def search_texts(database: Database, viewer: UUID, document_ids: Sequence[UUID]) -> dict[UUID, str]:
    """What the newest versions of documents say in plain words, the first 50,000 characters of each."""
    return {row["id"]: row["text"] for row in await database.fetch(_SEARCH_TEXTS, ids=list(document_ids), viewer=viewer)}
