"""The statements over the index rows of documents and versions."""

from typing import Any

from sqlalchemy import Integer, Text, Uuid, bindparam, exists, func, literal_column, select

from domain.document import Document, DocumentVersion
from persistence.access import ids, opens, project_visible
from persistence.engine.database import Statement
from persistence.engine.rows import added, columns, row_class, saved
from persistence.tables import document_versions, documents, projects, tasks, team_members

_d, _v, _p, _m = documents, document_versions, projects, team_members
_ID, _PROJECT, _USER = bindparam("id", type_=Uuid), bindparam("project", type_=Uuid), bindparam("user", type_=Uuid)
_RANK = bindparam("rank", type_=Text)

ADD = Statement(added(Document, _d).returning(_d.c.id))
# Only once the id is claimed: a statement sees what was committed before it began.
IS_A_TASK = Statement(select(exists(select(literal_column("1")).where(tasks.c.id == _ID))))
SAVE = Statement(saved(Document, _d, but=("owner_id", "type")))
KEEP_WORDS = Statement(_d.update().where(_d.c.id == _ID).values(words=bindparam("words", type_=Text)))
ADD_VERSION = Statement(added(DocumentVersion, _v).returning(_v.c.id))
LOCK = Statement(
    select(*columns(Document, _d), _m.c.role, (_p.c.status == literal_column("'ARCHIVED'")).label("archived"))
    .select_from(_d.join(_p, _p.c.id == _d.c.project_id).join(_m, _m.c.team_id == _p.c.team_id))
    .where(_d.c.id == _ID, _m.c.user_id == _USER, _p.c.deleted_at.is_(None), opens(_p, _m, _USER))
    .with_for_update(of=_d)
)
LOCK_FOR_SERVER = Statement(select(*columns(Document, _d)).where(_d.c.id == _ID).with_for_update())
LOCK_MANY = Statement(select(_d.c.id).where(_d.c.id == ids()).order_by(_d.c.id).with_for_update())
VERSION = Statement(
    select(*columns(DocumentVersion, _v)).where(_v.c.id == _ID, _v.c.document_id == bindparam("document", type_=Uuid))
)
LAST_RANK = Statement(select(func.max(_d.c.rank)).where(_d.c.project_id == _PROJECT))
RANK_OF = Statement(select(_d.c.rank).where(_d.c.project_id == _PROJECT, _d.c.id == _ID))
OPEN_IN = Statement(select(literal_column("1")).where(_d.c.project_id == _PROJECT, _d.c.id == _ID, _d.c.deleted_at.is_(None)))
RANK_AFTER = Statement(select(func.min(_d.c.rank)).where(_d.c.project_id == _PROJECT, _d.c.rank > _RANK))


def _tree(start: Any, key: Any, joined: Any, name: str) -> Any:
    """Ids with their level, found by following a tree from one document."""
    tree = select(start, literal_column("1").label("level")).where(key == _ID).cte(name, recursive=True)
    other = _d.alias(f"{name}_document")
    step = select(other.c[start.key], tree.c.level + literal_column("1")).join(tree, joined(other, tree))
    return tree.union_all(step.where(tree.c.level < literal_column("100")))


_above = _tree(_d.c.parent_id, _d.c.id, lambda other, tree: tree.c[0] == other.c.id, "above")
_below = _tree(_d.c.id, _d.c.parent_id, lambda other, tree: tree.c[0] == other.c.parent_id, "below")
ANCESTORS = Statement(select(_above.c[0]).where(_above.c[0].is_not(None)).order_by(_above.c.level))
DESCENDANTS = Statement(
    select(*columns(Document, _d)).join(_below, _below.c[0] == _d.c.id).order_by(_below.c.level, _d.c.rank).with_for_update(of=_d)
)

BY_IDS = Statement(
    select(*columns(Document, _d)).where(_d.c.id == ids(), project_visible(_d.c.project_id, found=True)), row_class(Document)
)
VERSIONS_BY_IDS = Statement(
    select(*columns(DocumentVersion, _v))
    .join(_d, _d.c.id == _v.c.document_id)
    .where(_v.c.id == ids(), project_visible(_d.c.project_id, found=True)),
    row_class(DocumentVersion),
)

# What is named under documents, for upkeep.
NAMED = Statement(select(_d.c.id, _d.c.version, _d.c.latest_number).where(_d.c.id == ids()))
NAMED_VERSIONS = Statement(
    select(_v.c.document_id, _v.c.number, _v.c.crdt, _v.c.markdown, _v.c.text).where(_v.c.document_id == ids())
)
PAGE_OF_IDS = Statement(
    select(_d.c.id).where(_d.c.id > bindparam("after", type_=Uuid)).order_by(_d.c.id).limit(bindparam("size", type_=Integer))
)
