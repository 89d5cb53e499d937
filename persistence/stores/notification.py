"""Notifications: the store, the list and the counts.

A notification is visible to its person as long as they may see its subject (`_visible`): that of a task in a project which they
left is hidden, and comes back with them. So is one about a comment that was deleted.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    Integer,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    column,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy import any_ as sql_any
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.schema import Table

from domain.notification import Notification, NotificationReason, Proposal
from domain.page import Order
from persistence.access import VIEWER, any_id, project_open_to, project_visible
from persistence.engine.cursor import SortColumn
from persistence.engine.database import Connection, Database
from persistence.engine.filter import Column
from persistence.engine.pages import ListQuery
from persistence.engine.rows import columns, recordset, row_class, to_entity, to_params
from persistence.engine.statement import Statement
from persistence.stores.webhook import managed_by_viewer
from persistence.tables import (
    INSTANT,
    comments,
    documents,
    invitations,
    notifications,
    projects,
    tasks,
    team_members,
    teams,
    user_jobs,
    users,
    watchers,
    webhooks,
)
from persistence.transaction import Transaction

MAX_UNREAD_COUNT = 1_000
"""Unread notifications are counted up to this number."""

_n, _u, _p, _m = notifications, users, projects, team_members
_ONE: Column = literal_column("1")
_USER = bindparam("user", type_=Uuid)
_names = [each.name for each in columns(Notification, _n)]
_new = recordset("notifications", "notification", *(column(name, _n.c[name].type) for name in _names))
_ADD = Statement(
    insert(_n).from_select(_names, select(*(_new.c[name] for name in _names))).on_conflict_do_nothing().returning(_n.c.id)
)
_SAVE_EVENTS = Statement(
    _n.update()
    .where(_n.c.id == bindparam("notification", type_=Uuid))
    .values(event_ids=bindparam("events", type_=ARRAY(Uuid)), version=bindparam("revision", type_=Integer))
)
_marks = recordset(
    "marks",
    "mark",
    column("id", Uuid),
    column("read_at", INSTANT),
    column("archived_at", INSTANT),
    column("snoozed_until", INSTANT),
    column("version", Integer),
)
_SAVE_MARKS = Statement(
    _n.update()
    .where(_n.c.id == _marks.c.id)
    .values({name: _marks.c[name] for name in ("read_at", "archived_at", "snoozed_until", "version")})
)
_DELETE_ALL = Statement(_n.delete().where(_n.c.user_id == _USER))
_FIND = Statement(
    select(*columns(Notification, _n)).where(
        _n.c.user_id == any_id("users"),
        _n.c.created_at == bindparam("at", type_=INSTANT),
        _n.c.reason == bindparam("reason", type_=_n.c.reason.type),
        _n.c.actor_id.is_not_distinct_from(bindparam("actor", type_=Uuid)),
    )
)


def _candidates(proposed: Any) -> Any:
    """The people whom proposals mean: `nr` of the proposal, `user_id`, and the subject."""
    subject = (proposed.c.nr, proposed.c.subject_type, proposed.c.subject_id)
    named = select(*subject, proposed.c.user_id).where(proposed.c.user_id.is_not(None))
    watching = (
        select(*subject, watchers.c.user_id)
        .select_from(proposed.join(watchers, watchers.c.subject_id == proposed.c.subject_id))
        .where(proposed.c.user_id.is_(None))
    )
    invited = (
        select(*subject, _u.c.id)
        .select_from(
            proposed.join(invitations, invitations.c.id == proposed.c.subject_id).join(
                _u, _u.c.email_key == invitations.c.email_key
            )
        )
        .where(proposed.c.user_id.is_(None), proposed.c.subject_type == literal_column("'Invitation'"))
    )
    return named.union_all(watching, invited).subquery("candidate")


_proposed = recordset(
    "proposals",
    "proposed",
    column("nr", Integer),
    column("user_id", Uuid),
    column("subject_type", Text),
    column("subject_id", Uuid),
)
_candidate = _candidates(_proposed)
_with_subject = (
    _candidate.join(_u, _u.c.id == _candidate.c.user_id)
    .outerjoin(
        tasks,
        and_(
            _candidate.c.subject_type == literal_column("'Task'"),
            tasks.c.id == _candidate.c.subject_id,
            tasks.c.deleted_at.is_(None),
        ),
    )
    .outerjoin(
        documents,
        and_(
            _candidate.c.subject_type == literal_column("'Document'"),
            documents.c.id == _candidate.c.subject_id,
            documents.c.deleted_at.is_(None),
        ),
    )
)
_project_id = func.coalesce(
    tasks.c.project_id,
    documents.c.project_id,
    case((_candidate.c.subject_type == literal_column("'Project'"), _candidate.c.subject_id)),
)
_RECIPIENTS = Statement(
    select(_candidate.c.nr, _candidate.c.user_id)
    .select_from(_with_subject)
    .where(
        _u.c.status == literal_column("'ACTIVE'"),
        ~_u.c.is_bot,
        or_(
            _candidate.c.subject_type == literal_column("'Invitation'"),
            exists(
                select(_ONE)
                .select_from(_p.join(_m, _m.c.team_id == _p.c.team_id))
                .where(
                    _p.c.id == _project_id,
                    _p.c.deleted_at.is_(None),
                    _m.c.user_id == _candidate.c.user_id,
                    project_open_to(_p, _m, _candidate.c.user_id),
                )
                .offset(literal_column("0"))
            ),
        ),
    )
    .order_by(_candidate.c.nr, _candidate.c.user_id)
)


def _subject_visible(name: str, table: Table, project_id: Column) -> Column:
    rows = select(_ONE).where(
        table.c.id == _n.c.subject_id, table.c.deleted_at.is_(None), project_visible(project_id, by_id=True)
    )
    return and_(_n.c.subject_type == literal_column(f"'{name}'"), exists(rows.offset(literal_column("0"))))


def _visible() -> Column:
    """The notification is in the viewer's inbox, or was, and its subject is visible to them."""
    return and_(_n.c.in_app, _subject_is_visible())


