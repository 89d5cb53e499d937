"""Seeds teams that differ in nothing but their size, by COPY: the same people, columns, labels and words a project.

Task `n` of a project gets its column, priority, person, day and labels by its number, so that two runs compare. Every fiftieth
waits for its neighbour. `wombat` stands in one title of 5,000 and `review` in one of four; names are equal nowhere else.
"""

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from app.settings import DEMO_PASSWORD
from auth.passwords import Argon2Passwords
from domain import rank
from domain.collation import collation_key
from domain.email_address import email_key

_PEOPLE = 40
_STATUSES = ("DONE", "DONE", "DONE", "DONE", "DONE", "CANCELED", "BACKLOG", "TODO", "IN_PROGRESS", "IN_REVIEW")
_PRIORITIES = ("NONE", "LOW", "LOW", "MEDIUM", "MEDIUM", "MEDIUM", "HIGH", "URGENT")
_LABELS = 12
_VERBS = ("Draft", "Move", "Test", "Explain", "Remove", "Compare", "Repair", "Review")
_NOUNS = ("the importer", "an index", "sign-in", "the calendar", "a report", "the invoice", "search", "the editor")
_COPY_ROWS = 20_000
_NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
_MADE = {"version": 1, "created_at": _NOW, "updated_at": _NOW}


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team as operations ask about it, by its owner, `viewer`, who signs in with DEMO_PASSWORD."""

    name: str
    id: UUID
    key: str
    viewer: str
    viewer_id: UUID
    project_ids: tuple[UUID, ...]
    label_id: UUID
    task_id: UUID
    """The task with the comments."""
    other_task_ids: tuple[UUID, ...]
    tasks: int


@dataclass(slots=True)
class _Rows:
    """Rows by table, written whenever there are many."""

    connection: "asyncpg.Connection[Any]"
    pending: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    async def add(self, table: str, **row: Any) -> None:
        rows = self.pending.setdefault(table, [])
        rows.append(row)
        if len(rows) >= _COPY_ROWS:
            await self.flush()

    async def flush(self) -> None:
        for table in ("users", "teams", "team_members", "labels", "projects", "tasks", "task_links", "comments", "streams"):
            rows = self.pending.pop(table, [])
            if rows:
                columns = list(rows[0])
                records = [tuple(row[name] for name in columns) for row in rows]
                await self.connection.copy_records_to_table(table, records=records, columns=columns)


class Population:
    """Teams in a database."""

    def __init__(self, connection: "asyncpg.Connection[Any]", password_hash: str) -> None:
        self._rows = _Rows(connection)
        self._password_hash = password_hash
        self._random = random.Random(17)
        self._milliseconds = itertools.count(int(_NOW.timestamp() * 1000) - 10**9)

    def _new_id(self) -> UUID:
        """A UUIDv7 that is the same in every run."""
        high = next(self._milliseconds) << 80
        return UUID(int=high | 7 << 76 | self._random.getrandbits(12) << 64 | 2 << 62 | self._random.getrandbits(62))

    async def add_team(
        self, name: str, *, projects: Sequence[int], comments: int, viewer: tuple[str, UUID] | None = None
    ) -> Team:
        """A team with so many tasks in each project, and comments on one of them. `viewer`: of an earlier team."""
        key = "".join(filter(str.isalpha, name)).upper()[:4] + str(next(self._milliseconds) % 10**6)
        team_id = self._new_id()
        people = [await self._add_user(f"{key}.{number}".lower()) for number in range(_PEOPLE if viewer is None else 4)]
        owner = people[0] if viewer is None else viewer
        named = {"name": name, "name_collation": collation_key(name)}
        await self._rows.add(
            "teams", id=team_id, **_MADE, **named, key=key, owner_user_id=owner[1], last_task_number=sum(projects)
        )
        for nr, (_, user_id) in enumerate(dict.fromkeys([owner, *people])):
            role = "MEMBER" if nr else "OWNER"
            await self._rows.add("team_members", team_id=team_id, user_id=user_id, role=role, joined_at=_NOW)
        labels = [self._new_id() for _ in range(_LABELS)]
        for nr, label_id in enumerate(labels):
            label = {"name": f"label {nr}", "name_collation": f"label {nr}", "color": "#336699"}
            await self._rows.add("labels", id=label_id, **_MADE, team_id=team_id, **label)
        project_ids: list[UUID] = []
        task_ids: list[UUID] = []
        number = 0
        for place, tasks in enumerate(projects):
            project_ids.append(project_id := self._new_id())
            named = {"name": f"{name} {place}", "name_collation": collation_key(f"{name} {place}")}
            kind = {"status": "ACTIVE", "visibility": "TEAM"}
            await self._rows.add("projects", id=project_id, **_MADE, **named, team_id=team_id, **kind, creator_user_id=owner[1])
            for row in self._tasks(tasks, number, [each for _, each in people], labels):
                await self._rows.add("tasks", **row, team_id=team_id, project_id=project_id, key=f"{key}-{row['number']}")
                if row["number"] % max(1, sum(projects) // 200) == 0 or not task_ids:
                    task_ids.append(row["id"])
                if row["number"] % 50 == 0:
                    await self._add_link(row["id"], task_ids[0])
            number += tasks
        for nr in range(comments):
            ids = {"team_id": team_id, "project_id": project_ids[0], "subject_id": task_ids[0], "subject_type": "Task"}
            made = {**_MADE, "created_at": _NOW + timedelta(seconds=nr), "author_user_id": people[nr % len(people)][1]}
            await self._rows.add("comments", id=self._new_id(), **made, **ids, body=f"Comment {nr}")
        await self._rows.add("streams", stream=f"team:{team_id}", position=0)
        await self._rows.flush()
        return Team(
            name=name,
            id=team_id,
            key=key,
            viewer=owner[0],
            viewer_id=owner[1],
            project_ids=tuple(project_ids),
            label_id=labels[0],
            task_id=task_ids[0],
            other_task_ids=tuple(task_ids[1:]),
            tasks=sum(projects),
        )

    async def _add_user(self, name: str) -> tuple[str, UUID]:
        user_id, email = self._new_id(), f"{name}@scale.example"
        named = {"first_name": "Sam", "last_name": name, "name_collation": collation_key(f"Sam {name}")}
        signs_in = {"email": email, "email_key": email_key(email), "password_hash": self._password_hash}
        more = {"email_verified_at": _NOW, "status": "ACTIVE", "time_zone": "UTC", "locale": "en"}
        await self._rows.add("users", id=user_id, **_MADE, **named, **signs_in, **more)
        return email, user_id

    async def _add_link(self, task_id: UUID, blocker_id: UUID) -> None:
        one, other = self._new_id(), self._new_id()
        for id_, twin, task, target, kind in (
            (one, other, task_id, blocker_id, "BLOCKED_BY"),
            (other, one, blocker_id, task_id, "BLOCKS"),
        ):
            if task_id != blocker_id:
                link = {"task_id": task, "target_id": target, "kind": kind}
                await self._rows.add("task_links", id=id_, twin_id=twin, **link, created_at=_NOW)

    def _tasks(self, count: int, numbered_from: int, people: Sequence[UUID], labels: Sequence[UUID]) -> Iterator[dict[str, Any]]:
        draw = self._random
        for nr, place in enumerate(_ranks(count), 1):
            number = numbered_from + nr
            status = _STATUSES[draw.randrange(len(_STATUSES))] if nr > 1 else "TODO"
            noun = f"{_NOUNS[draw.randrange(8)]} {draw.randrange(10**6)}"
            title = f"{_VERBS[draw.randrange(8)]} {noun}{' with a wombat' if number % 5_000 == 77 else ''}"
            if draw.randrange(8) == 0:
                title += " after review"
            at = _NOW - timedelta(minutes=count - nr)
            closed = status in ("DONE", "CANCELED")
            # What is done was due long ago, as on a board that has been used for years.
            day = date(2026, 11, 20) + timedelta(days=draw.randrange(-700, -10) if closed else draw.randrange(-40, 120))
            yield {
                "id": self._new_id(),
                "version": 1,
                "created_at": at,
                "updated_at": at + timedelta(minutes=draw.randrange(100)),
                "number": number,
                "title": title,
                "title_collation": collation_key(title),
                "description": "What is to be done, in a sentence or two that nobody reads in a list.",
                "status": status,
                "priority": _PRIORITIES[draw.randrange(len(_PRIORITIES))],
                "assignee_user_id": people[draw.randrange(len(people))] if nr % 5 else None,
                "creator_user_id": people[draw.randrange(len(people))],
                "due_on": day if draw.randrange(4) else None,
                "completed_at": at if closed else None,
                "label_ids": [each for each in draw.sample(labels, 2) if draw.randrange(3) == 0],
                "rank": place,
            }


def _ranks(count: int) -> Iterable[str]:
    last: str | None = None
    for _ in range(count):
        last = rank.between(last, None)
        yield last


async def hash_password() -> str:
    """The hash of DEMO_PASSWORD."""
    passwords = Argon2Passwords()
    try:
        return await passwords.hash(DEMO_PASSWORD)
    finally:
        passwords.close()
