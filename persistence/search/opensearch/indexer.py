"""Writes objects into OpenSearch as they are in Postgres, at least once and in any order.

Each write has an external version: the number of a transaction that began before the object was read. OpenSearch refuses a
version that is not newer than the one it has, so whatever is repeated, overtaken or done by two at once, the last state stays.
Rejected: the position of the event as version, since positions of two teams cannot be compared, and objects move from one to
another.

Requests hold 500 objects and 2 MiB at most and follow each other; a cluster that has too much to do (429) is waited for.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, Text, cast, func, select

from domain.search.entry import SearchEntry
from persistence.engine.database import Connection, Database
from persistence.engine.statement import Statement
from persistence.search import sources
from persistence.search.opensearch.engine import OpenSearchEngine, OpenSearchUnavailable
from persistence.search.opensearch.indices import KIND_OF, IndexKind, document_of
from persistence.search.rebuild import batch_rows
from persistence.workers.backoff import full_jitter

MAX_BULK_OBJECTS: Final = 500
MAX_BULK_BYTES: Final = 2 * 2**20
_MAX_TRIES: Final = 5
_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.1, 1.0
_MAX_INLINE_CHARS: Final = 10_000  # a few milliseconds
_DONE_STATUSES: Final = frozenset({200, 201, 409})
_BUSY: Final = 429
_NEXT_VERSION = Statement(select(cast(cast(func.pg_current_xact_id(), Text), BigInteger)))


@dataclass(frozen=True, slots=True)
class Operation:
    """One object to be written into one index, or, without a document, deleted from it."""

    alias: str
    id: UUID
    version: int
    document: bytes | None

    def lines(self) -> bytes:
        """The operation as lines of a bulk request."""
        target = {
            "_index": self.alias,
            "_id": str(self.id),
            "version": self.version,
            "version_type": "external",
            "require_alias": True,
        }
        if self.document is None:
            return orjson.dumps({"delete": target}) + b"\n"
        return orjson.dumps({"index": target}) + b"\n" + self.document + b"\n"


async def next_version(connection: Database | Connection) -> int:
    """A version for what is read from now on. Raises Unavailable."""
    version: int = await connection.fetch_value(_NEXT_VERSION)
    return version


class Indexer:
    """Writes into the indices that are searched and, where one is being built, into that too."""

    def __init__(self, engine: OpenSearchEngine) -> None:
        self._engine = engine

    async def index(self, database: Database | Connection, objects: Mapping[str, Collection[UUID]], version: int) -> None:
        """Write objects, given by their types and ids, as they are now. `version` was drawn before. Raises Unavailable."""
        building = await self._engine.building()
        for type_name, ids in objects.items():
            kind = KIND_OF[type_name]
            for some in _chunks(sorted(ids), batch_rows(type_name)):
                entries = {each.id: each for each in await sources.read(database, type_name, some)}
                await self.write(kind, [(id_, entries.get(id_)) for id_ in some], version, is_building=kind.name in building)

    async def write(
        self,
        kind: IndexKind,
        rows: Sequence[tuple[UUID, SearchEntry | None]],
        version: int,
        *,
        is_building: bool,
        only: bool = False,
    ) -> None:
        """Write entries, or delete where there is none, or one of a deleted object; `only`: into the index that is built."""
        names = self._engine.names
        aliases = [*([] if only else [names.alias(kind)]), *([names.next_alias(kind)] if is_building else [])]
        documents = await _documents([entry for _, entry in rows if entry is not None and not entry.is_deleted])
        operations = [Operation(alias, id_, version, documents.get(id_)) for alias in aliases for id_, _ in rows]
        for some in _requests(operations):
            await self._send(some)

    async def _send(self, operations: Sequence[Operation]) -> None:
        """Send operations; those that the cluster is too busy for again after a pause."""
        waiting = operations
        for tries in range(1, _MAX_TRIES + 1):
            results = await self._engine.bulk(b"".join(each.lines() for each in waiting))
            busy = []
            for operation, result in zip(waiting, results, strict=True):
                status = result["status"]
                if status == _BUSY:
                    busy.append(operation)
                elif not _is_done(operation, result):
                    raise OpenSearchUnavailable(f"An object was refused with {status}: {_reason(result)}")
            if not busy:
                return
            waiting = busy
            await asyncio.sleep(full_jitter(tries, _FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS))
        raise OpenSearchUnavailable("The cluster is too busy to index.")


def _is_done(operation: Operation, result: Mapping[str, Any]) -> bool:
    """Whether the index has what the operation says, or something newer."""
    if result["status"] in _DONE_STATUSES:
        return True
    return operation.document is None and result.get("result") == "not_found"


def _reason(result: Mapping[str, Any]) -> str:
    error = result.get("error") or {}
    return f"{error.get('type')}: {error.get('reason')}"[:300]


async def _documents(entries: Sequence[SearchEntry]) -> dict[UUID, bytes]:
    """What is indexed of each entry; the words of long texts are found in a thread."""

    def make() -> dict[UUID, bytes]:
        return {each.id: orjson.dumps(document_of(each)) for each in entries}

    if sum(len(each.text) for each in entries) > _MAX_INLINE_CHARS:
        return await asyncio.to_thread(make)
    return make()


def _requests(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    """Operations in requests of a bounded size; a larger one alone."""
    some: list[Operation] = []
    size = 0
    for each in operations:
        length = 200 + len(each.document or b"")
        if some and (len(some) == MAX_BULK_OBJECTS or size + length > MAX_BULK_BYTES):
            yield some
            some, size = [], 0
        some.append(each)
        size += length
    if some:
        yield some


def _chunks(ids: Sequence[UUID], size: int) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
