"""Reads every object of some types that a person may see, at one instant, as lines of JSON that Postgres writes.

A line is what the graph answers for the object's own fields; other objects stand in it as `{"id": …}`. Postgres writes the JSON,
since decoding 20,000 rows of twenty columns here and encoding them again would hold the event loop for half a second. Rows come
through a cursor, a few hundred at a time, so memory does not grow with their number.

The order of lines is that of storage: sorting would make the first line wait for the last row.
"""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    ColumnElement,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
)
from sqlalchemy import any_ as sql_any
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql.expression import FromClause

from domain.permissions import Action, Role
from persistence.access import VIEWER, shares_team, team_visible, visible_project_array
from persistence.engine.database import Database
from persistence.engine.row_stream import stream_rows
from persistence.engine.statement import Statement
from persistence.tables import (
    attached,
    attachments,
    comment_reactions,
    comments,
    documents,
    labels,
    projects,
    tasks,
    team_members,
    teams,
    users,
)

PAGE_ROWS: Final = 400
MAX_COMMENT_FILES: Final = 10
"""Files of a comment that stand in its line, the oldest first."""
_t, _p, _d, _c, _u = tasks, projects, documents, comments, users
_ONE: Any = literal_column("1")
_Column = ColumnElement[Any]

ProjectActions = Mapping[tuple[Role, bool, bool], Sequence[Action]]
"""What the viewer may do with a project by their role, whether they lead it, and whether it is archived."""


@dataclass(frozen=True, slots=True)
class SnapshotScope:
    """What a snapshot is narrowed to, as a scope of changes is; None for no narrowing."""

    teams: Sequence[UUID] | None = None
    projects: Sequence[UUID] | None = None
    entities: Sequence[UUID] | None = None


def _text(value: str) -> _Column:
    return literal_column(f"'{value}'")


def _named(name: str, column: _Column) -> _Column:
    """The column is one of the ids in a parameter, or the parameter is null."""
    ids = bindparam(name, type_=ARRAY(Uuid), unique=False)
    return or_(ids.is_(None), column == sql_any(ids))


def _global_id(type_name: str | _Column, id_: _Column) -> _Column:
    prefix = _text(f"{type_name}:") if isinstance(type_name, str) else type_name + _text(":")
    return func.encode(func.convert_to(prefix + cast(id_, Text), _text("UTF8")), _text("base64"))


def _reference(type_name: str | _Column, id_: _Column) -> _Column:
    """Another object, by its id."""
    return func.json_build_object(_text("id"), _global_id(type_name, id_))


def _optional(type_name: str, id_: _Column) -> _Column:
    return case((id_.is_not(None), _reference(type_name, id_)), else_=null())


def _references(type_name: str, ids: _Column) -> _Column:
    """Other objects, by an array of their ids."""
    each = func.unnest(ids).column_valued("each")
    listed = select(func.json_agg(_reference(type_name, each))).correlate(_t, _c).scalar_subquery()
    return func.coalesce(case((func.cardinality(ids) > literal_column("0"), listed), else_=null()), literal_column("'[]'::json"))


def _listed(rows: FromClause, fields: Mapping[str, _Column], *order: _Column) -> _Column:
    """A JSON array of these fields of rows that belong to a comment."""
    pairs = [part for name, column in fields.items() for part in (_text(name), column)]
    found = select(func.json_agg(aggregate_order_by(func.json_build_object(*pairs), *order))).select_from(rows)
    return func.coalesce(found.scalar_subquery(), literal_column("'[]'::json"))


def _instant(column: _Column) -> _Column:
    """As `resolvers.scalars.serialize_datetime` writes it; sessions are in UTC."""
    return func.replace(func.to_char(column, _text('YYYY-MM-DD"T"HH24:MI:SS.US"Z"')), _text(".000000Z"), _text("Z"))


def _line(type_name: str, table: FromClause, plain: Mapping[str, str], more: Mapping[str, _Column]) -> _Column:
    """The JSON of one object: what all have, its own columns by their names in the graph, and computed ones."""
    fields: dict[str, _Column] = {
        "__typename": _text(type_name),
        "id": _global_id(type_name, table.c.id),
        "version": table.c.version,
        "createdAt": _instant(table.c.created_at),
        "updatedAt": _instant(table.c.updated_at),
        **{name: table.c[column] for name, column in plain.items()},
        **more,
    }
    pairs = [part for name, column in fields.items() for part in (_text(name), column)]
    return cast(func.json_build_object(*pairs), Text).label("line")