def _subject_is_visible() -> Column:
    """The notification is the viewer's, and its subject is visible to them."""
    invited = select(_ONE).where(invitations.c.id == _n.c.subject_id, invitations.c.expires_at > func.now())
    webhook = select(_ONE).where(
        webhooks.c.id == _n.c.subject_id, webhooks.c.deleted_at.is_(None), managed_by_viewer(webhooks.c.team_id)
    )
    job = select(_ONE).where(user_jobs.c.id == _n.c.subject_id, user_jobs.c.creator_id == VIEWER)
    comment = select(_ONE).where(comments.c.id == _n.c.comment_id, comments.c.deleted_at.is_(None))
    return and_(
        _n.c.user_id == VIEWER,
        or_(
            _subject_visible("Task", tasks, tasks.c.project_id),
            _subject_visible("Document", documents, documents.c.project_id),
            _subject_visible("Project", projects, projects.c.id),
            and_(_n.c.subject_type == literal_column("'Invitation'"), exists(invited.offset(literal_column("0")))),
            and_(_n.c.subject_type == literal_column("'Webhook'"), exists(webhook.offset(literal_column("0")))),
            and_(_n.c.subject_type == literal_column("'Job'"), exists(job.offset(literal_column("0")))),
        ),
        or_(_n.c.comment_id.is_(None), exists(comment.offset(literal_column("0")))),
    )


def _is_snoozed() -> Column:
    return func.coalesce(_n.c.snoozed_until > func.now(), literal_column("false"))


def _compare_snoozed(operator: str, parameter: str) -> Column:
    assert operator == "eq"
    return _is_snoozed() == bindparam(parameter, type_=Boolean)


def _locked(*conditions: Column) -> Statement:
    query = select(*columns(Notification, _n)).where(_visible(), *conditions)
    newest = query.order_by(_n.c.created_at.desc(), _n.c.id.desc()).limit(bindparam("size", type_=Integer))
    return Statement(newest.with_for_update(of=_n))


