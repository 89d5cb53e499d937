"""Comparing what lies in object storage with the index that speaks of it, and sweeping what nothing speaks of.

An orphan is left by an operation that was cut off between its objects and its commit, or by one whose transaction was refused
after its contents had been stored. It is swept when it is a day old, while the document's row (or, where there is none, its id)
is held: whoever names contents holds the same, and looks whether they are there.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.blob import Listed
from persistence.blobs.document_objects import PREFIX, DocumentObjects, content_key, document_key, together, version_key
from persistence.engine.advisory_lock import claim
from persistence.engine.database import Connection, Database
from persistence.stores import document_statements

OLD_ENOUGH = timedelta(days=1)
_AT_ONCE = 200
_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Report:
    """Keys of objects, sorted. `orphans`: there, but named by no row. `missing`: named, but not there. `ahead`: documents whose
    object is not what the row says; the next write mends them.
    """

    documents: int = 0
    orphans: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    ahead: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether storage and index agree."""
        return not (self.orphans or self.missing or self.ahead)

    def __str__(self) -> str:
        """For people: counts, then what is wrong, line by line."""
        told = [
            f"{self.documents:,} documents: {len(self.orphans)} orphans, {len(self.missing)} missing, {len(self.ahead)} ahead."
        ]
        told += [f"  {word} {key}" for word in ("orphans", "missing", "ahead") for key in getattr(self, word)]
        return "\n".join(told)


async def verify(database: Database, objects: DocumentObjects) -> Report:
    """Compare all of storage with all of the index. A write that happens meanwhile may be reported; it is gone from the next
    report."""
    report = Report()
    found, strays = await _by_document(objects.blobs.find(PREFIX))
    report.orphans.extend(strays)
    seen = 0
    async for document_ids in _pages(database, found):
        documents = {row["id"]: row for row in await database.fetch(document_statements.NAMED, ids=document_ids)}
        seen += len(documents)
        names = await _names(database, document_ids)
        for document_id in document_ids:
            there = {listed.key for listed in found.get(document_id, ())}
            report.orphans.extend(there - names[document_id])
            report.missing.extend(names[document_id] - there)
        told = [each for each in documents if document_key(each) in {listed.key for listed in found.get(each, ())}]
        records = await together([_reading(objects, each) for each in told])
        for document_id, record in zip(told, records, strict=True):
            row = documents[document_id]
            if record is None or (record["version"], record["latest_number"]) != (row["version"], row["latest_number"]):
                report.ahead.append(document_key(document_id))
    for keys in (report.orphans, report.missing, report.ahead):
        keys.sort()
    return Report(seen, report.orphans, report.missing, report.ahead)


async def sweep(database: Database, objects: DocumentObjects, *, older_than: timedelta = OLD_ENOUGH) -> int:
    """Delete orphans of a certain age; how many went."""
    before = datetime.now(UTC) - older_than
    found, _ = await _by_document(objects.blobs.find(PREFIX))
    gone = 0
    for document_id, listed in found.items():
        old = [each.key for each in listed if each.modified_at < before]
        if not old or not set(old) - (await _names(database, [document_id]))[document_id]:
            continue
        async with objects.turn(), database.begin() as connection:
            await claim(connection, document_id)
            await connection.fetch_row(document_statements.LOCK_FOR_SERVER, id=document_id)
            orphans = set(old) - (await _names(connection, [document_id]))[document_id]
            await together([_deleting(objects, key) for key in orphans])
            gone += len(orphans)
    return gone


async def _by_document(listing: AsyncIterator[Listed]) -> tuple[dict[UUID, list[Listed]], list[str]]:
    """Objects by the document under which they lie, and the keys of those that lie under none."""
    found: dict[UUID, list[Listed]] = defaultdict(list)
    strays: list[str] = []
    async for listed in listing:
        document_id = document_id_in(listed.key)
        if document_id is None:
            strays.append(listed.key)
        else:
            found[document_id].append(listed)
    return found, strays


def document_id_in(key: str) -> UUID | None:
    """The document in whose place a key lies."""
    try:
        return UUID(key.removeprefix(PREFIX).partition("/")[0])
    except ValueError:
        return None


async def _pages(database: Database, found: Iterable[UUID]) -> AsyncIterator[list[UUID]]:
    """The ids of all documents that have a row or an object, so many at a time."""
    unknown = set(found)
    after = _FIRST
    while page := [row[0] for row in await database.fetch(document_statements.PAGE_OF_IDS, after=after, size=_AT_ONCE)]:
        after = page[-1]
        unknown.difference_update(page)
        yield page
    rest = sorted(unknown)
    for start in range(0, len(rest), _AT_ONCE):
        yield rest[start : start + _AT_ONCE]


async def _names(source: Database | Connection, document_ids: Sequence[UUID]) -> dict[UUID, set[str]]:
    """The keys that rows speak of, by document."""
    named: dict[UUID, set[str]] = defaultdict(set)
    for row in await source.fetch(document_statements.NAMED, ids=list(document_ids)):
        named[row["id"]].add(document_key(row["id"]))
    for row in await source.fetch(document_statements.NAMED_VERSIONS, ids=list(document_ids)):
        of = row["document_id"]
        named[of].add(version_key(of, row["number"]))
        named[of].update(content_key(of, row[name]) for name in ("crdt", "markdown", "text"))
    return named


def _reading(objects: DocumentObjects, document_id: UUID) -> Any:
    return lambda: objects.read(document_key(document_id))


def _deleting(objects: DocumentObjects, key: str) -> Any:
    return lambda: objects.blobs.delete(key)
