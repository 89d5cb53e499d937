"""Tasks: the store and the loaders. The lists are in `persistence.stores.task_queries`."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, exists, func, literal_column, select, union_all

from domain.collation import fold
from domain.permissions import Role
from domain.rank_compaction import Stretch
from domain.task import Task
from persistence.access import any_id, project_open_to, project_visible
from persistence.engine.advisory_lock import lock_id
from persistence.engine.database import Database
from persistence.engine.lookup import ByIdQuery, Joins
from persistence.engine.rows import columns, row_class, to_entity
from persistence.engine.statement import Statement
from persistence.row_inserts import RowInsert
from persistence.row_updates import RowUpdate, row_version
from persistence.stores import blocked_tasks
from persistence.stores.former_ranks import RankStatements
from persistence.stores.recurring_task import is_recurring
from persistence.stores.task_places import places_of
from persistence.tables import documents, projects, task_aliases, task_links, tasks, team_members, teams
from persistence.transaction import Transaction

_t, _p, _m = tasks, projects, team_members
_ROW = row_class(Task)
_ID, _PROJECT, _USER = bindparam("id", type_=Uuid), bindparam("project", type_=Uuid), bindparam("user", type_=Uuid)
_RANK = bindparam("rank", type_=Text)
_INSERT = RowInsert(Task, _t, _p, counted=True)
_IS_A_DOCUMENT = Statement(select(exists(select(literal_column("1")).where(documents.c.id == _ID))))
_UPDATE = RowUpdate(Task, _t, exclude=("creator_id",), counted=True)
_PLACE = RowUpdate(Task, _t, exclude=("creator_id",), counted=True, parent=("project_id", _p))
_accessible = (
    select(
        *columns(Task, _t),
        _m.c.role,
        (_p.c.status == literal_column("'ARCHIVED'")).label("archived"),
        row_version(_t),
        row_version(_p, "parent_seen"),
    )
    .select_from(_t.join(_p, _p.c.id == _t.c.project_id).join(_m, _m.c.team_id == _p.c.team_id))
    .where(_t.c.id == _ID, _m.c.user_id == _USER, _p.c.deleted_at.is_(None), project_open_to(_p, _m, _USER))
)
_READ_UNLOCKED, _LOCK = Statement(_accessible), Statement(_accessible.with_for_update(of=_t))
_LOCK_RECURRING = Statement(
    select(*columns(Task, _t))
    .select_from(_t.join(_p, _p.c.id == _t.c.project_id).join(teams, teams.c.id == _t.c.team_id))
    .where(_t.c.id == _ID, *is_recurring(_t, _p, teams))
    .with_for_update(of=_t)
)
_IN_TEAM = Statement(select(literal_column("1")).where(_t.c.id == _ID, _t.c.team_id == bindparam("team", type_=Uuid)))
_LOCK_MANY = Statement(select(_t.c.id).where(_t.c.id == any_id()).order_by(_t.c.id).with_for_update())
_NEXT_NUMBER = Statement(
    teams.update()
    .where(teams.c.id == _ID)
    .values(last_task_number=teams.c.last_task_number + 1)
    .returning(teams.c.last_task_number)
)
_LOCK_LIST = Statement(select(_p.c.id).where(_p.c.id == _ID).with_for_update(key_share=True))
# Another version of the same: so that whoever has read ranks without a lock does not store one between those.
_RENEW_PROJECTS = Statement(_p.update().where(_p.c.id == any_id()).values(updated_at=_p.c.updated_at))
_ADD_ALIAS = Statement(task_aliases.insert().values(key=bindparam("key"), task_id=bindparam("task_id")))
_REMOVE_ALIAS = Statement(task_aliases.delete().where(task_aliases.c.key == bindparam("key"), task_aliases.c.task_id == _ID))
_LOCK_OF_TEAM = Statement(
    select(*columns(Task, _t))
    .where(_t.c.id == any_id(), _t.c.team_id == bindparam("team", type_=Uuid))
    .order_by(_t.c.id)
    .with_for_update()
)
_LAST_RANK = Statement(select(func.max(_t.c.rank)).where(_t.c.project_id == _PROJECT))
_RANK_OF = Statement(select(_t.c.rank).where(_t.c.project_id == _PROJECT, _t.c.id == _ID))
_OPEN_IN = Statement(select(literal_column("1")).where(_t.c.project_id == _PROJECT, _t.c.id == _ID, _t.c.deleted_at.is_(None)))
RANKS = RankStatements(Task, _t)
_RANK_AFTER = Statement(select(func.min(_t.c.rank)).where(_t.c.project_id == _PROJECT, _t.c.rank > _RANK))
_RANK_BEFORE = Statement(select(func.max(_t.c.rank)).where(_t.c.project_id == _PROJECT, _t.c.rank < _RANK))

_ancestors = (
    select(_t.c.parent_id.label("id"), literal_column("1").label("level")).where(_t.c.id == _ID).cte("above", recursive=True)
)
_parent_task = _t.alias("upper_task")
_ancestors = _ancestors.union_all(
    select(_parent_task.c.parent_id, _ancestors.c.level + literal_column("1"))
    .join(_ancestors, _ancestors.c.id == _parent_task.c.id)
    .where(_ancestors.c.level < literal_column("100"))
)
_ANCESTORS = Statement(select(_ancestors.c.id).where(_ancestors.c.id.is_not(None)).order_by(_ancestors.c.level))

_descendants = select(_t.c.id, literal_column("1").label("level")).where(_t.c.parent_id == _ID).cte("below", recursive=True)
_child_task = _t.alias("lower_task")
_descendants = _descendants.union_all(
    select(_child_task.c.id, _descendants.c.level + literal_column("1"))
    .join(_descendants, _descendants.c.id == _child_task.c.parent_id)
    .where(_descendants.c.level < literal_column("100"))
)
_DESCENDANTS = Statement(
    select(*columns(Task, _t))
    .join(_descendants, _descendants.c.id == _t.c.id)
    .order_by(_descendants.c.level, _t.c.rank)
    .with_for_update(of=_t)
)

_WAITING_FOR = Statement(
    select(*columns(Task, _t))
    .join(task_links, task_links.c.target_id == _t.c.id)
    .where(task_links.c.task_id == _ID, task_links.c.kind == literal_column("'BLOCKS'"))
    .order_by(_t.c.id)
)
_PEEK = Statement(select(*columns(Task, _t)).where(_t.c.deleted_at.is_(None), _t.c.id == any_id()).order_by(_t.c.id))

_BY_IDS = ByIdQuery(Task, _t, lambda task: project_visible(task.c.project_id, by_id=True))
_KEY = bindparam("key", type_=Text)
_ids_by_key = union_all(
    select(_t.c.id).where(_t.c.key == _KEY), select(task_aliases.c.task_id).where(task_aliases.c.key == _KEY)
).subquery()
_BY_KEY = Statement(
    select(*columns(Task, _t)).join(_ids_by_key, _ids_by_key.c.id == _t.c.id).where(project_visible(_t.c.project_id, by_id=True)),
    _ROW,
)
_BLOCKED = Statement(select(_t.c.id).where(_t.c.id == any_id(), _t.c.is_blocked))


_today = func.timezone(literal_column("'UTC'"), func.now()).cast(_t.c.due_on.type)
_still_open = _t.c.status.not_in([literal_column("'DONE'"), literal_column("'CANCELED'")])
_SUBTASK_PROGRESS = Statement(
    select(_t.c.parent_id, _t.c.status, func.count(), func.count().filter(_t.c.due_on < _today, _still_open))
    .where(_t.c.parent_id == any_id(), _t.c.deleted_at.is_(None), project_visible(_t.c.project_id))
    .group_by(_t.c.parent_id, _t.c.status)
    .order_by(_t.c.parent_id, _t.c.status)
)


class SqlTasks:
    """Tasks over one transaction."""

    def __init__(self, connection: Transaction) -> None:
        self._connection = connection
        self._places = places_of(connection.database)

    async def claim(self, task_id: UUID) -> bool:
        """Lock an id that a client brings for a new task; False when it is a document's."""
        await lock_id(self._connection, task_id)
        return not await self._connection.fetch_value(_IS_A_DOCUMENT, id=task_id)

    async def add(self, task: Task) -> bool:
        """Insert a new task; False when the id is taken."""
        self._reserve_rank(task)
        return await self._connection.insert(_INSERT, task, task.project_id) is not None

    async def save(self, task: Task) -> None:
        """Update a changed task."""
        await self._connection.save(_UPDATE, task)

    async def save_placed(self, task: Task) -> None:
        """Update a task whose rank has changed."""
        self._reserve_rank(task)
        await self._connection.save(_PLACE, task)

    async def lock(self, task_id: UUID, user_id: UUID) -> tuple[Task, Role, bool] | None:
        """A task that the user may see, with their role and whether its project is archived."""
        row = await self._connection.fetch_row(_LOCK, id=task_id, user=user_id)
        return await self._to_result(row, task_id, user_id)

    async def read_unlocked(self, task_id: UUID, user_id: UUID, *, to_change: bool = True) -> tuple[Task, Role, bool] | None:
        """The same without a lock: `save` raises StaleRow if it was changed in between."""
        row = await self._connection.read_unlocked(
            _READ_UNLOCKED, _LOCK, parent="project_id", takes_turn=to_change, id=task_id, user=user_id
        )
        return await self._to_result(row, task_id, user_id)

    async def lock_recurring(self, task_id: UUID) -> Task | None:
        """A task from which a series goes on, locked; None where it, its project or its team is gone, or the project archived."""
        row = await self._connection.fetch_row(_LOCK_RECURRING, id=task_id)
        return row and to_entity(Task, row)

    async def is_in_team(self, team_id: UUID, task_id: UUID) -> bool:
        """Whether there is a task with this id in the team, deleted or not."""
        return await self._connection.fetch_value(_IN_TEAM, id=task_id, team=team_id) is not None

    async def lock_many(self, task_ids: Sequence[UUID]) -> None:
        """Lock tasks in the order of their ids."""
        await self._connection.fetch(_LOCK_MANY, ids=list(task_ids))

    async def next_number(self, team_id: UUID) -> int:
        """The next number of a team's task keys."""
        unused = self._places.take_unused_number(team_id)
        if unused is None and not self._connection.is_deferrable:
            number: int = await self._connection.fetch_value(_NEXT_NUMBER, id=team_id)
            return number
        reserved = await self._places.reserve_number(team_id) if unused is None else unused
        self._connection.on_withdrawal(partial(self._places.release_number, team_id, reserved))
        return reserved

    async def remember_key(self, task: Task) -> None:
        """Store the key that the task is about to lose, so that it is still found by it."""
        await self._connection.execute(_ADD_ALIAS, key=task.key, task_id=task.id)

    async def reclaim_key(self, task: Task) -> None:
        """Forget a key of the past that is the task's own again."""
        await self._connection.execute(_REMOVE_ALIAS, key=task.key, id=task.id)

    async def was_compacted(self, task_id: UUID, former_rank: str, rank: str) -> bool:
        """Whether the rank is what compaction made of a former rank of the task."""
        return await RANKS.replaced(self._connection, task_id, former_rank) == rank

    async def lock_of_team(self, team_id: UUID, task_ids: Sequence[UUID]) -> Sequence[Task]:
        """Those of the tasks that belong to the team, locked in the order of their ids."""
        return [to_entity(Task, row) for row in await self._connection.fetch(_LOCK_OF_TEAM, ids=list(task_ids), team=team_id)]

    async def lock_list(self, project_id: UUID) -> None:
        """Lock a project, unless no transaction is needed."""
        if not self._connection.is_deferrable:
            await self._connection.fetch(_LOCK_LIST, id=project_id)

    async def last_rank(self, project_id: UUID) -> str | None:
        """The highest rank in a project."""
        return max(await self._ranks(project_id, _LAST_RANK, project=project_id), default=None)

    async def rank_of(self, project_id: UUID, task_id: UUID) -> str | None:
        """The rank of a task, None unless it is in the project."""
        rows = await self._connection.peek(_RANK_OF, project=project_id, id=task_id)
        return rows[0][0] if rows else None

    async def is_open_in(self, project_id: UUID, task_id: UUID) -> bool:
        """Whether the task is in the project and is not deleted."""
        return await self._connection.fetch_value(_OPEN_IN, project=project_id, id=task_id) is not None

    async def rank_after(self, project_id: UUID, rank: str) -> str | None:
        """The lowest rank above."""
        found = await self._ranks(project_id, _RANK_AFTER, project=project_id, rank=rank)
        return min((each for each in found if each > rank), default=None)

    async def rank_before(self, project_id: UUID, rank: str) -> str | None:
        """The highest rank below."""
        found = await self._ranks(project_id, _RANK_BEFORE, project=project_id, rank=rank)
        return max((each for each in found if each < rank), default=None)

    async def long_stretch(self, project_id: UUID) -> Stretch | None:
        """The first stretch of the project's list with a rank that is too long."""
        return await RANKS.long_stretch(self._connection, project_id)

    async def lock_in(self, project_id: UUID, task_ids: Sequence[UUID]) -> Sequence[Task]:
        """Those of the tasks that lie in the project, locked."""
        return [to_entity(Task, row) for row in await RANKS.lock_in(self._connection, project_id, task_ids)]

    async def save_ranks(self, tasks: Sequence[Task]) -> None:
        """Store other ranks of the same places, at once."""
        await RANKS.save(self._connection, tasks)
        await self._connection.execute(_RENEW_PROJECTS, ids=sorted({each.project_id for each in tasks}))

    async def ancestors(self, task_id: UUID) -> Sequence[UUID]:
        """A task's parents from the nearest up."""
        return [row[0] for row in await self._connection.fetch(_ANCESTORS, id=task_id)]

    async def waiting_for(self, task_id: UUID) -> Sequence[Task]:
        """The tasks that this one is linked to as what blocks them, not held."""
        return [to_entity(Task, row) for row in await self._connection.peek(_WAITING_FOR, id=task_id)]

    async def refresh_blocked(self, task_ids: Sequence[UUID]) -> None:
        """Store anew whether tasks are blocked."""
        await blocked_tasks.refresh(self._connection, task_ids)

    async def peek(self, task_ids: Sequence[UUID]) -> Sequence[Task]:
        """Those of the tasks that are not deleted, not held."""
        return [to_entity(Task, row) for row in await self._connection.peek(_PEEK, ids=list(task_ids))]

    async def lock_descendants(self, task_id: UUID) -> Sequence[Task]:
        """All below a task, parents before their children."""
        return [to_entity(Task, row) for row in await self._connection.fetch(_DESCENDANTS, id=task_id)]

    async def _to_result(self, row: Any, task_id: UUID, user_id: UUID) -> tuple[Task, Role, bool] | None:
        if row is None:  # or it was moved to another project while this statement waited: the second one reads it there
            row = await self._connection.fetch_row(_LOCK, id=task_id, user=user_id)
        return row and (to_entity(Task, row), Role(row["role"]), row["archived"])

    async def _ranks(self, project_id: UUID, statement: Statement, **params: Any) -> set[str]:
        """The stored rank that a statement finds, and those that are reserved: also one that was stored only after it was looked
        for."""
        before = self._places.ranks_in(project_id)
        rows = await self._connection.peek(statement, **params)
        return {*before, *self._places.ranks_in(project_id), *(row[0] for row in rows if row[0] is not None)}

    def _reserve_rank(self, task: Task) -> None:
        self._places.reserve_rank(task.project_id, task.rank)
        self._connection.at_end(partial(self._places.release_rank, task.project_id, task.rank))


