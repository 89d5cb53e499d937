"""Projects and their members: the store, the loaders and the lists."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, bindparam, exists, func, literal_column, or_, select, union_all
from sqlalchemy.dialects.postgresql import insert

from domain.page import Order
from domain.permissions import Role
from domain.project import Project, ProjectAccess
from persistence.access import VIEWER, any_id, project_open_to, project_visible
from persistence.engine.cursor import SortColumn, sort_last
from persistence.engine.database import Database
from persistence.engine.filter import Column, TextField
from persistence.engine.index_ranges import Ranges
from persistence.engine.lookup import ByIdQuery, Joins
from persistence.engine.pages import ListQuery
from persistence.engine.rows import columns, insert_row, to_entity, to_params, update_row
from persistence.engine.statement import Statement
from persistence.row_updates import row_version
from persistence.tables import project_members, projects, team_members
from persistence.tables.columns import NO_DAY
from persistence.transaction import Transaction

_p, _pm, _m = projects, project_members, team_members
_ID = bindparam("id", type_=Uuid)
_USER, _PROJECT = bindparam("user", type_=Uuid), bindparam("project", type_=Uuid)
_ADD = Statement(insert_row(Project, _p).returning(_p.c.id))
_SAVE = Statement(update_row(Project, _p, exclude=("team_id", "creator_id")))
_accessible = select(*columns(Project, _p), _m.c.role, row_version(_p)).select_from(_p.join(_m, _m.c.team_id == _p.c.team_id))
_accessible = _accessible.where(_p.c.id == _ID, _m.c.user_id == _USER, project_open_to(_p, _m, _USER))
_READ_UNLOCKED = Statement(_accessible.where(_p.c.deleted_at.is_(None)))
_LOCK = Statement(_accessible.where(_p.c.deleted_at.is_(None)).with_for_update(of=_p, key_share=True))
_LOCK_DELETED = Statement(_accessible.with_for_update(of=_p, key_share=True))
_LOCK_FOR_SERVER = Statement(select(_p.c.id).where(_p.c.id == _ID).with_for_update(key_share=True))
_READERS = Statement(
    select(_m.c.user_id)
    .select_from(_p.join(_m, _m.c.team_id == _p.c.team_id))
    .where(
        _p.c.id == _PROJECT,
        _p.c.deleted_at.is_(None),
        project_open_to(_p, _m, _m.c.user_id),
        or_(bindparam("users", type_=ARRAY(Uuid)).is_(None), _m.c.user_id == any_id("users")),
    )
)
_MEMBERS = Statement(select(_pm.c.user_id).where(_pm.c.project_id == _PROJECT))
_ADD_MEMBERS = Statement(
    insert(_pm)
    .from_select(["project_id", "user_id"], select(_PROJECT, func.unnest(bindparam("users", type_=ARRAY(Uuid)))))
    .on_conflict_do_nothing()
)
_REMOVE_MEMBERS = Statement(_pm.delete().where(_pm.c.project_id == _PROJECT, _pm.c.user_id == any_id("users")))
_others = project_members.alias("others")
_ADOPT_ORPHANS = Statement(
    insert(_pm)
    .from_select(
        ["project_id", "user_id"],
        select(_p.c.id, bindparam("heir", type_=Uuid))
        .select_from(_p.join(_pm, _pm.c.project_id == _p.c.id))
        .where(
            _p.c.team_id == bindparam("team", type_=Uuid),
            _p.c.visibility == literal_column("'PRIVATE'"),
            _pm.c.user_id == bindparam("leaving", type_=Uuid),
            ~exists(select(literal_column("1")).where(_others.c.project_id == _p.c.id, _others.c.user_id != _pm.c.user_id)),
        ),
    )
    .on_conflict_do_nothing()
)
BY_IDS = ByIdQuery(Project, _p, lambda project: project_visible(project.c.id, by_id=True))
"""The projects that the viewer may see."""
_ACCESS_BY_IDS = Statement(
    select(_p.c.id, _m.c.role, _p.c.lead_id, _p.c.creator_id, _p.c.status)
    .select_from(_p.join(_m, _m.c.team_id == _p.c.team_id))
    .where(_p.c.id == any_id(), _m.c.user_id == VIEWER, project_open_to(_p, _m, VIEWER))
)


class SqlProjects:
    """Projects over one transaction."""

    def __init__(self, connection: Transaction) -> None:
        self._connection = connection

    async def add(self, project: Project) -> bool:
        """Insert a new project; False when the id is taken."""
        return await self._connection.fetch_value(_ADD, **to_params(project)) is not None

    async def save(self, project: Project) -> None:
        """Update a changed project."""
        await self._connection.execute(_SAVE, **to_params(project))

    async def lock(self, project_id: UUID, user_id: UUID, *, deleted: bool = False) -> tuple[Project, ProjectAccess] | None:
        """A project that the user may see, locked until the end of the transaction."""
        row = await self._connection.fetch_row(_LOCK_DELETED if deleted else _LOCK, id=project_id, user=user_id)
        return row and _to_result(row, user_id)

    async def read_unlocked(self, project_id: UUID, user_id: UUID) -> tuple[Project, ProjectAccess] | None:
        """The same without a lock: what is inserted into it raises StaleRow if it was changed in between."""
        row = await self._connection.read_unlocked(_READ_UNLOCKED, _LOCK, takes_turn=False, id=project_id, user=user_id)
        return row and _to_result(row, user_id)

    async def lock_for_server(self, project_id: UUID) -> bool:
        """Hold a project, whoever may see it; False when it is gone."""
        return await self._connection.fetch_value(_LOCK_FOR_SERVER, id=project_id) is not None

    async def readers(self, project_id: UUID, user_ids: Sequence[UUID] | None = None) -> frozenset[UUID]:
        """The users who may see the project; of `user_ids` only, if given."""
        chosen = None if user_ids is None else list(user_ids)
        return frozenset(row[0] for row in await self._connection.peek(_READERS, project=project_id, users=chosen))

    async def members(self, project_id: UUID) -> frozenset[UUID]:
        """The users who were added to the project."""
        return frozenset(row[0] for row in await self._connection.fetch(_MEMBERS, project=project_id))

    async def add_members(self, project_id: UUID, user_ids: Sequence[UUID]) -> None:
        """Add people; those who are members already stay so."""
        await self._connection.execute(_ADD_MEMBERS, project=project_id, users=list(user_ids))

    async def remove_members(self, project_id: UUID, user_ids: Sequence[UUID]) -> None:
        """Remove members."""
        await self._connection.execute(_REMOVE_MEMBERS, project=project_id, users=list(user_ids))

    async def adopt_orphans(self, team_id: UUID, *, leaving: UUID, heir: UUID) -> None:
        """Make the heir a member of the team's private projects whose only member is leaving."""
        await self._connection.execute(_ADOPT_ORPHANS, team=team_id, leaving=leaving, heir=heir)


