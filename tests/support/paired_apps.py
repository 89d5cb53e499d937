"""Two applications with equal data, so that mutations can be run by both executors, one in each.

The second is a copy of the first: the database from the database, the files from the files. What each makes by itself afterwards
differs (ids, times, cursors, tokens), so answers are compared without.
"""

import asyncio
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from pydantic import SecretStr

from app.bootstrap import open_resources
from app.settings import Settings
from gateway.execution.executor import OperationRequest, PreparedOperation
from resolvers import ids
from tests.support.app import IDLE_TIMINGS, App, Person
from tests.support.comparison import normalize_lost_data
from tests.support.random_operations import GeneratedOperation
from tests.support.sample_data import create_sample_data
from tests.support.secret_key import SECRET_KEY
from tests.support.teams import SampleTeam, create_sample_team

_OPAQUE_FIELDS = frozenset({"cursor", "startCursor", "endCursor", "accessToken", "refreshToken", "invitationToken", "errorId"})
_INSTANT_PATTERN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_SIGNED_URL_PATTERN = re.compile(r"https?://\S+\?\S+")
_STATE_QUERY = """
    SELECT 'event ' || type, count(*) FROM events GROUP BY type
    UNION ALL SELECT 'task ' || team_id || ' ' || number, version FROM tasks
    UNION ALL SELECT 'project ' || name, sum(version) FROM projects GROUP BY name
    UNION ALL SELECT 'document ' || title, sum(version) FROM documents GROUP BY title
    UNION ALL SELECT 'comment ' || body, sum(version) FROM comments GROUP BY body
    UNION ALL SELECT 'remembered', count(*) FROM idempotency_keys
    ORDER BY 1, 2"""
_CURSORS_QUERY = """{ tasks(first: 3) { pageInfo { startCursor endCursor } } changes(first: 1) { cursor } }"""


@dataclass(frozen=True)
class PairedApps:
    """The houses and who and what is in both. Programs answer in the first, graphql-core in the second."""

    first: App
    second: App
    team: SampleTeam
    ids: dict[str, list[str]]
    copied_at: float

    async def execute_both(self, person: Person | None, operation: GeneratedOperation) -> tuple[bytes, bytes, bool]:
        """What both answer, and whether a program gave the first; the same twice when the operation may not run."""
        counts = self.first.executor.execution_counts
        request = OperationRequest(query=operation.query, variables=operation.variables)
        prepared = await self.first.executor.prepare_in_turn(request, owner=None)
        if not isinstance(prepared, PreparedOperation):
            return prepared.to_json(), prepared.to_json(), False
        before = counts["compiled"]
        now = datetime.now(UTC)
        first = (await self.first.executor.execute(prepared, self.first.context(person, now=now))).to_json()
        second = (await self.second.graphql_core.execute(prepared, self.second.context(person, now=now))).to_json()
        if counts["compiled"] > before:
            return self.normalize(first), self.normalize(second), True
        return self.normalize(normalize_lost_data(first)), self.normalize(normalize_lost_data(second)), False

    async def database_states(self) -> tuple[Any, Any]:
        """The events of each application, and the versions of its objects."""
        first, second = [await app.sql.fetch(_STATE_QUERY) for app in (self.first, self.second)]
        return [tuple(row) for row in first], [tuple(row) for row in second]

    def normalize(self, response: bytes) -> bytes:
        """An answer without what no two houses share."""
        numbers: dict[str, str] = {}

        def clean(value: Any, name: str = "") -> Any:
            if isinstance(value, list):
                return [clean(each, name) for each in value]
            if isinstance(value, dict):
                return {key: clean(each, key) for key, each in value.items()}
            if not isinstance(value, str):
                return value
            if name in _OPAQUE_FIELDS:
                return f"<{name}>"
            if (kind := self._created_since_copy(value)) is not None:
                return numbers.setdefault(value, f"<{kind} {len(numbers)}>")
            return _SIGNED_URL_PATTERN.sub("<address>", _INSTANT_PATTERN.sub("<instant>", value))

        return orjson.dumps(clean(orjson.loads(response)))

    def _created_since_copy(self, value: str) -> str | None:
        """The type of a global id that one application made after they were copied: a UUIDv7 holds its time."""
        found = ids.parse(value)
        if found is None or found[1].version != 7 or (found[1].int >> 80) / 1000 < self.copied_at:
            return None
        return found[0]


@asynccontextmanager
async def open_paired_apps(server: str, url: str, folder: Path) -> AsyncIterator[PairedApps]:
    """Fill an application over an empty database, copy the database, and open both."""
    from tests.support.backing_services import database_copy  # a plugin: pytest imports it first, to rewrite its assertions

    (folder / "first").mkdir()
    async with _open_app(url, folder / "first") as app:
        people = await create_sample_team(app)
        known = await create_sample_data(app, people)
        pages = await app.run(people.member, _CURSORS_QUERY)
        known["Cursor"] = list(pages["tasks"]["pageInfo"].values())
        known["SyncCursor"] = [pages["changes"]["cursor"]]
    await asyncio.to_thread(shutil.copytree, folder / "first", folder / "second")
    parted = time.time()
    async with (
        database_copy(server, url) as copied,
        _open_app(url, folder / "first") as first,
        _open_app(copied, folder / "second") as second,
    ):
        yield PairedApps(first, second, people, known, parted)


@asynccontextmanager
async def _open_app(url: str, folder: Path) -> AsyncIterator[App]:
    async with (
        open_resources(
            Settings(database_connections=4, data_dir=folder, secret_key=SecretStr(SECRET_KEY)), url, timings=IDLE_TIMINGS
        ) as resources,
        asyncpg.create_pool(url, min_size=0, max_size=2) as sql,
    ):
        yield App(resources, sql)
