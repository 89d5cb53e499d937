"""Makes the part of a statement that lets candidates through: each is joined with its object as it is now.

Candidates come from the index beside the objects, or from OpenSearch, whose index may lag. Either way a hit is what the viewer
may see at that moment: its project is one of `allowed`, neither it nor what it belongs to is deleted, and the filter of the
search holds for its attributes of now.
"""

from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    exists,
    func,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy import any_ as sql_any
from sqlalchemy import literal_column as literal

from persistence.search.parameters import AFTER, ASSIGNEES, BEFORE, LABELS, STATUSES, TYPES
from persistence.tables import attached, attachments, comments, documents, projects, tasks

Columns = dict[str, ColumnElement[Any]]
_a, _c, _d, _p, _t = attachments, comments, documents, projects, tasks
_SUBJECTS = bindparam("subjects", type_=ARRAY(Text))
_nothing_text, _nothing_id = cast(null(), Text), cast(null(), Uuid)


def visible_hits(candidates: CTE, allowed: CTE, proximity: ColumnElement[Any]) -> Select[Any]:
    """
    The candidates that the viewer may see and that match the filter, in no order.

    `candidates` has the columns id, type, title_key, matched and in_title; `allowed` one row with the array `projects`;
    `proximity` is computed from a candidate.
    """
    is_allowed = sql_any(cast(select(allowed.c.projects).scalar_subquery(), ARRAY(Uuid)))
    made = _Hits(candidates, is_allowed, proximity)
    found = union_all(made.tasks(), made.documents(), made.projects(), made.comments(), made.files()).subquery("hit")
    return select(*found.c).where(
        found.c.type_name == sql_any(TYPES),
        or_(ASSIGNEES.is_(None), found.c.assignee_id == sql_any(ASSIGNEES)),
        or_(LABELS.is_(None), found.c.label_ids.bool_op("&&")(LABELS)),
        or_(STATUSES.is_(None), and_(found.c.type_name == literal("'Task'"), found.c.status == sql_any(STATUSES))),
        or_(AFTER.is_(None), found.c.updated_at > AFTER),
        or_(BEFORE.is_(None), found.c.updated_at < BEFORE),
    )


class _Hits:
    """The candidates of each type, joined with their objects; columns that a type has not are NULL."""

    def __init__(self, candidates: CTE, is_allowed: Any, proximity: ColumnElement[Any]) -> None:
        self._found = candidates
        self._is_allowed = is_allowed
        self._proximity = proximity

    def tasks(self) -> Select[Any]:
        return self._joined(
            "Task",
            _t,
            team_id=_t.c.team_id,
            project_id=_t.c.project_id,
            status=cast(_t.c.status, Text),
            priority=cast(_t.c.priority, Text),
            assignee_id=_t.c.assignee_id,
            author_id=_t.c.creator_id,
            label_ids=_t.c.label_ids,
        ).where(_t.c.deleted_at.is_(None), _t.c.project_id == self._is_allowed)

    def documents(self) -> Select[Any]:
        hits = self._joined("Document", _d, team_id=_d.c.team_id, project_id=_d.c.project_id, author_id=_d.c.owner_id)
        return hits.where(_d.c.deleted_at.is_(None), _d.c.project_id == self._is_allowed)

    def projects(self) -> Select[Any]:
        hits = self._joined(
            "Project", _p, team_id=_p.c.team_id, project_id=_p.c.id, status=cast(_p.c.status, Text), author_id=_p.c.creator_id
        )
        return hits.where(_p.c.deleted_at.is_(None), _p.c.id == self._is_allowed)

    def comments(self) -> Select[Any]:
        hits = self._joined(
            "Comment",
            _c,
            team_id=_subject_column(_c.c.subject_type, _c.c.subject_id, "team_id"),
            project_id=_subject_column(_c.c.subject_type, _c.c.subject_id, "project_id"),
            author_id=_c.c.author_id,
        ).where(_c.c.deleted_at.is_(None))
        return self._beside_subject(hits, _c.c.subject_type, _c.c.subject_id)

    def files(self) -> Select[Any]:
        said = comments.alias("file_comment")
        hits = self._joined(
            "Attachment",
            _a,
            type_name=_a.c.subject_type,
            target_id=_a.c.subject_id,
            team_id=_subject_column(_a.c.about_type, _a.c.about_id, "team_id"),
            project_id=_subject_column(_a.c.about_type, _a.c.about_id, "project_id"),
            author_id=_a.c.uploader_id,
        ).where(attached, ~exists(select(literal("1")).where(said.c.id == _a.c.subject_id, said.c.deleted_at.is_not(None))))
        return self._beside_subject(hits, _a.c.about_type, _a.c.about_id)

    def _joined(self, source: str, table: Any, **columns: ColumnElement[Any]) -> Select[Any]:
        defaults: Columns = {
            "type_name": literal(f"'{source}'", Text),
            "target_id": table.c.id,
            "updated_at": table.c.updated_at,
            "team_id": _nothing_id,
            "project_id": _nothing_id,
            "status": _nothing_text,
            "priority": _nothing_text,
            "assignee_id": _nothing_id,
            "author_id": _nothing_id,
            "label_ids": cast(null(), ARRAY(Uuid)),
        }
        found = self._found
        return select(
            *((defaults | columns)[name].label(name) for name in defaults),
            found.c.id.label("source_id"),
            literal(f"'{source}'", Text).label("source_type"),
            found.c.title_key,
            found.c.matched,
            found.c.in_title,
            self._proximity.label("proximity"),
        ).where(found.c.id == table.c.id, found.c.type == literal(f"'{source}'", Text))

    def _beside_subject(self, hits: Select[Any], type_column: Any, id_column: Any) -> Select[Any]:
        """Only those whose task or document is visible and not deleted."""
        alternatives = []
        for type_name, table in (("Task", tasks.alias("subject_task")), ("Document", documents.alias("subject_document"))):
            is_there = exists(
                select(literal("1")).where(
                    table.c.id == id_column, table.c.deleted_at.is_(None), table.c.project_id == self._is_allowed
                )
            )
            alternatives.append(and_(type_column == literal(f"'{type_name}'"), is_there))
        return hits.where(type_column == sql_any(_SUBJECTS), or_(*alternatives))


def _subject_column(type_column: Any, id_column: Any, attribute: str) -> ColumnElement[Any]:
    """An attribute of the task or document that something is on."""
    at_task, at_document = tasks.alias("place_task"), documents.alias("place_document")
    return func.coalesce(
        select(at_task.c[attribute]).where(at_task.c.id == id_column, type_column == literal("'Task'")).scalar_subquery(),
        select(at_document.c[attribute])
        .where(at_document.c.id == id_column, type_column == literal("'Document'"))
        .scalar_subquery(),
    )