def _to_result(row: Any, user_id: UUID) -> tuple[Project, ProjectAccess]:
    project = to_entity(Project, row)
    leads = user_id in (project.lead_id, project.creator_id)
    return project, ProjectAccess(Role(row["role"]), leads=leads, archived=project.status == "ARCHIVED")


async def by_ids(
    database: Database, viewer: UUID, project_ids: Sequence[UUID], attributes: frozenset[str] | None = None, joins: Joins = ()
) -> dict[UUID, Any]:
    """Those of the projects that the viewer may see."""
    return await BY_IDS.fetch(database, project_ids, attributes, joins, viewer=viewer)


async def access_by_ids(database: Database, viewer: UUID, project_ids: Sequence[UUID]) -> dict[UUID, ProjectAccess]:
    """The viewer's standing in projects; invisible projects are missing."""
    rows = await database.fetch(_ACCESS_BY_IDS, ids=list(project_ids), viewer=viewer)
    return {
        row["id"]: ProjectAccess(
            Role(row["role"]),
            leads=viewer in (row["lead_user_id"], row["creator_user_id"]),
            archived=row["status"] == "ARCHIVED",
        )
        for row in rows
    }


def _sorts(source: Any) -> dict[str, tuple[SortColumn, ...]]:
    return {
        "NAME": (SortColumn(source.c.name_collation, "sort_name", selected=True),),
        "STATUS": (SortColumn(source.c.status, "status"),),
        "START_ON": (sort_last(source.c.start_on, NO_DAY, "start_on"),),
        "END_ON": (sort_last(source.c.end_on, NO_DAY, "end_on"),),
        "CREATED_AT": (SortColumn(source.c.created_at, "created_at"),),
        "UPDATED_AT": (SortColumn(source.c.updated_at, "updated_at"),),
    }


_SORTS = _sorts(_p)


def _list_query(**options: Any) -> ListQuery:
    return ListQuery(
        cls=Project,
        source=_p,
        id=_p.c.id,
        sorts=_SORTS,
        default=(Order("NAME"),),
        fields={
            "name": TextField(_p.c.name, _p.c.name_collation),
            "status": _p.c.status,
            "lead": _p.c.lead_id,
            "updated_at": _p.c.updated_at,
        },
        **options,
    )


# All projects by the team in whose order they are found, and by themselves, for guests. Named as the table is, so that conditions
# on it are conditions on these.
_placed = union_all(select(_p.c.team_id.label("place"), *_p.c), select(_p.c.id.label("place"), *_p.c)).subquery(_p.name)
_held_columns = {own.column: held.column for (own,), (held,) in zip(_SORTS.values(), _sorts(_placed).values(), strict=True)}


def _is_open() -> Column:
    """The project is there, and open to the whole team or to the viewer, who was added to it."""
    added: Select[Any] = select(literal_column("1")).where(_pm.c.project_id == _placed.c.id, _pm.c.user_id == VIEWER)
    open_to_viewer = or_(
        _placed.c.place == _placed.c.id,
        _placed.c.visibility == literal_column("'TEAM'"),
        exists(added.offset(literal_column("0"))),
    )
    return _placed.c.deleted_at.is_(None) & open_to_viewer


def _own_places(of_team: Column | None = None) -> Select[Any]:
    """The viewer's teams, or one of them; and where they are a guest, the projects to which they were added."""
    member, project = team_members.alias("viewer_member"), _p.alias("seen_project")
    guest: Column = literal_column("'GUEST'")
    own = [member.c.user_id == VIEWER, *([] if of_team is None else [member.c.team_id == of_team])]
    teams = select(member.c.team_id.label("id")).where(*own, member.c.role != guest)
    as_guest: Select[Any] = (
        select(literal_column("1"))
        .select_from(project.join(member, member.c.team_id == project.c.team_id))
        .where(project.c.id == _pm.c.project_id, *own, member.c.role == guest)
    )
    added = select(_pm.c.project_id).where(_pm.c.user_id == VIEWER, exists(as_guest.offset(literal_column("0"))))
    return select(teams.union_all(added).subquery("own_place").c.id)


_ranges = Ranges(_placed.c.place, lambda _: _own_places(), columns={_p.c.id: _placed.c.id, **_held_columns}, condition=_is_open)
PROJECTS = _list_query(ranges=_ranges)
TEAM_PROJECTS = _list_query(ranges=replace(_ranges, ids=_own_places), parent_clause=lambda parent: _p.c.team_id == parent)
