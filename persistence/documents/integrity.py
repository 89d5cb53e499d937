"""Compares object storage with the index of documents, and deletes orphans: objects that no row names.

An orphan is left by an operation that was cut off between its objects and its commit, or by one whose transaction was refused
after its contents had been stored. It is deleted when it is a day old, while the document's row (or, where there is none, its id)
is locked: a transaction that names contents locks the same, and checks that they are there.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.blob import ListedBlob
from persistence.backup.running import require_no_backup
from persistence.blobs.document_objects import PREFIX, DocumentObjects, content_key, document_key, gather_limited, version_key
from persistence.engine.advisory_lock import lock_id
from persistence.engine.database import Connection, Database
from persistence.stores import document_statements

MIN_ORPHAN_AGE = timedelta(days=1)
_BATCH_DOCUMENTS = 200
_LOWEST_ID = UUID(int=0)


@dataclass(frozen=True, slots=True)
class IntegrityReport:
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
        """Counts, then what is wrong, line by line."""
        lines = [
            f"{self.documents:,} documents: {len(self.orphans)} orphans, {len(self.missing)} missing, {len(self.ahead)} ahead."
        ]
        lines += [f"  {word} {key}" for word in ("orphans", "missing", "ahead") for key in getattr(self, word)]
        return "\n".join(lines)


async def check_integrity(database: Database, objects: DocumentObjects) -> IntegrityReport:
    """Compare all of storage with all of the index. A write that happens meanwhile may be reported; it is gone from the next
    report."""
    report = IntegrityReport()
    found, strays = await _by_document(objects.blobs.find(PREFIX))
    report.orphans.extend(strays)
    seen = 0
    async for document_ids in _pages(database, found):
        documents = {row["id"]: row for row in await database.fetch(document_statements.INDEXED_DOCUMENTS, ids=document_ids)}
        seen += len(documents)
        names = await _referenced_keys(database, document_ids)
        for document_id in document_ids:
            there = {listed.key for listed in found.get(document_id, ())}
            report.orphans.extend(there - names[document_id])
            report.missing.extend(names[document_id] - there)
        stored = [each for each in documents if document_key(each) in {listed.key for listed in found.get(each, ())}]
        records = await gather_limited([_read_job(objects, each) for each in stored])
        for document_id, record in zip(stored, records, strict=True):
            row = documents[document_id]
            if record is None or (record["version"], record["latest_number"]) != (row["version"], row["latest_number"]):
                report.ahead.append(document_key(document_id))
    for keys in (report.orphans, report.missing, report.ahead):
        keys.sort()
    return IntegrityReport(seen, report.orphans, report.missing, report.ahead)


async def delete_orphans(database: Database, objects: DocumentObjects, *, older_than: timedelta = MIN_ORPHAN_AGE) -> int:
    """Delete orphans of a certain age; how many went. Raises BackupRunning while one is."""
    before = datetime.now(UTC) - older_than
    found, _ = await _by_document(objects.blobs.find(PREFIX))
    gone = 0
    for document_id, listed in found.items():
        old = [each.key for each in listed if each.modified_at < before]
        if not old or not set(old) - (await _referenced_keys(database, [document_id]))[document_id]:
            continue
        async with objects.write_slot(), database.begin() as connection:
            await lock_id(connection, document_id)
            await connection.fetch_row(document_statements.LOCK_FOR_SERVER, id=document_id)
            orphans = set(old) - (await _referenced_keys(connection, [document_id]))[document_id]
            await require_no_backup(connection)
            await gather_limited([_delete_job(objects, key) for key in orphans])
            gone += len(orphans)
    return gone


async def _by_document(listing: AsyncIterator[ListedBlob]) -> tuple[dict[UUID, list[ListedBlob]], list[str]]:
    """Objects by the document under which they lie, and the keys of those that lie under none."""
    found: dict[UUID, list[ListedBlob]] = defaultdict(list)
    strays: list[str] = []
    async for listed in listing:
        document_id = document_id_in(listed.key)
        if document_id is None:
            strays.append(listed.key)
        else:
            found[document_id].append(listed)
    return found, strays


def document_id_in(key: str) -> UUID | None:
    """The document to which a key belongs; None where it belongs to none."""
    try:
        return UUID(key.removeprefix(PREFIX).partition("/")[0])
    except ValueError:
        return None


async def _pages(database: Database, document_ids: Iterable[UUID]) -> AsyncIterator[list[UUID]]:
    """The ids of all documents that have a row or an object, so many at a time."""
    unknown = set(document_ids)
    after = _LOWEST_ID
    while page := [row[0] for row in await database.fetch(document_statements.PAGE_OF_IDS, after=after, size=_BATCH_DOCUMENTS)]:
        after = page[-1]
        unknown.difference_update(page)
        yield page
    rest = sorted(unknown)
    for start in range(0, len(rest), _BATCH_DOCUMENTS):
        yield rest[start : start + _BATCH_DOCUMENTS]


async def _referenced_keys(source: Database | Connection, document_ids: Sequence[UUID]) -> dict[UUID, set[str]]:
    """The keys that rows name, by document."""
    named: dict[UUID, set[str]] = defaultdict(set)
    for row in await source.fetch(document_statements.INDEXED_DOCUMENTS, ids=list(document_ids)):
        named[row["id"]].add(document_key(row["id"]))
    for row in await source.fetch(document_statements.INDEXED_VERSIONS, ids=list(document_ids)):
        of = row["document_id"]
        named[of].add(version_key(of, row["number"]))
        named[of].update(content_key(of, row[name]) for name in ("crdt", "markdown", "text"))
    return named


def _read_job(objects: DocumentObjects, document_id: UUID) -> Any:
    return lambda: objects.read(document_key(document_id))


def _delete_job(objects: DocumentObjects, key: str) -> Any:
    return lambda: objects.blobs.delete(key)
