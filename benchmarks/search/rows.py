"""Makes rows to search: tasks, documents and comments whose words are as unevenly frequent as those of a language.

The n-th of 20,000 words is drawn with a probability of about 1/n (Zipf); `everywhere` stands in every title, `checklist` in one
of 200.
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from domain.collation import collation_key

_VOCABULARY_WORDS = 20_000
_SYLLABLES = "ba be bo da de do ga ka ke la le li lo ma mi mo na ne no pa pe ra re ri ro sa se so ta te to va vi zu".split()  # noqa: SIM905
_VIEWER = UUID(int=1)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rows."""

    tasks: int
    documents: int
    comments: int
    projects: int


def vocabulary(rng: random.Random) -> list[str]:
    """Words, the most frequent first; the shorter ones are not the more frequent."""
    made = {"".join(rng.choices(_SYLLABLES, k=rng.randint(2, 5))) for _ in range(3 * _VOCABULARY_WORDS)}
    return rng.sample(sorted(made), _VOCABULARY_WORDS)


async def insert_rows(connection: "asyncpg.Connection[Any]", sizes: Sizes) -> tuple[UUID, list[str]]:
    """Insert one team with everything in it; the viewer, who sees all of it, and the vocabulary."""
    rng = random.Random(1)
    known = vocabulary(rng)
    weights = list(itertools.accumulate(1 / (place + 10) for place in range(len(known))))

    def text(count: int) -> str:
        return " ".join(rng.choices(known, cum_weights=weights, k=count))

    now = datetime.now(UTC)
    common = {"version": 1, "created_at": now, "updated_at": now}
    ids = iter(_ids())
    projects = [next(ids) for _ in range(sizes.projects)]
    await _copy(
        connection,
        "users",
        [
            {
                "id": _VIEWER,
                **common,
                "email": "a@example.org",
                "email_key": "a@example.org",
                "first_name": "Ada",
                "last_name": "Search",
                "name_collation": "ada search",
                "status": "ACTIVE",
                "time_zone": "UTC",
                "locale": "en",
            }
        ],
    )
    await _copy(
        connection,
        "teams",
        [{"id": _VIEWER, **common, "name": "Search", "name_collation": "search", "key": "SRC", "owner_user_id": _VIEWER}],
    )
    await _copy(connection, "team_members", [{"team_id": _VIEWER, "user_id": _VIEWER, "role": "OWNER", "joined_at": now}])
    await _copy(
        connection,
        "projects",
        [
            {
                "id": id_,
                **common,
                "team_id": _VIEWER,
                "name": f"Project {nr}",
                "name_collation": f"project {nr}",
                "status": "ACTIVE",
                "visibility": "TEAM",
            }
            for nr, id_ in enumerate(projects)
        ],
    )

    def times(number: int, of: int) -> dict[str, datetime]:
        at = now - timedelta(days=365) * (1 - number / of)
        return {"created_at": at, "updated_at": at}

    def title(number: int) -> str:
        return f"Everywhere {text(4)}" + (" checklist" if number % 200 == 0 else "")

    def task_rows() -> Iterator[dict[str, Any]]:
        for number in range(1, sizes.tasks + 1):
            named = title(number)
            yield {
                "id": next(ids),
                "version": 1,
                **times(number, sizes.tasks),
                "team_id": _VIEWER,
                "project_id": rng.choice(projects),
                "number": number,
                "key": f"SRC-{number}",
                "title": named,
                "title_collation": collation_key(named),
                "description": text(30),
                "status": "TODO",
                "priority": "NONE",
                "rank": f"{number:08}",
            }

    def document_rows() -> Iterator[dict[str, Any]]:
        for number in range(1, sizes.documents + 1):
            named = title(number)
            yield {
                "id": next(ids),
                "version": 1,
                **times(number, sizes.documents),
                "team_id": _VIEWER,
                "project_id": rng.choice(projects),
                "owner_user_id": _VIEWER,
                "title": named,
                "title_collation": collation_key(named),
                "type": "TEXT",
                "rank": f"{number:08}",
                "latest_number": 0,
                "latest_position": 0,
                "words": text(rng.randint(300, 5_000)),
            }

    await _copy(connection, "tasks", task_rows())
    await _copy(connection, "documents", document_rows())
    subjects = [tuple(row) for row in await connection.fetch("SELECT id, project_id FROM tasks LIMIT 10000")]

    def comment_rows() -> Iterator[dict[str, Any]]:
        for number in range(1, sizes.comments + 1):
            subject_id, project_id = rng.choice(subjects)
            yield {
                "id": next(ids),
                "version": 1,
                **times(number, sizes.comments),
                "team_id": _VIEWER,
                "project_id": project_id,
                "subject_type": "Task",
                "subject_id": subject_id,
                "author_user_id": _VIEWER,
                "body": text(20),
            }

    await _copy(connection, "comments", comment_rows())
    return _VIEWER, known


def _ids() -> Iterator[UUID]:
    rng = random.Random(2)
    while True:
        yield UUID(int=rng.getrandbits(128), version=4)


async def _copy(connection: "asyncpg.Connection[Any]", table: str, rows: Any) -> None:
    rows = iter(rows)
    first = next(rows, None)
    if first is not None:
        records = (tuple(row.values()) for row in itertools.chain([first], rows))
        await connection.copy_records_to_table(table, records=records, columns=list(first))