_LOCK_BY_IDS = _locked(_n.c.id == any_id())
_LOCK_GROUP = _locked(_n.c.group_key == bindparam("group_key", type_=Text))
_LOCK_INBOX = _locked(_n.c.archived_at.is_(None), ~_is_snoozed())
_BY_IDS = Statement(select(*columns(Notification, _n)).where(_n.c.id == any_id(), _visible()), row_class(Notification))
_BY_ID = Statement(select(*columns(Notification, _n)).where(_n.c.id == bindparam("notification", type_=Uuid)))
_SENDABLE = Statement(
    select(*columns(Notification, _n)).where(_n.c.id == any_id(), _subject_is_visible()).order_by(_n.c.created_at, _n.c.id)
)
_is_unread = and_(_n.c.in_app, _n.c.read_at.is_(None), _n.c.archived_at.is_(None), ~_is_snoozed())
_COUNT_UNREAD = Statement(
    select(func.count()).select_from(select(_ONE).where(_visible(), _is_unread).limit(MAX_UNREAD_COUNT).subquery("unread"))
)
_IN_PROJECTS: list[Column] = [literal_column(f"'{name}'") for name in ("Task", "Document", "Project")]


def _count_some_unread() -> Statement:
    """Of as many unread notifications as are counted, read from their index: how many there are, and how many are visible,
    where each project is looked at once."""
    some = select(_n.c.id, _n.c.subject_type, _n.c.subject_id, _n.c.comment_id).where(_n.c.user_id == VIEWER, _is_unread)
    unread = some.limit(MAX_UNREAD_COUNT).cte("unread")

    def place(name: str, table: Table) -> Any:
        is_one = (unread.c.subject_type == literal_column(f"'{name}'")) & (table.c.id == unread.c.subject_id)
        rows = select(table.c.project_id).where(is_one, table.c.deleted_at.is_(None))
        return rows.offset(literal_column("0")).lateral(f"{table.name}_place")

    task, document = place("Task", tasks), place("Document", documents)
    is_project = case((unread.c.subject_type == literal_column("'Project'"), unread.c.subject_id))
    comment = select(_ONE).where(comments.c.id == unread.c.comment_id, comments.c.deleted_at.is_(None))
    places = (
        select(func.coalesce(task.c.project_id, document.c.project_id, is_project).label("id"), func.count().label("unread"))
        .select_from(unread.outerjoin(task, true()).outerjoin(document, true()))
        .where(or_(unread.c.comment_id.is_(None), exists(comment.offset(literal_column("0")))))
        .group_by(literal_column("1"))
        .subquery("places")
    )
    in_projects = select(func.coalesce(func.sum(places.c.unread), literal_column("0"))).where(
        project_visible(places.c.id, by_id=True)
    )
    elsewhere = func.array(select(unread.c.id).where(unread.c.subject_type.not_in(_IN_PROJECTS)).scalar_subquery())
    others = select(func.count()).select_from(_n).where(_n.c.id == sql_any(elsewhere), _visible())
    visible = in_projects.scalar_subquery() + others.scalar_subquery()
    return Statement(select(select(func.count()).select_from(unread).scalar_subquery().label("read"), visible.label("visible")))


_COUNT_SOME_UNREAD = _count_some_unread()
_old = (
    select(_n.c.id)
    .where(_n.c.created_at < bindparam("before", type_=INSTANT))
    .order_by(_n.c.created_at)
    .limit(bindparam("size", type_=Integer))
)
_DELETE_OLDER = Statement(_n.delete().where(_n.c.id.in_(_old)))
_TEAM_NAMES = Statement(
    select(invitations.c.id, teams.c.name)
    .select_from(invitations.join(teams, teams.c.id == invitations.c.team_id))
    .where(invitations.c.id == any_id(), teams.c.deleted_at.is_(None))
)

NOTIFICATIONS = ListQuery(
    cls=Notification,
    source=_n,
    id=_n.c.id,
    sorts={"CREATED_AT": (SortColumn(_n.c.created_at, "created_at"),)},
    default=(Order("CREATED_AT", descending=True),),
    visible=_visible,
    fields={"reason": _n.c.reason, "read_at": _n.c.read_at, "archived_at": _n.c.archived_at, "snoozed": _compare_snoozed},
)


