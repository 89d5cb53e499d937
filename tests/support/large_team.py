"""A large team beside another, made by Postgres itself, and what a statement reads of its rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from domain.page import Paging
from persistence.engine.database import Database
from persistence.engine.pages import ListQuery, fetch_pages
from persistence.engine.statement import Statement

PROJECTS = 5
PEOPLE = 20

_SEED = """
CREATE TEMP TABLE person AS SELECT gen_random_uuid() AS id, team, nr, CASE nr WHEN 0 THEN 'OWNER' ELSE 'MEMBER' END AS role
FROM generate_series(1, 2) AS team, generate_series(0, 19) AS nr;
CREATE TEMP TABLE team_made AS SELECT gen_random_uuid() AS id, nr FROM generate_series(1, 2) AS nr;
INSERT INTO users (id, version, created_at, updated_at, email, email_key, first_name, last_name, name_collation, status, time_zone, locale)
SELECT id, 1, now(), now(), id::text, id::text, 'P', nr::text, 'p ' || nr, 'ACTIVE', 'UTC', 'en' FROM person;
INSERT INTO teams (id, version, created_at, updated_at, name, name_collation, key, owner_user_id)
SELECT team_made.id, 1, now(), now(), team_made.id::text, team_made.id::text, 'BIG' || team_made.nr, person.id
FROM team_made JOIN person ON person.team = team_made.nr AND person.nr = 0;
INSERT INTO team_members (team_id, user_id, role, joined_at)
SELECT team_made.id, person.id, role::team_role, now() FROM team_made JOIN person ON person.team = team_made.nr;
INSERT INTO projects (id, version, created_at, updated_at, team_id, name, name_collation, status, visibility)
SELECT gen_random_uuid(), 1, now(), now(), id, nr || '-' || project, nr || '-' || project, 'ACTIVE', 'TEAM'
FROM team_made, generate_series(1, 5) AS project;
INSERT INTO labels (id, version, created_at, updated_at, team_id, name, name_collation, color)
SELECT gen_random_uuid(), 1, now(), now(), id, 'label ' || label, 'label ' || label, '#336699'
FROM team_made, generate_series(0, 11) AS label;
INSERT INTO tasks (id, version, created_at, updated_at, team_id, project_id, number, key, title, title_collation, status, priority,
  assignee_user_id, creator_user_id, due_on, completed_at, label_ids, rank)
SELECT gen_random_uuid(), 1, at, at + interval '1 s' * (changed % 100000), project.team_id, project.id, n * 5 + project.number,
  project.id::text || n, title, title,
  CASE WHEN closed THEN (ARRAY['DONE', 'DONE', 'CANCELED'])[1 + column_ % 3]
    ELSE (ARRAY['BACKLOG', 'TODO', 'IN_PROGRESS', 'IN_REVIEW'])[1 + column_ % 4] END::task_status,
  (ARRAY['NONE', 'LOW', 'MEDIUM', 'HIGH', 'URGENT'])[1 + urgent % 5]::task_priority,
  CASE WHEN person % 6 > 0 THEN people[1 + person % 20] END, people[1 + changed % 20],
  CASE WHEN day % 4 > 0 THEN CASE WHEN closed THEN '2024-01-01'::date + day % 600 ELSE '2026-10-01'::date + day % 100 END END,
  CASE WHEN closed THEN now() END, CASE WHEN label % 3 = 0 THEN labels[1 + label % 12 : 1 + label % 12] ELSE '{{}}' END,
  'a' || lpad(n::text, 9, '0')
FROM (SELECT projects.*, row_number() OVER (PARTITION BY team_id ORDER BY id) - 1 AS number,
        (SELECT array_agg(user_id ORDER BY user_id) FROM team_members WHERE team_members.team_id = projects.team_id) AS people,
        (SELECT array_agg(id ORDER BY name) FROM labels WHERE labels.team_id = projects.team_id) AS labels FROM projects) AS project,
  generate_series(1, {each}) AS n,
  LATERAL (SELECT now() - interval '1 min' * ({each} - n) AS at, abs(hashtext(n || project.name || 'closed')) % 10 < 6 AS closed, abs(hashtext(n || project.name || 'column')) AS column_,
    abs(hashtext(n || project.name || 'urgent')) AS urgent, abs(hashtext(n || project.name || 'person')) AS person, abs(hashtext(n || project.name || 'day')) AS day, abs(hashtext(n || project.name || 'label')) AS label, abs(hashtext(n || project.name || 'changed')) AS changed,
    md5(n::text || project.name) || CASE WHEN n % 1000 = 7 THEN ' wombat' WHEN abs(hashtext(n || project.name || 'title')) % 4 = 0 THEN ' review' ELSE '' END AS title)
  AS made;
