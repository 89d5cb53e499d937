"""Reads states of documents, now or at a position of their logs: the newest version up to there, and the edits since.

Many documents cost two statements, and one request to storage for each version that is not cached. Between the two statements the
log may be trimmed behind a newer version; then everything is read again.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Integer, Uuid, bindparam, column, func, literal_column, select, true

from domain.document import DocumentVersion
from domain.document.update import LoggedUpdate
from domain.errors import CursorExpired, Unavailable
from persistence.access import any_id
from persistence.blobs.document_objects import DocumentObjects, gather_limited
from persistence.engine.database import Database
from persistence.engine.lru_cache import LruCache
from persistence.engine.rows import columns, row_class
from persistence.engine.statement import Statement
from persistence.events.document_log import UpdateLog
from persistence.tables import document_heads, document_updates, document_versions, documents

MAX_POSITION = 2**62
_CACHE_BYTES = 64 * 1024 * 1024
_ENTRY_BYTES = 300  # beside the contents
_MAX_TAIL_UPDATES = 2_000  # edits read at once, of all documents together
_MAX_ATTEMPTS = 4

_d, _v, _h, _u = documents, document_versions, document_heads, document_updates
_newest = (
    select(*columns(DocumentVersion, _v))
    .where(_v.c.document_id == _d.c.id, _v.c.position <= bindparam("at", type_=BigInteger))
    .order_by(_v.c.position.desc(), _v.c.number.desc())
    .limit(literal_column("1", Integer))
    .correlate(_d)
    .lateral("newest")
)
_BASES = Statement(
    select(*(_newest.c[each.name] for each in columns(DocumentVersion, _v)), _d.c.id.label("of"), _h.c.position.label("head"))
    .select_from(_d.outerjoin(_newest, true()).outerjoin(_h, _h.c.document_id == _d.c.id))
    .where(_d.c.id == any_id()),
    row_class(DocumentVersion),
)
_tails_param = (
    func.unnest(bindparam("of", type_=ARRAY(Uuid)), bindparam("after", type_=ARRAY(BigInteger)))
    .table_valued(column("of", Uuid), column("after", BigInteger), name="wanted")
    .render_derived()
)
_TAILS = Statement(
    select(*columns(LoggedUpdate, _u))
    .select_from(_u.join(_tails_param, (_u.c.document_id == _tails_param.c.of) & (_u.c.position > _tails_param.c.after)))
    .where(_u.c.position <= bindparam("at", type_=BigInteger))
    .order_by(_u.c.document_id, _u.c.position)
    .limit(bindparam("size", type_=Integer)),
    row_class(LoggedUpdate),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredState:
    """
    What a document says at a position: the CRDT of a version (None: nothing) and the edits after it, in order.

    `base` is that version's row, None where there is none; its position is `base_position`.
    """

    document_id: UUID
    position: int
    base_position: int = 0
    base: Any = None
    snapshot: bytes | None = None
    edits: Sequence[LoggedUpdate] = field(default_factory=tuple)

    @property
    def updates(self) -> list[bytes]:
        """The edits after the snapshot, as Yjs updates."""
        return [each.data for each in self.edits]

    @property
    def size(self) -> int:
        """Bytes of the snapshot and the edits."""
        return len(self.snapshot or b"") + sum(len(each.data) for each in self.edits)

    def until(self, instant: datetime) -> "StoredState":
        """The same without the edits that came after an instant; the base stays, even when it is newer."""
        edits = [each for each in self.edits if each.at <= instant]
        position = edits[-1].position if edits else self.base_position
        return StoredState(
            document_id=self.document_id,
            position=position,
            base_position=self.base_position,
            base=self.base,
            snapshot=self.snapshot,
            edits=edits,
        )


class DocumentReader:
    """Reads what documents say; lives as long as the process."""

    def __init__(self, database: Database, objects: DocumentObjects) -> None:
        self.log = UpdateLog(database)
        self._database = database
        self._objects = objects
        self._contents: LruCache[str, bytes] = LruCache("document contents", _CACHE_BYTES)

    async def read(self, document_ids: Sequence[UUID], *, at: int = MAX_POSITION) -> list[StoredState]:
        """
        What documents say, in the order given, at the last position that is not after `at`.

        Raises CursorExpired where the log no longer reaches back to `at`, and StorageUnavailable.
        """
        for _ in range(_MAX_ATTEMPTS):
            states = await self._try_read(list(dict.fromkeys(document_ids)), at)
            if states is not None:
                return [states[each] for each in document_ids]
            if at != MAX_POSITION:
                raise CursorExpired
        raise Unavailable("The document changes faster than it can be read; try again.")

    async def newest_snapshot(self, document_id: UUID) -> tuple[bytes, int] | None:
        """The state of the newest version and its position, None where there is none; the log is not read."""
        rows = await self._database.fetch(_BASES, ids=[document_id], at=MAX_POSITION)
        if not rows or rows[0].crdt is None:
            return None
        return await self.read_content(document_id, rows[0].crdt), rows[0].position

    async def read_content(self, document_id: UUID, sha256: str) -> bytes:
        """Contents that a version names; cached once read."""
        found = self._contents.get(sha256)
        if found is None:
            found = await self._objects.read_content(document_id, sha256)
            self._contents.put(sha256, found, len(found) + _ENTRY_BYTES)
        return found

    async def _try_read(self, document_ids: list[UUID], at: int) -> dict[UUID, StoredState] | None:
        """What documents say; None when a log was trimmed between the two statements, or does not reach so far back."""
        bases = {row["of"]: row for row in await self._database.fetch(_BASES, ids=document_ids, at=at)}
        since = {each: bases[each].position or 0 if each in bases else 0 for each in document_ids}
        behind = {each: since[each] for each, row in bases.items() if since[each] < min(row["head"] or 0, at)}
        edits = await self._read_tails(behind, at)
        for each, after in behind.items():
            if not edits[each] or edits[each][0].position != after + 1:
                return None
        named = [(each, row.crdt) for each, row in bases.items() if row.crdt is not None]
        snapshots = await gather_limited([_deferred_content(self, *each) for each in named])
        found = {each: snapshot for (each, _), snapshot in zip(named, snapshots, strict=True)}
        return {
            each: StoredState(
                document_id=each,
                position=edits[each][-1].position if edits.get(each) else since[each],
                base_position=since[each],
                base=bases[each] if each in found else None,
                snapshot=found.get(each),
                edits=edits.get(each, ()),
            )
            for each in document_ids
        }

    async def _read_tails(self, behind: dict[UUID, int], at: int) -> dict[UUID, list[LoggedUpdate]]:
        """The edits of each document after a position, and not after `at`."""
        edits: dict[UUID, list[LoggedUpdate]] = defaultdict(list)
        if not behind:
            return edits
        given = {"of": list(behind), "after": list(behind.values()), "at": at, "size": _MAX_TAIL_UPDATES}
        rows = await self._database.fetch(_TAILS, **given)
        for row in rows:
            edits[row.document_id].append(row)
        if len(rows) == _MAX_TAIL_UPDATES:  # cut off: the last of them, and those after it, are read to their ends
            unfinished = [each for each in behind if not edits[each] or each == rows[-1].document_id]
            for each in unfinished:
                await self._read_on(each, behind[each], at, edits[each])
        return edits

    async def _read_on(self, document_id: UUID, after: int, at: int, edits: list[LoggedUpdate]) -> None:
        while True:
            reached = edits[-1].position if edits else after
            if reached >= at:
                return
            try:
                page = await self.log.read(document_id, reached, min(_MAX_TAIL_UPDATES, at - reached))
            except CursorExpired:
                edits.clear()
                return
            if not page:
                return
            edits.extend(page)


def _deferred_content(reader: DocumentReader, document_id: UUID, sha256: str) -> Any:
    return lambda: reader.read_content(document_id, sha256)