class SqlNotifications:
    """Notifications over one transaction."""

    def __init__(self, connection: Transaction) -> None:
        self._connection = connection

    async def recipients(self, proposals: Sequence[Proposal]) -> Sequence[Sequence[UUID]]:
        """For each proposal the people whom it means, who can sign in, are no bots, and may see the subject now."""
        rows = [
            {"nr": nr, "user_id": each.user_id, "subject_type": each.subject_type, "subject_id": each.subject_id}
            for nr, each in enumerate(proposals)
        ]
        found: dict[int, list[UUID]] = defaultdict(list)
        for row in await self._connection.fetch(_RECIPIENTS, proposals=rows):
            found[row[0]].append(row[1])
        return [found[nr] for nr in range(len(proposals))]

    async def get(self, notification_id: UUID) -> Notification | None:
        """A notification, whoever has it and whatever they may see."""
        row = await self._connection.fetch_row(_BY_ID, notification=notification_id)
        return None if row is None else to_entity(Notification, row)

    async def find(
        self, user_ids: Sequence[UUID], actor_id: UUID | None, reason: NotificationReason, at: datetime
    ) -> Sequence[Notification]:
        """The notifications of these people that an actor's change of one instant made, for a reason."""
        rows = await self._connection.fetch(_FIND, users=list(user_ids), actor=actor_id, reason=reason, at=at)
        return [to_entity(Notification, row) for row in rows]

    async def add(self, notifications: Sequence[Notification]) -> Sequence[Notification]:
        """Insert new ones; those of them that were not there before."""
        if not notifications:
            return []
        added = {row[0] for row in await self._connection.fetch(_ADD, notifications=[to_params(each) for each in notifications])}
        return [each for each in notifications if each.id in added]

    async def save_events(self, notification: Notification) -> None:
        """Update the events that it stands for."""
        await self._connection.execute(
            _SAVE_EVENTS,
            notification=notification.id,
            events=list(notification.event_ids),
            revision=notification.version,
        )

    async def lock(
        self, user_id: UUID, *, ids: Sequence[UUID] | None = None, group_key: str | None = None, limit: int
    ) -> Sequence[Notification]:
        """A person's visible notifications, the newest first, locked: those with an id, of a group, or all in the inbox."""
        if ids is not None:
            rows = await self._connection.fetch(_LOCK_BY_IDS, viewer=user_id, ids=list(ids), size=limit)
        elif group_key is not None:
            rows = await self._connection.fetch(_LOCK_GROUP, viewer=user_id, group_key=group_key, size=limit)
        else:
            rows = await self._connection.fetch(_LOCK_INBOX, viewer=user_id, size=limit)
        return [to_entity(Notification, row) for row in rows]

    async def save_marks(self, notifications: Sequence[Notification]) -> None:
        """Update when they were read and archived, and until when they are snoozed."""
        marks = [
            {name: getattr(each, name) for name in ("id", "read_at", "archived_at", "snoozed_until", "version")}
            for each in notifications
        ]
        await self._connection.execute(_SAVE_MARKS, marks=marks)

    async def delete_all(self, user_id: UUID) -> None:
        """Delete all notifications of a person."""
        await self._connection.execute(_DELETE_ALL, user=user_id)


async def by_ids(database: Database, viewer: UUID, notification_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the notifications that are the viewer's, and whose subjects they may see."""
    return {row.id: row for row in await database.fetch(_BY_IDS, ids=list(notification_ids), viewer=viewer)}


async def sendable(database: Database, user_id: UUID, notification_ids: Sequence[UUID]) -> list[Notification]:
    """Those of a person's notifications whose subjects they may see now, the oldest first."""
    rows = await database.fetch(_SENDABLE, ids=list(notification_ids), viewer=user_id)
    return [to_entity(Notification, row) for row in rows]


async def count_unread(database: Database, viewer: UUID) -> int:
    """How many unread notifications are in the viewer's inbox; counted up to 1,000."""
    some = await database.fetch_row(_COUNT_SOME_UNREAD, viewer=viewer)
    visible = int(some["visible"])
    if some["read"] < MAX_UNREAD_COUNT or visible == MAX_UNREAD_COUNT:
        return visible
    found: int = await database.fetch_value(_COUNT_UNREAD, viewer=viewer)
    return found


async def delete_older(connection: Connection, before: datetime, *, limit: int) -> int:
    """Delete the oldest notifications from before an instant; how many."""
    return await connection.execute(_DELETE_OLDER, before=before, size=limit)


async def invited_team_names(database: Database, invitation_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The names of the teams to which invitations invite, by invitation; for the invited."""
    return {row[0]: row[1] for row in await database.fetch(_TEAM_NAMES, ids=list(invitation_ids))}