_OPEN_PROJECTS: Any = sql_any(
    visible_project_array(lambda project: _named("teams", project.c.team_id) & _named("projects", project.c.id))
)
_NO_PROJECTS = bindparam("projects", type_=ARRAY(Uuid)).is_(None)
_theirs = team_members.alias("their_team")
_IN_TEAMS = or_(
    bindparam("teams", type_=ARRAY(Uuid)).is_(None),
    exists(select(_ONE).where(_theirs.c.user_id == _u.c.id, _named("teams", _theirs.c.team_id), team_visible(_theirs.c.team_id))),
)

_TEAMS = (
    select(
        _line(
            "Team",
            teams,
            {"name": "name", "key": "key", "description": "description"},
            {"owner": _reference("User", teams.c.owner_id)},
        )
    )
    .where(teams.c.deleted_at.is_(None), team_visible(teams.c.id))
    .where(_named("teams", teams.c.id), _named("entities", teams.c.id), _NO_PROJECTS)
)
_LABELS = (
    select(
        _line("Label", labels, {"name": "name", "color": "color"}, {"team": _reference("Team", labels.c.team_id)}),
    )
    .select_from(labels.join(teams, teams.c.id == labels.c.team_id))
    .where(teams.c.deleted_at.is_(None), team_visible(labels.c.team_id))
    .where(_named("teams", labels.c.team_id), _named("entities", labels.c.id), _NO_PROJECTS)
)
_USERS = (
    select(
        _line(
            "User",
            _u,
            {"firstName": "first_name", "lastName": "last_name", "status": "status", "isBot": "is_bot"},
            {"displayName": func.btrim(_u.c.first_name + _text(" ") + _u.c.last_name)},
        )
    )
    .where(shares_team(_u.c.id))
    .where(_IN_TEAMS, _named("entities", _u.c.id), _NO_PROJECTS)
)
_own = team_members.alias("viewer_member")
_leads = or_(_p.c.lead_id == VIEWER, _p.c.creator_id == VIEWER)
# The policy stands in the domain; here it is looked up by what it depends on.
_project_actions = func.json_extract_path(
    cast(bindparam("project_actions", type_=Text), JSON),
    cast(_own.c.role, Text),
    cast(func.coalesce(_leads, literal_column("false")), Text),
    cast(_p.c.status == _text("ARCHIVED"), Text),
)
_PROJECTS = (
    select(
        _line(
            "Project",
            _p,
            {
                "name": "name",
                "description": "description",
                "status": "status",
                "visibility": "visibility",
                "startOn": "start_on",
                "endOn": "end_on",
            },
            {
                "team": _reference("Team", _p.c.team_id),
                "lead": _optional("User", _p.c.lead_id),
                "viewerCan": _project_actions,
            },
        )
    )
    .select_from(_p.join(_own, (_own.c.team_id == _p.c.team_id) & (_own.c.user_id == VIEWER)))
    .where(_p.c.id == _OPEN_PROJECTS)
    .where(_named("entities", _p.c.id))
)
_TASKS = (
    select(
        _line(
            "Task",
            _t,
            {
                "key": "key",
                "title": "title",
                "description": "description",
                "status": "status",
                "priority": "priority",
                "startOn": "start_on",
                "dueOn": "due_on",
                "estimate": "estimate",
                "rank": "rank",
                "externalRef": "external_ref",
            },
            {
                "completedAt": _instant(_t.c.completed_at),
                "project": _reference("Project", _t.c.project_id),
                "parent": _optional("Task", _t.c.parent_id),
                "assignee": _optional("User", _t.c.assignee_id),
                "creator": _optional("User", _t.c.creator_id),
                "labels": func.json_build_object(_text("nodes"), _references("Label", _t.c.label_ids)),
                "isBlocked": _t.c.is_blocked,
            },
        )
    )
    .where(_t.c.project_id == _OPEN_PROJECTS, _t.c.deleted_at.is_(None))
    .where(_named("entities", _t.c.id))
)
_DOCUMENTS = (
    select(
        _line(
            "Document",
            _d,
            {"title": "title", "type": "type", "rank": "rank", "preview": "preview"},
            {
                "project": _reference("Project", _d.c.project_id),
                "owner": _reference("User", _d.c.owner_id),
                "parent": _optional("Document", _d.c.parent_id),
            },
        )
    )
    .where(_d.c.project_id == _OPEN_PROJECTS, _d.c.deleted_at.is_(None))
    .where(_named("entities", _d.c.id))
)
_r = comment_reactions
_emoji = (
    select(
        _r.c.emoji,
        func.count().label("count"),
        func.bool_or(_r.c.user_id == VIEWER).label("viewer_reacted"),
        func.min(_r.c.created_at).label("since"),
    )
    .where(_r.c.comment_id == _c.c.id)
    .group_by(_r.c.emoji)
    .correlate(_c)
    .subquery("by_emoji")
)
_files = (
    select(attachments)
    .where(attachments.c.subject_id == _c.c.id, attached)
    .order_by(attachments.c.created_at, attachments.c.id)
    .limit(literal_column(str(MAX_COMMENT_FILES)))
    .correlate(_c)
    .subquery("file")
)
# A comment is in the project of its subject: a task or a document takes its comments along when it changes projects.
_COMMENTS = (
    select(
        _line(
            "Comment",
            _c,
            {"body": "body"},
            {
                "editedAt": _instant(_c.c.edited_at),
                "resolvedAt": _instant(_c.c.resolved_at),
                "subject": func.json_build_object(
                    _text("__typename"), _c.c.subject_type, _text("id"), _global_id(_c.c.subject_type, _c.c.subject_id)
                ),
                "author": _optional("User", _c.c.author_id),
                "parent": _optional("Comment", _c.c.parent_id),
                "resolvedBy": _optional("User", _c.c.resolved_by_id),
                "mentions": _references("User", _c.c.mention_ids),
                "reactions": _listed(
                    _emoji,
                    {"emoji": _emoji.c.emoji, "count": _emoji.c.count, "viewerReacted": _emoji.c.viewer_reacted},
                    _emoji.c.since,
                    _emoji.c.emoji,
                ),
                "attachments": func.json_build_object(
                    _text("nodes"),
                    _listed(
                        _files,
                        {
                            "id": _global_id("Attachment", _files.c.id),
                            "fileName": _files.c.file_name,
                            "contentType": _files.c.content_type,
                            "byteSize": _files.c.byte_size,
                        },
                        _files.c.created_at,
                        _files.c.id,
                    ),
                ),
            },
        )
    )
    .select_from(
        _c.outerjoin(_t, (_t.c.id == _c.c.subject_id) & (_c.c.subject_type == _text("Task"))).outerjoin(
            _d, (_d.c.id == _c.c.subject_id) & (_c.c.subject_type == _text("Document"))
        )
    )
    .where(func.coalesce(_t.c.project_id, _d.c.project_id) == _OPEN_PROJECTS, _c.c.deleted_at.is_(None))
    .where(or_(_named("entities", _c.c.id), _named("entities", _c.c.subject_id)))
    .where(or_(bindparam("with_documents", type_=Boolean), _c.c.subject_type == _text("Task")))
)

