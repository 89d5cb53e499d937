"""The statements over the index rows of documents and versions."""

from typing import Any

from sqlalchemy import Integer, Text, Uuid, bindparam, exists, func, literal_column, select

from domain.document import Document, DocumentVersion
from persistence.access import any_id, project_open_to, project_visible
from persistence.engine.rows import columns, insert_row, row_class, update_row
from persistence.engine.statement import Statement
from persistence.stores.former_ranks import RankStatements
from persistence.tables import document_versions, documents, projects, tasks, team_members

_d, _v, _p, _m = documents, document_versions, projects, team_members
_ID, _PROJECT, _USER = bindparam("id", type_=Uuid), bindparam("project", type_=Uuid), bindparam("user", type_=Uuid)
_RANK = bindparam("rank", type_=Text)

ADD = Statement(insert_row(Document, _d).returning(_d.c.id))
# Only once the id is claimed: a statement sees what was committed before it began.
IS_TASK_ID = Statement(select(exists(select(literal_column("1")).where(tasks.c.id == _ID))))
SAVE = Statement(update_row(Document, _d, exclude=("owner_id", "type")))
UPDATE_SEARCH_TEXT = Statement(_d.update().where(_d.c.id == _ID).values(words=bindparam("words", type_=Text)))
ADD_VERSION = Statement(insert_row(DocumentVersion, _v).returning(_v.c.id))
LOCK = Statement(
    select(*columns(Document, _d), _m.c.role, (_p.c.status == literal_column("'ARCHIVED'")).label("archived"))
    .select_from(_d.join(_p, _p.c.id == _d.c.project_id).join(_m, _m.c.team_id == _p.c.team_id))
    .where(_d.c.id == _ID, _m.c.user_id == _USER, _p.c.deleted_at.is_(None), project_open_to(_p, _m, _USER))
    .with_for_update(of=_d)
)
LOCK_FOR_SERVER = Statement(select(*columns(Document, _d)).where(_d.c.id == _ID).with_for_update())
LOCK_MANY = Statement(select(_d.c.id).where(_d.c.id == any_id()).order_by(_d.c.id).with_for_update())
VERSION = Statement(
    select(*columns(DocumentVersion, _v)).where(_v.c.id == _ID, _v.c.document_id == bindparam("document", type_=Uuid))
)
LAST_RANK = Statement(select(func.max(_d.c.rank)).where(_d.c.project_id == _PROJECT))
RANK_OF = Statement(select(_d.c.rank).where(_d.c.project_id == _PROJECT, _d.c.id == _ID))
OPEN_IN = Statement(select(literal_column("1")).where(_d.c.project_id == _PROJECT, _d.c.id == _ID, _d.c.deleted_at.is_(None)))
RANKS = RankStatements(Document, _d)
HAS_RANK = Statement(
    select(literal_column("1")).where(_d.c.project_id == _PROJECT, _d.c.rank == _RANK).limit(literal_column("1"))
)
RANK_AFTER = Statement(select(func.min(_d.c.rank)).where(_d.c.project_id == _PROJECT, _d.c.rank > _RANK))


def _tree(start: Any, key: Any, join_on: Any, name: str) -> Any:
    """Ids with their level, found by following a tree from one document."""
    tree = select(start, literal_column("1").label("level")).where(key == _ID).cte(name, recursive=True)
    other = _d.alias(f"{name}_document")
    step = select(other.c[start.key], tree.c.level + literal_column("1")).join(tree, join_on(other, tree))
    return tree.union_all(step.where(tree.c.level < literal_column("100")))


_ancestors = _tree(_d.c.parent_id, _d.c.id, lambda other, tree: tree.c[0] == other.c.id, "above")
_descendants = _tree(_d.c.id, _d.c.parent_id, lambda other, tree: tree.c[0] == other.c.parent_id, "below")
ANCESTORS = Statement(select(_ancestors.c[0]).where(_ancestors.c[0].is_not(None)).order_by(_ancestors.c.level))
DESCENDANTS = Statement(
    select(*columns(Document, _d))
    .join(_descendants, _descendants.c[0] == _d.c.id)
    .order_by(_descendants.c.level, _d.c.rank)
    .with_for_update(of=_d)
)

BY_IDS = Statement(
    select(*columns(Document, _d)).where(_d.c.id == any_id(), project_visible(_d.c.project_id, by_id=True)), row_class(Document)
)
VERSIONS_BY_IDS = Statement(
    select(*columns(DocumentVersion, _v))
    .join(_d, _d.c.id == _v.c.document_id)
    .where(_v.c.id == any_id(), project_visible(_d.c.project_id, by_id=True)),
    row_class(DocumentVersion),
)

# What is named under documents, for upkeep.
INDEXED_DOCUMENTS = Statement(select(_d.c.id, _d.c.version, _d.c.latest_number).where(_d.c.id == any_id()))
INDEXED_VERSIONS = Statement(
    select(_v.c.document_id, _v.c.number, _v.c.crdt, _v.c.markdown, _v.c.text).where(_v.c.document_id == any_id())
)
PAGE_OF_IDS = Statement(
    select(_d.c.id).where(_d.c.id > bindparam("after", type_=Uuid)).order_by(_d.c.id).limit(bindparam("size", type_=Integer))
)
