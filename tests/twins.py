"""Two houses that hold the same, so that what writes can be asked of both executors: of one in each house.

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
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from app.bootstrap import open_resources
from app.settings import Settings
from gateway.execution.executor import OperationRequest, PreparedOperation
from resolvers import ids
from tests.answers import lost
from tests.app import AT_REST, App, Person
from tests.furniture import furnish
from tests.operations import Generated
from tests.people import People, settle

_OPAQUE = frozenset({"cursor", "startCursor", "endCursor", "accessToken", "refreshToken", "invitationToken", "errorId"})
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_SIGNED = re.compile(r"https?://\S+\?\S+")
_STANDS = """
    SELECT 'event ' || type, count(*) FROM events GROUP BY type
    UNION ALL SELECT 'task ' || team_id || ' ' || number, version FROM tasks
    UNION ALL SELECT 'project ' || name, sum(version) FROM projects GROUP BY name
    UNION ALL SELECT 'document ' || title, sum(version) FROM documents GROUP BY title
    UNION ALL SELECT 'comment ' || body, sum(version) FROM comments GROUP BY body
    UNION ALL SELECT 'remembered', count(*) FROM idempotency_keys
    ORDER BY 1, 2"""
_PAGES = """{ tasks(first: 3) { pageInfo { startCursor endCursor } } changes(first: 1) { cursor } }"""


@dataclass(frozen=True)
class Twins:
    """The houses and who and what is in both. Programs answer in the first, graphql-core in the second."""

    first: App
    second: App
    people: People
    ids: dict[str, list[str]]
    parted: float

    async def asked(self, person: Person | None, made: Generated) -> tuple[bytes, bytes, bool]:
        """What both answer, and whether a program gave the first; the same twice when the operation may not run."""
        counts = self.first.executor.execution_counts
        prepared = self.first.executor.prepare(OperationRequest(query=made.query, variables=made.variables))
        if not isinstance(prepared, PreparedOperation):
            return prepared.to_json(), prepared.to_json(), False
        before = counts["compiled"]
        first = (await self.first.executor.execute(prepared, self.first.context(person))).to_json()
        second = (await self.second.core.execute(prepared, self.second.context(person))).to_json()
        if counts["compiled"] > before:
            return self.plain(first), self.plain(second), True
        return self.plain(lost(first)), self.plain(lost(second)), False

    async def stand(self) -> tuple[Any, Any]:
        """What has happened in each house, and which versions its objects have."""
        first, second = [await app.sql.fetch(_STANDS) for app in (self.first, self.second)]
        return [tuple(row) for row in first], [tuple(row) for row in second]

    def plain(self, answer: bytes) -> bytes:
        """An answer without what no two houses share."""
        numbers: dict[str, str] = {}

        def clean(value: Any, name: str = "") -> Any:
            if isinstance(value, list):
                return [clean(each, name) for each in value]
            if isinstance(value, dict):
                return {key: clean(each, key) for key, each in value.items()}
            if not isinstance(value, str):
                return value
            if name in _OPAQUE:
                return f"<{name}>"
            if (kind := self._made_since(value)) is not None:
                return numbers.setdefault(value, f"<{kind} {len(numbers)}>")
            return _SIGNED.sub("<address>", _INSTANT.sub("<instant>", value))

        return orjson.dumps(clean(orjson.loads(answer)))

    def _made_since(self, value: str) -> str | None:
        """The type of a global id that a house made by itself since they parted: a UUIDv7 tells when."""
        found = ids.parse(value)
        if found is None or found[1].version != 7 or (found[1].int >> 80) / 1000 < self.parted:
            return None
        return found[0]


@asynccontextmanager
async def twins(server: str, url: str, folder: Path) -> AsyncIterator[Twins]:
    """Furnish a house over an empty database, copy it, and open both."""
    from tests.services import copy_of  # a plugin: pytest imports it first, to rewrite its assertions

    (folder / "first").mkdir()
    async with _opened(url, folder / "first") as app:
        people = await settle(app)
        known = await furnish(app, people)
        pages = await app.run(people.member, _PAGES)
        known["Cursor"] = list(pages["tasks"]["pageInfo"].values())
        known["SyncCursor"] = [pages["changes"]["cursor"]]
    await asyncio.to_thread(shutil.copytree, folder / "first", folder / "second")
    parted = time.time()
    async with (
        copy_of(server, url) as copied,
        _opened(url, folder / "first") as first,
        _opened(copied, folder / "second") as second,
    ):
        yield Twins(first, second, people, known, parted)


@asynccontextmanager
async def _opened(url: str, folder: Path) -> AsyncIterator[App]:
    async with (
        open_resources(Settings(database_connections=4, data_dir=folder), url, timings=AT_REST) as house,
        asyncpg.create_pool(url, min_size=0, max_size=2) as sql,
    ):
        yield App(house, sql)