STATEMENTS: Final[Mapping[str, Sequence[Statement]]] = {
    "Team": (Statement(_TEAMS), Statement(_LABELS)),
    "User": (Statement(_USERS),),
    "Project": (Statement(_PROJECTS),),
    "Task": (Statement(_TASKS),),
    "Document": (Statement(_DOCUMENTS),),
    "Comment": (Statement(_COMMENTS),),
}
"""By the names of the types in the graph; teams come with their labels."""


async def read_lines(
    database: Database,
    viewer: UUID,
    type_names: Sequence[str],
    scope: SnapshotScope,
    *,
    with_documents: bool,
    project_actions: ProjectActions,
) -> AsyncGenerator[list[str]]:
    """
    The JSON of all objects of these types that the viewer may see, without line ends, a few hundred at a time.

    `with_documents`: whether comments on documents are among them.
    """
    params = {
        "viewer": viewer,
        "teams": scope.teams,
        "projects": scope.projects,
        "entities": scope.entities,
        "with_documents": with_documents,
        "project_actions": _encode_actions(project_actions),
    }
    async with database.begin(snapshot=True) as connection:
        for statement in (each for type_name in type_names for each in STATEMENTS[type_name]):
            async for rows in stream_rows(connection, statement, PAGE_ROWS, **params):
                yield [row[0] for row in rows]


def _encode_actions(actions: ProjectActions) -> str:
    """As objects in objects, by the texts that Postgres has for the role and the two truth values."""
    encoded: dict[str, dict[str, dict[str, Sequence[Action]]]] = {}
    for (role, leads, archived), allowed in actions.items():
        encoded.setdefault(role, {}).setdefault(json.dumps(leads), {})[json.dumps(archived)] = allowed
    return json.dumps(encoded)