async def by_ids(
    database: Database, viewer: UUID, task_ids: Sequence[UUID], attributes: frozenset[str] | None = None, joins: Joins = ()
) -> dict[UUID, Any]:
    """Those of the tasks that the viewer may see; deleted ones too."""
    return await _BY_IDS.fetch(database, task_ids, attributes, joins, viewer=viewer)


async def by_key(database: Database, viewer: UUID, key: str) -> Any:
    """The task with a key, or which once had it; None when the viewer may not see it."""
    return await database.fetch_row(_BY_KEY, key=fold(key).upper(), viewer=viewer)


async def blocked(database: Database, task_ids: Sequence[UUID]) -> set[UUID]:
    """Which of the tasks wait for one that is still open."""
    return {row[0] for row in await database.fetch(_BLOCKED, ids=list(task_ids))}


StatusCounts = dict[UUID, list[tuple[str, int, int]]]


async def subtask_progress(database: Database, viewer: UUID, task_ids: Sequence[UUID]) -> StatusCounts:
    """Per parent and status: how many sub-tasks, and how many of them are overdue."""
    return _group_counts(await database.fetch(_SUBTASK_PROGRESS, ids=list(task_ids), viewer=viewer))


def _group_counts(rows: Sequence[Any]) -> StatusCounts:
    counts: StatusCounts = defaultdict(list)
    for key, status, count, overdue, *_ in rows:
        counts[key].append((status, count, overdue))
    return counts
