"""Templates: the store, the loader and the list."""

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Text, Uuid, and_, bindparam, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import insert

from domain import codec
from domain.label import Label
from domain.page import Order
from domain.permissions import Role
from domain.task import Task
from domain.task_link import TaskLink
from domain.template import Template, TemplateContent
from persistence.access import any_id, works_in_team
from persistence.engine.cursor import SortColumn
from persistence.engine.database import Database
from persistence.engine.pages import ListQuery
from persistence.engine.rows import columns, insert_row, row_class, to_entity, to_params
from persistence.engine.statement import Statement
from persistence.stores import blocked_tasks
from persistence.tables import labels, task_links, tasks, team_members, teams, templates, watchers
from persistence.transaction import Transaction

_BATCH_ROWS: Final = 500
_x, _t, _l, _m = templates, tasks, labels, team_members
_ID, _TEAM = bindparam("id", type_=Uuid), bindparam("team", type_=Uuid)
_SIZE = bindparam("size", type_=Integer)
_ADD = Statement(insert_row(Template, _x, "content"))
_LOCK = Statement(
    select(*columns(Template, _x), _m.c.role)
    .select_from(_x.join(_m, _m.c.team_id == _x.c.team_id).join(teams, teams.c.id == _x.c.team_id))
    .where(_x.c.id == _ID, _m.c.user_id == bindparam("user", type_=Uuid), teams.c.deleted_at.is_(None))
    .with_for_update(of=_x)
)
_CONTENT = Statement(select(_x.c.content).where(_x.c.id == _ID))
_REMOVE = Statement(_x.delete().where(_x.c.id == _ID))
_COUNT = Statement(select(func.count()).select_from(_x).where(_x.c.team_id == _TEAM))
_PROJECT_TASKS = Statement(
    select(*columns(Task, _t))
    .where(_t.c.project_id == bindparam("project", type_=Uuid), _t.c.deleted_at.is_(None))
    .order_by(_t.c.rank)
    .limit(_SIZE)
)
_tree = select(_t.c.id, literal_column("0").label("level")).where(_t.c.id == _ID).cte("tree", recursive=True)
_child = _t.alias("child")
_tree = _tree.union_all(
    select(_child.c.id, _tree.c.level + literal_column("1"))
    .join(_tree, _tree.c.id == _child.c.parent_id)
    .where(_child.c.deleted_at.is_(None), _tree.c.level < literal_column("100"))
)
_TASK_TREE = Statement(
    select(*columns(Task, _t))
    .join(_tree, _tree.c.id == _t.c.id)
    .order_by(_tree.c.level > literal_column("0"), _t.c.rank)
    .limit(_SIZE)
)
_target = tasks.alias("target")
_LINKS = Statement(
    select(*columns(TaskLink, task_links))
    .select_from(task_links.join(_t, _t.c.id == task_links.c.task_id).join(_target, _target.c.id == task_links.c.target_id))
    .where(
        task_links.c.task_id == any_id(),
        task_links.c.target_id == any_id(),
        or_(
            task_links.c.kind.in_([literal_column("'BLOCKS'"), literal_column("'DUPLICATES'")]),
            and_(task_links.c.kind == literal_column("'RELATES_TO'"), _t.c.number < _target.c.number),
        ),
    )
    .order_by(_t.c.number, _target.c.number, task_links.c.kind)
    .limit(_SIZE)
)
_LABELS = Statement(select(*columns(Label, _l)).where(_l.c.id == any_id(), _l.c.team_id == _TEAM).order_by(_l.c.id))
_LABELS_BY_NAME = Statement(
    select(*columns(Label, _l))
    .where(_l.c.team_id == _TEAM, _l.c.name_collation == func.any(bindparam("keys", type_=ARRAY(Text))))
    .order_by(_l.c.id)
    .with_for_update(read=True, key_share=True)
)
_RESERVE = Statement(
    teams.update()
    .where(teams.c.id == _TEAM)
    .values(last_task_number=teams.c.last_task_number + bindparam("count", type_=Integer))
    .returning(teams.c.last_task_number, teams.c.key)
)
_ADD_TASK, _ADD_LINK = Statement(insert_row(Task, tasks)), Statement(insert_row(TaskLink, task_links))
_WATCH = Statement(
    insert(watchers)
    .from_select(
        ["subject_id", "subject_type", "user_id"],
        select(
            func.unnest(bindparam("subjects", type_=ARRAY(Uuid))),
            literal_column("'Task'", Text),
            func.unnest(bindparam("users", type_=ARRAY(Uuid))),
        ),
    )
    .on_conflict_do_nothing()
)
_BY_IDS = Statement(
    select(*columns(Template, _x)).where(_x.c.id == any_id(), works_in_team(_x.c.team_id, by_id=True)), row_class(Template)
)


