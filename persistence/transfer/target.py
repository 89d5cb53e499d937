"""Writes what is imported: rows by the hundred in the transaction of the caller, with what hangs on them (counts, search)."""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Integer, Text, Uuid, and_, bindparam, false, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import insert

from domain.attachment import Attachment
from domain.comment import Comment
from domain.label import Label
from domain.project import Project
from domain.task import Task
from domain.task_link import TaskLink
from persistence.access import any_id
from persistence.engine.database import Connection, Database
from persistence.engine.rows import insert_row, to_params
from persistence.engine.statement import Statement
from persistence.stores.task_counts import rebuild_projects
from persistence.tables import (
    attachments,
    comment_reactions,
    comments,
    documents,
    labels,
    project_members,
    projects,
    search_queue,
    task_links,
    tasks,
    team_members,
    teams,
    users,
)

BATCH_ROWS: Final = 500
_TEAM = bindparam("team", type_=Uuid)
_INSERTS: Final = {
    Label: Statement(insert_row(Label, labels)),
    Project: Statement(insert_row(Project, projects)),
    Task: Statement(insert_row(Task, tasks)),
    TaskLink: Statement(insert_row(TaskLink, task_links)),
    Comment: Statement(insert_row(Comment, comments)),
    Attachment: Statement(insert_row(Attachment, attachments)),
}
_ADD_MEMBER = Statement(
    insert(project_members)
    .values(project_id=bindparam("project_id", type_=Uuid), user_id=bindparam("user_id", type_=Uuid))
    .on_conflict_do_nothing()
)
_ADD_REACTION = Statement(
    insert(comment_reactions)
    .values(
        comment_id=bindparam("comment_id", type_=Uuid),
        user_id=bindparam("user_id", type_=Uuid),
        emoji=bindparam("emoji", type_=Text),
    )
    .on_conflict_do_nothing()
)
_SET_PARENT = Statement(
    tasks.update().where(tasks.c.id == bindparam("task", type_=Uuid)).values(parent_id=bindparam("parent", type_=Uuid))
)
_RESERVE = Statement(
    teams.update()
    .where(teams.c.id == _TEAM)
    .values(last_task_number=teams.c.last_task_number + bindparam("count", type_=Integer))
    .returning(teams.c.last_task_number, teams.c.key)
)
_MEMBERS = Statement(
    select(users.c.id, users.c.email_key, users.c.first_name, users.c.last_name)
    .select_from(users.join(team_members, team_members.c.user_id == users.c.id))
    .where(team_members.c.team_id == _TEAM)
)
_LABELS = Statement(select(labels.c.id, labels.c.name, labels.c.name_collation).where(labels.c.team_id == _TEAM))
_of_project = {
    "Project": select(projects.c.id).where(projects.c.id == any_id()),
    "Task": select(tasks.c.id).where(tasks.c.project_id == any_id()),
    "Document": select(documents.c.id).where(documents.c.project_id == any_id()),
    "Comment": select(comments.c.id).where(comments.c.project_id == any_id()),
    "Attachment": select(attachments.c.id).where(
        or_(
            and_(
                attachments.c.about_type == literal_column("'Task'"),
                attachments.c.about_id.in_(select(tasks.c.id).where(tasks.c.project_id == any_id())),
            ),
            and_(
                attachments.c.about_type == literal_column("'Document'"),
                attachments.c.about_id.in_(select(documents.c.id).where(documents.c.project_id == any_id())),
            ),
        )
    ),
}
_ENQUEUE = [
    Statement(
        insert(search_queue)
        .from_select(
            ["type", "id", "is_indexed"],
            query.with_only_columns(literal_column(f"'{name}'", Text), query.selected_columns[0], false()),
        )
        .on_conflict_do_nothing()
    )
    for name, query in _of_project.items()
]
_COUNT_TASKS = Statement(select(func.count()).select_from(tasks).where(tasks.c.project_id == any_id()))


async def reserve_numbers(database: Database, team_id: UUID, count: int) -> tuple[int, str]:
    """The last number that the team's tasks have had, after which `count` are reserved, and the team's key.

    In a transaction of its own, so that nobody waits for an import to create a task; what is not used is a gap.
    """
    async with database.begin() as connection:
        row = await connection.fetch_row(_RESERVE, team=team_id, count=count)
    return row[0] - count, row[1]


async def members(database: Database, team_id: UUID) -> list[Any]:
    """The members of a team: id, `email_key` and names."""
    return await database.fetch(_MEMBERS, team=team_id)


async def team_labels(connection: Connection, team_id: UUID) -> list[Any]:
    """The labels of a team, with their collation keys."""
    return await connection.fetch(_LABELS, team=team_id)


async def add_rows(connection: Connection, rows: Iterable[Any]) -> None:
    """Insert labels, projects, tasks, links, comments or files."""
    batch: list[Any] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH_ROWS:
            await _insert(connection, batch)
            batch = []
    await _insert(connection, batch)


async def _insert(connection: Connection, batch: Sequence[Any]) -> None:
    if batch:
        await connection.execute_many(_INSERTS[type(batch[0])], [to_params(each) for each in batch])


async def add_members(connection: Connection, project_id: UUID, user_ids: Iterable[UUID]) -> None:
    """Add people to a project."""
    await connection.execute_many(_ADD_MEMBER, [{"project_id": project_id, "user_id": each} for each in user_ids])


async def add_reactions(connection: Connection, rows: Sequence[tuple[UUID, UUID, str]]) -> None:
    """Add reactions: comment, user and emoji."""
    if rows:
        named = [{"comment_id": comment, "user_id": user, "emoji": emoji} for comment, user, emoji in rows]
        await connection.execute_many(_ADD_REACTION, named)


async def set_parents(connection: Connection, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    """Put tasks under others, when all of them are there."""
    if pairs:
        await connection.execute_many(_SET_PARENT, [{"task": task, "parent": parent} for task, parent in pairs])


async def complete_projects(connection: Connection, project_ids: Sequence[UUID]) -> int:
    """Count the tasks of new projects, and let everything in them be indexed for search; how many tasks there are."""
    ids = list(project_ids)
    await rebuild_projects(connection, ids)
    for statement in _ENQUEUE:
        await connection.execute(statement, ids=ids)
    count: int = await connection.fetch_value(_COUNT_TASKS, ids=ids)
    return count