INSERT INTO task_links (id, twin_id, task_id, target_id, kind, created_at)
SELECT gen_random_uuid(), gen_random_uuid(), tasks.id, blocker.id, 'BLOCKED_BY', now()
FROM tasks JOIN tasks AS blocker ON blocker.project_id = tasks.project_id AND blocker.rank = 'a000000006' WHERE right(tasks.rank, 1) = '4';
UPDATE tasks SET status = 'TODO' WHERE rank = 'a000000006';
UPDATE tasks SET is_blocked = true WHERE id IN (SELECT task_id FROM task_links);
"""


@dataclass(frozen=True)
class LargeTeam:
    """A team that its `viewer` sees all of, with objects to ask for."""

    url: str
    viewer: UUID
    project_id: UUID
    person_id: UUID
    label_id: UUID
    middle_ids: tuple[UUID, ...]
    """Tasks of the project and of the person that stand in the middle of its list."""
    tasks: int


async def create_large_team(url: str, *, tasks_each: int) -> LargeTeam:
    """Two teams of so many tasks in each of 5 projects; the first one."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_SEED.format(each=tasks_each))
        for table in ("tasks", "task_links", "projects", "team_members", "users", "labels"):
            await connection.execute(f"VACUUM (ANALYZE) {table}")
        team = await connection.fetchval("SELECT id FROM teams WHERE key = 'BIG1'")
        return LargeTeam(
            url=url,
            viewer=await connection.fetchval("SELECT owner_user_id FROM teams WHERE id = $1", team),
            project_id=await connection.fetchval("SELECT id FROM projects WHERE team_id = $1 ORDER BY id LIMIT 1", team),
            person_id=await connection.fetchval(
                "SELECT user_id FROM team_members WHERE team_id = $1 AND role = 'MEMBER' LIMIT 1", team
            ),
            label_id=await connection.fetchval(
                "SELECT label_ids[1] FROM tasks WHERE team_id = $1 AND cardinality(label_ids) = 1 LIMIT 1", team
            ),
            middle_ids=tuple(
                [
                    row[0]
                    for row in await connection.fetch(
                        "SELECT id FROM tasks WHERE team_id = $1 AND rank BETWEEN $2 AND $3",
                        team,
                        f"a{tasks_each // 2:09}",
                        f"a{tasks_each // 2 + PEOPLE:09}",
                    )
                ][:100]
            ),
            tasks=tasks_each * PROJECTS,
        )
    finally:
        await connection.close()


# Rows of tables that are read, or entries of indexes where these are more: a bitmap lists entries whose rows nobody looks at.
_READ = """
SELECT greatest(
  coalesce(sum(CASE relkind WHEN 'r' THEN pg_stat_get_xact_tuples_returned(oid) ELSE 0 END), 0)
    + coalesce(sum(pg_stat_get_xact_tuples_fetched(oid)), 0),
  coalesce(sum(CASE relkind WHEN 'i' THEN pg_stat_get_xact_tuples_returned(oid) ELSE 0 END), 0)
)::bigint
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')
"""


class CountingDatabase:
    """Runs reading statements one by one, as the server plans them, and counts the rows that Postgres reads."""

    def __init__(self, database: Database) -> None:
        self._pool = database.pool
        self.rows_read = 0

    async def fetch(self, statement: Statement, **params: Any) -> list[Any]:
        """The rows of a statement."""
        async with self._pool.acquire() as connection, connection.transaction():
            before = await connection.fetchval(_READ)
            rows = await connection.fetch(statement.text, *statement.arguments(params), record_class=statement.row_class)
            own = await connection.fetchval(_READ) - before
            self.rows_read += own
        return list(rows)

    async def fetch_value(self, statement: Statement, **params: Any) -> Any:
        """The first column of the first row, or None."""
        rows = await self.fetch(statement, **params)
        return rows[0][0] if rows else None


async def read_page(
    database: CountingDatabase, list_query: ListQuery, parent: UUID | None, paging: Paging, **options: Any
) -> tuple[Any, int]:
    """A page of a list, and how many rows were read for it."""
    before = database.rows_read
    parents = None if parent is None else [parent]
    given: Mapping[str, Any] = options
    (page,) = await fetch_pages(database, list_query, parents, paging, **given)  # type: ignore[arg-type]
    return page, database.rows_read - before