class SqlTemplates:
    """Templates over one transaction."""

    def __init__(self, connection: Transaction) -> None:
        self._connection = connection

    async def add(self, template: Template, content: TemplateContent) -> None:
        """Insert a template with its content."""
        await self._connection.execute(_ADD, **to_params(template), content=codec.encode(content))

    async def lock(self, template_id: UUID, user_id: UUID) -> tuple[Template, Role] | None:
        """A template of a team of the user, locked, with their role."""
        row = await self._connection.fetch_row(_LOCK, id=template_id, user=user_id)
        return row and (to_entity(Template, row), Role(row["role"]))

    async def content(self, template_id: UUID) -> TemplateContent:
        """What is in a template."""
        return codec.decode(TemplateContent, await self._connection.fetch_value(_CONTENT, id=template_id))

    async def remove(self, template_id: UUID) -> None:
        """Delete a template."""
        await self._connection.execute(_REMOVE, id=template_id)

    async def count(self, team_id: UUID) -> int:
        """How many templates a team has."""
        found: int = await self._connection.fetch_value(_COUNT, team=team_id)
        return found

    async def project_tasks(self, project_id: UUID, limit: int) -> Sequence[Task]:
        """The tasks of a project that are not deleted, by rank."""
        return [to_entity(Task, row) for row in await self._connection.fetch(_PROJECT_TASKS, project=project_id, size=limit)]

    async def task_tree(self, task_id: UUID, limit: int) -> Sequence[Task]:
        """A task, and by rank what is below it and not deleted."""
        return [to_entity(Task, row) for row in await self._connection.fetch(_TASK_TREE, id=task_id, size=limit)]

    async def links(self, task_ids: Collection[UUID], limit: int) -> Sequence[TaskLink]:
        """The links between these tasks, each once."""
        rows = await self._connection.fetch(_LINKS, ids=list(task_ids), size=limit)
        return [to_entity(TaskLink, row) for row in rows]

    async def labels(self, team_id: UUID, label_ids: Collection[UUID]) -> Sequence[Label]:
        """Those of the ids that are labels of the team."""
        rows = await self._connection.fetch(_LABELS, team=team_id, ids=list(label_ids))
        return [to_entity(Label, row) for row in rows]

    async def labels_by_name(self, team_id: UUID, collation_keys: Collection[str]) -> Sequence[Label]:
        """The team's labels with these collation keys, which cannot be deleted until the end of the transaction."""
        rows = await self._connection.fetch(_LABELS_BY_NAME, team=team_id, keys=list(collation_keys))
        return [to_entity(Label, row) for row in rows]

    async def reserve_numbers(self, team_id: UUID, count: int) -> tuple[int, str]:
        """The first of `count` numbers of task keys, and the team's key.

        In the transaction: others who create tasks in the team wait until it ends.
        """
        row = await self._connection.fetch_row(_RESERVE, team=team_id, count=count)
        return row[0] - count + 1, row[1]

    async def add_tasks(self, tasks: Sequence[Task]) -> None:
        """Insert tasks, with their assignees and creators as watchers."""
        for start in range(0, len(tasks), _BATCH_ROWS):
            await self._connection.execute_many(_ADD_TASK, [to_params(each) for each in tasks[start : start + _BATCH_ROWS]])
        pairs = [(each.id, user) for each in tasks for user in {each.assignee_id, each.creator_id} if user is not None]
        await self._connection.execute(_WATCH, subjects=[each[0] for each in pairs], users=[each[1] for each in pairs])

    async def add_links(self, links: Sequence[TaskLink]) -> None:
        """Insert links."""
        for start in range(0, len(links), _BATCH_ROWS):
            await self._connection.execute_many(_ADD_LINK, [to_params(each) for each in links[start : start + _BATCH_ROWS]])
        await blocked_tasks.refresh(self._connection, list({each.task_id for each in links}))


async def by_ids(database: Database, viewer: UUID, template_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the templates that belong to teams where the viewer is more than a guest."""
    return {row.id: row for row in await database.fetch(_BY_IDS, ids=list(template_ids), viewer=viewer)}


TEAM_TEMPLATES = ListQuery(
    cls=Template,
    source=_x,
    id=_x.c.id,
    sorts={"CREATED_AT": (SortColumn(_x.c.created_at, "created_at"),)},
    default=(Order("CREATED_AT", descending=True),),
    parent_clause=lambda parent: _x.c.team_id == parent,
    visible=lambda: works_in_team(_x.c.team_id),
)
