"""The figures of each kind of report, over the projects that a person may see.

Every statement takes `projects` and, where it looks at a span, `since` and `until`: its first and its last day, in UTC.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Date, Integer, Uuid, bindparam, text

from domain.errors import NotFound
from persistence.engine.database import Connection, Database
from persistence.engine.statement import Statement
from persistence.transfer.source import VISIBLE_PROJECTS

MAX_LISTED_ROWS: Final = 10_000
_TIMEOUT_MILLISECONDS: Final = 60_000

_PROJECTS = bindparam("projects", type_=ARRAY(Uuid))
_SINCE, _UNTIL = bindparam("since", type_=Date), bindparam("until", type_=Date)

# The changes of status of the tasks that are reported on, since a day: what each was before, and after.
_STATUS_CHANGES: Final = """
  scope AS (
    SELECT id, project_id, created_at, status, assignee_user_id, completed_at, due_on, estimate
    FROM tasks WHERE project_id = ANY (:projects) AND deleted_at IS NULL
  ), logged AS (
    SELECT scope.id, events.at, events.position, change ->> 'before' AS before, scope.status::text AS current
    FROM events, jsonb_array_elements(events.payload -> 'changes') AS change, scope
    WHERE events.project_id = ANY (:projects) AND events.at >= CAST(:since AS date)
      AND events.entity_type = 'Task' AND change ->> 'field' = 'status' AND scope.id = events.entity_id
  ), status_changes AS (
    SELECT id, at, before, coalesce(lead(before) OVER each_task, current) AS after,
      row_number() OVER each_task = 1 AS is_first
    FROM logged WINDOW each_task AS (PARTITION BY id ORDER BY at, position)
  )"""
_IS_OPEN: Final = "NOT IN ('DONE', 'CANCELED')"


def _statement(sql: str, *parameters: Any) -> Statement:
    """A statement; `$STATUS_CHANGES` and `$IS_OPEN` in it stand for those texts."""
    whole = sql.replace("$STATUS_CHANGES", _STATUS_CHANGES).replace("$IS_OPEN", _IS_OPEN)
    return Statement(text(whole).bindparams(*parameters))


_SET_TIMEOUT = _statement(f"SELECT set_config('statement_timeout', '{_TIMEOUT_MILLISECONDS}', true)")
_PROGRESS = _statement(
    """
    SELECT projects.name, projects.status::text AS project_status, projects.start_on, projects.end_on,
      count(tasks.id) AS total,
      count(*) FILTER (WHERE tasks.status = 'BACKLOG') AS backlog,
      count(*) FILTER (WHERE tasks.status = 'TODO') AS todo,
      count(*) FILTER (WHERE tasks.status = 'IN_PROGRESS') AS in_progress,
      count(*) FILTER (WHERE tasks.status = 'IN_REVIEW') AS in_review,
      count(*) FILTER (WHERE tasks.status = 'DONE') AS done,
      count(*) FILTER (WHERE tasks.status = 'CANCELED') AS canceled,
      count(*) FILTER (WHERE tasks.status < 'DONE' AND tasks.due_on < (now() AT TIME ZONE 'UTC')::date) AS overdue,
      count(*) FILTER (WHERE (tasks.created_at AT TIME ZONE 'UTC')::date BETWEEN :since AND :until) AS created_in_span,
      count(*) FILTER (WHERE tasks.status = 'DONE' AND (tasks.completed_at AT TIME ZONE 'UTC')::date BETWEEN :since AND :until)
        AS done_in_span
    FROM projects LEFT JOIN tasks ON tasks.project_id = projects.id AND tasks.deleted_at IS NULL
    WHERE projects.id = ANY (:projects)
    GROUP BY projects.id ORDER BY projects.name_collation, projects.id
    """,
    _PROJECTS,
    _SINCE,
    _UNTIL,
)
_BURN_DOWN = _statement(
    """
    WITH $STATUS_CHANGES, steps AS (
      SELECT greatest((created_at AT TIME ZONE 'UTC')::date, CAST(:since AS date) - 1) AS day, 1 AS total,
        (coalesce((SELECT before FROM status_changes WHERE status_changes.id = scope.id AND is_first), status::text)
          $IS_OPEN)::int AS open
      FROM scope
      UNION ALL
      SELECT (at AT TIME ZONE 'UTC')::date, 0, (after $IS_OPEN)::int - (before $IS_OPEN)::int FROM status_changes
    ), sums AS (SELECT day, sum(total) AS total, sum(open) AS open FROM steps GROUP BY day)
    SELECT day, total, open FROM (
      SELECT days.day::date AS day,
        coalesce(sum(sums.total) OVER (ORDER BY days.day), 0)::int AS total,
        coalesce(sum(sums.open) OVER (ORDER BY days.day), 0)::int AS open
      FROM generate_series(CAST(:since AS date) - 1, CAST(:until AS date), interval '1 day') AS days (day)
      LEFT JOIN sums ON sums.day = days.day::date
    ) AS cumulated WHERE day >= :since ORDER BY day
    """,
    _PROJECTS,
    _SINCE,
    _UNTIL,
)
_WORKLOAD = _statement(
    """
    SELECT tasks.assignee_user_id AS user_id,
      count(*) FILTER (WHERE tasks.status < 'DONE') AS open,
      count(*) FILTER (WHERE tasks.status IN ('IN_PROGRESS', 'IN_REVIEW')) AS in_progress,
      count(*) FILTER (WHERE tasks.status < 'DONE' AND tasks.due_on < (now() AT TIME ZONE 'UTC')::date) AS overdue,
      coalesce(sum(tasks.estimate) FILTER (WHERE tasks.status < 'DONE'), 0)::float8 AS estimate,
      count(*) FILTER (WHERE tasks.status = 'DONE' AND (tasks.completed_at AT TIME ZONE 'UTC')::date BETWEEN :since AND :until)
        AS done_in_span
    FROM tasks WHERE tasks.project_id = ANY (:projects) AND tasks.deleted_at IS NULL
    GROUP BY tasks.assignee_user_id ORDER BY open DESC, user_id NULLS LAST
    """,
    _PROJECTS,
    _SINCE,
    _UNTIL,
)
# Work began with the first change of status to IN_PROGRESS or IN_REVIEW that the log knows.
_CYCLE_TIME = _statement(
    """
    SELECT tasks.key, tasks.title, tasks.created_at, tasks.completed_at,
      extract(epoch FROM tasks.completed_at - tasks.created_at)::float8 / 86400 AS lead_days,
      extract(epoch FROM tasks.completed_at - begun.at)::float8 / 86400 AS cycle_days
    FROM tasks LEFT JOIN LATERAL (
      SELECT min(events.at) AS at FROM events, jsonb_array_elements(events.payload -> 'changes') AS change
      WHERE events.about_id = tasks.id AND events.entity_id = tasks.id AND events.entity_type = 'Task'
        AND events.at <= tasks.completed_at AND change ->> 'field' = 'status'
        AND change ->> 'after' IN ('IN_PROGRESS', 'IN_REVIEW')
    ) AS begun ON true
    WHERE tasks.project_id = ANY (:projects) AND tasks.deleted_at IS NULL AND tasks.status = 'DONE'
      AND (tasks.completed_at AT TIME ZONE 'UTC')::date BETWEEN :since AND :until
    ORDER BY tasks.completed_at, tasks.id LIMIT :size
    """,
    _PROJECTS,
    _SINCE,
    _UNTIL,
    bindparam("size", type_=Integer),
)
_OVERDUE = _statement(
    """
    SELECT tasks.key, tasks.title, projects.name AS project, tasks.status::text AS status, tasks.assignee_user_id AS user_id,
      tasks.due_on, :until - tasks.due_on AS days
    FROM tasks JOIN projects ON projects.id = tasks.project_id
    WHERE tasks.project_id = ANY (:projects) AND tasks.deleted_at IS NULL AND tasks.status < 'DONE' AND tasks.due_on < :until
    ORDER BY tasks.due_on, tasks.key LIMIT :size
    """,
    _PROJECTS,
    _UNTIL,
    bindparam("size", type_=Integer),
)
_ACTIVITY = _statement(
    """
    SELECT (events.at AT TIME ZONE 'UTC')::date AS day, events.actor_user_id AS user_id,
      count(*) FILTER (WHERE events.type = 'TaskCreated') AS created,
      count(*) FILTER (WHERE EXISTS (SELECT FROM jsonb_array_elements(events.payload -> 'changes') AS change
        WHERE events.entity_type = 'Task' AND change ->> 'field' = 'status' AND change ->> 'after' = 'DONE')) AS done,
      count(*) FILTER (WHERE events.type = 'CommentCreated') AS comments,
      count(*) AS changes
    FROM events WHERE events.project_id = ANY (:projects)
      AND events.at >= CAST(:since AS date) AND events.at < CAST(:until AS date) + 1
    GROUP BY day, events.actor_user_id ORDER BY day, user_id NULLS LAST
    """,
    _PROJECTS,
    _SINCE,
    _UNTIL,
)
_NAMES = _statement("SELECT id, first_name, last_name FROM users WHERE id = ANY (:ids)", bindparam("ids", type_=ARRAY(Uuid)))


@dataclass(frozen=True, slots=True)
class ReportSource:
    """What one report reads: projects that its person may see, and a span of days."""

    connection: Connection
    project_ids: Sequence[UUID]
    since: date
    until: date

    async def progress(self) -> list[Any]:
        """A row for each project, by name: its tasks by status, and those created and done in the span."""
        return await self._fetch(_PROGRESS)

    async def burn_down(self) -> list[Any]:
        """A row for each day of the span: how many tasks there were at its end, and how many of them were open."""
        return await self._fetch(_BURN_DOWN)

    async def workload(self) -> list[Any]:
        """A row for each assignee, who has most first; `user_id` is None for tasks without one."""
        return await self._fetch(_WORKLOAD)

    async def cycle_times(self) -> list[Any]:
        """A row for each task done in the span, with its lead time and its cycle time, None where the log knows no beginning."""
        return await self._fetch(_CYCLE_TIME)

    async def overdue(self) -> list[Any]:
        """The open tasks that were due before the last day, the oldest first."""
        return await self._fetch(_OVERDUE)

    async def activity(self) -> list[Any]:
        """A row for each day and actor: how many tasks were created and done, comments written, and changes made in all."""
        return await self._fetch(_ACTIVITY)

    async def names(self, user_ids: Sequence[UUID]) -> dict[UUID, str]:
        """What people are called."""
        rows = await self.connection.fetch(_NAMES, ids=list(user_ids))
        return {row["id"]: f"{row['first_name']} {row['last_name']}".strip() for row in rows}

    async def _fetch(self, statement: Statement) -> list[Any]:
        return await self.connection.fetch(
            statement, projects=self.project_ids, since=self.since, until=self.until, size=MAX_LISTED_ROWS
        )


@asynccontextmanager
async def open_report_source(
    database: Database, viewer: UUID, *, team_id: UUID, project_id: UUID | None, since: date, until: date
) -> AsyncIterator[ReportSource]:
    """What the viewer may see now of a team, or of one project; at one instant. Raises NotFound."""
    async with database.begin(snapshot=True) as connection:
        scope = {"team": None if project_id is not None else team_id, "project": project_id}
        rows = await connection.fetch(VISIBLE_PROJECTS, viewer=viewer, **scope)
        if not rows and project_id is not None:
            raise NotFound
        await connection.fetch(_SET_TIMEOUT)
        yield ReportSource(connection, [row[0] for row in rows], since, until)
