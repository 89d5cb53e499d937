"""Keeps the search index whole: works off what is queued, builds it anew from the objects, and compares it with them.

Operations write entries themselves (`persistence.search.index_writes`). Queued are objects whose words are not among the known
terms yet, from which corrections are taken, and those that were there before the index was: a migration queues them, and they
can be found as soon as they are worked off. Several processes may do so at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Text, bindparam, column, false, func, select, true, tuple_, union_all
from sqlalchemy import literal_column as literal
from sqlalchemy.dialects.postgresql import insert

from domain.search.entry import place
from domain.search.tokens import words
from domain.search.typo import is_correctable, lookup_keys
from persistence.access import any_id
from persistence.engine.database import Connection, Database
from persistence.engine.rows import recordset
from persistence.engine.statement import Statement
from persistence.search import sources
from persistence.search.index_writes import enqueue, put, remove
from persistence.search.vectors import vector
from persistence.tables import search_entries, search_queue, search_terms, teams, users

BATCH_ROWS: Final = 500
LONG_BATCH_ROWS: Final = 50
"""Of documents, whose texts are long: no statement may take seconds."""
_MAX_REPORTED_IDS: Final = 20
_e, _q, _t = search_entries, search_queue, search_terms
_CLAIM = Statement(
    select(_q.c.type, _q.c.id, _q.c.is_indexed)
    .order_by(_q.c.type, _q.c.id)
    .limit(bindparam("size", type_=Integer))
    .with_for_update(skip_locked=True)
)
_CLAIM_OUTDATED = Statement(
    select(_q.c.type, _q.c.id)
    .where(_q.c.is_indexed.is_(False))
    .order_by(_q.c.type, _q.c.id)
    .limit(bindparam("size", type_=Integer))
    .with_for_update(skip_locked=True)
)
_are_these = tuple_(_q.c.type, _q.c.id).in_(
    select(func.unnest(bindparam("types", type_=ARRAY(Text))), func.unnest(bindparam("ids", type_=ARRAY(_q.c.id.type))))
)
_MARK_INDEXED = Statement(_q.update().where(_are_these).values(is_indexed=true()))
_DONE = Statement(_q.delete().where(_are_these))
_ENQUEUE_ALL = Statement(
    insert(_q)
    .from_select(
        ["type", "id", "is_indexed"],
        union_all(
            *(select(literal(f"'{name}'", Text), table.c.id, false()) for name, table in sources.TABLES.items()),
            *(select(literal(f"'{name}'", Text), table.c.id, true()) for name, table in (("User", users), ("Team", teams))),
        ),
    )
    .on_conflict_do_nothing()
)
_COUNT_QUEUED = Statement(select(func.count()).select_from(_q))
_lexeme = func.unnest(func.tsvector_to_array(_e.c.tokens)).table_valued(column("word", Text), name="lexeme").render_derived()
_UNKNOWN_WORDS = Statement(
    select(_lexeme.c.word)
    .select_from(_e, _lexeme)
    .where(
        _e.c.id == any_id(),
        func.length(_lexeme.c.word).between(literal("4"), literal("24")),
        ~select(literal("1")).where(_t.c.term == _lexeme.c.word).exists(),
    )
    .distinct()
)
_given = recordset("rows", "given", column("term", Text), column("lookup_keys", ARRAY(Integer)))
_LEARN = Statement(
    insert(_t)
    .from_select(["term", "lookup_keys"], select(_given.c.term, _given.c.lookup_keys).order_by(_given.c.term))
    .on_conflict_do_nothing()
)
_STORED = Statement(
    select(_e.c.id, _e.c.place, _e.c.title_key, _e.c.tokens.cast(Text).label("tokens")).where(_e.c.id == any_id())
)
_AS_VECTORS = Statement(
    select(
        func.unnest(bindparam("vectors", type_=ARRAY(Text)))
        .table_valued(column("vector", Text), with_ordinality="nr", name="given")
        .render_derived()
        .c.vector.cast(_e.c.tokens.type)
        .cast(Text)
    )
)
_PAGE_OF_ENTRIES = Statement(
    select(_e.c.id, _e.c.type)
    .where(_e.c.id > bindparam("after", type_=_e.c.id.type))
    .order_by(_e.c.id)
    .limit(bindparam("size", type_=Integer))
)


@dataclass(slots=True)
class IndexReport:
    """How many entries there should be, how many were missing, wrong or of objects that are gone, and some of their ids."""

    entries: int = 0
    missing: int = 0
    outdated: int = 0
    orphaned: int = 0
    examples: list[UUID] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether the index says what the objects say."""
        return not (self.missing or self.outdated or self.orphaned)

    def note(self, id_: UUID) -> None:
        """Remember an id, one of the first."""
        if len(self.examples) < _MAX_REPORTED_IDS:
            self.examples.append(id_)

    def __str__(self) -> str:
        """Counts, then some of the objects, line by line."""
        lines = [f"{self.entries:,} objects: {self.missing:,} missing, {self.outdated:,} outdated, {self.orphaned:,} of none."]
        return "\n".join([*lines, *(f"  {each}" for each in self.examples)])


async def work_off(database: Database) -> int:
    """Index and learn what is queued, a batch in one transaction; how many objects that were."""
    async with database.begin() as connection:
        rows = await connection.fetch(_CLAIM, size=BATCH_ROWS)
        if not rows:
            return 0
        await _index(connection, [row for row in rows if not row["is_indexed"]])
        found: set[str] = set()
        for some in _in_batches([row["id"] for row in rows], LONG_BATCH_ROWS):
            found.update(row[0] for row in await connection.fetch(_UNKNOWN_WORDS, ids=some))
        for type_name in ("User", "Team"):
            named = [row["id"] for row in rows if row["type"] == type_name]
            if named:
                found.update(word for name in await sources.read_names(connection, type_name, named) for word in words(name))
        await _learn(connection, found)
        await connection.execute(_DONE, types=[row["type"] for row in rows], ids=[row["id"] for row in rows])
        return len(rows)


async def index_all(database: Database) -> None:
    """Index all that is queued, and leave its words to be learned by the workers."""
    while True:
        async with database.begin() as connection:
            rows = await connection.fetch(_CLAIM_OUTDATED, size=BATCH_ROWS)
            if not rows:
                return
            await _index(connection, rows)
            await connection.execute(_MARK_INDEXED, types=[row["type"] for row in rows], ids=[row["id"] for row in rows])


async def _index(connection: Connection, rows: Sequence[Any]) -> None:
    """Write the entries of objects, given by type and id."""
    for type_name in sources.SOURCES:
        waiting = [row["id"] for row in rows if row["type"] == type_name]
        for some in _in_batches(waiting, batch_rows(type_name)):
            await put(connection, await sources.lock(connection, type_name, some))


def batch_rows(type_name: str) -> int:
    """How many objects of a type are read or written at once."""
    return LONG_BATCH_ROWS if type_name == "Document" else BATCH_ROWS


def _in_batches(ids: Sequence[UUID], size: int) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


async def work_off_all(database: Database) -> int:
    """Index and learn all that is queued; how many objects that were."""
    total = 0
    while worked := await work_off(database):
        total += worked
    return total


async def enqueue_all(connection: Connection) -> None:
    """Queue every object, after rows were written without the index."""
    await connection.execute(_ENQUEUE_ALL)


async def count_queued(database: Database) -> int:
    """How many objects wait."""
    count: int = await database.fetch_value(_COUNT_QUEUED)
    return count


async def _learn(connection: Connection, found: set[str]) -> None:
    rows = [{"term": each, "lookup_keys": lookup_keys(each)} for each in sorted(found) if is_correctable(each)]
    if rows:
        await connection.execute(_LEARN, rows=rows)


async def reindex(database: Database) -> IndexReport:
    """Write every entry that is missing or differs, and delete those of objects that are gone; what there was to do. People may
    go on working."""
    return await _compare(database, repair=True)


async def verify(database: Database) -> IndexReport:
    """Compare the index with the objects, and change nothing."""
    return await _compare(database, repair=False)


async def _compare(database: Database, *, repair: bool) -> IndexReport:
    report = IndexReport()
    for type_name in sources.SOURCES:
        async for page in sources.read_all(database, type_name, page_rows=batch_rows(type_name)):
            stored = {row["id"]: row for row in await database.fetch(_STORED, ids=[each.id for each in page])}
            vectors = [row[0] for row in await database.fetch(_AS_VECTORS, vectors=[vector(each) for each in page])]
            wrong = []
            for entry, tokens in zip(page, vectors, strict=True):
                report.entries += 1
                row = stored.get(entry.id)
                if row is None:
                    report.missing += 1
                elif (row["place"], row["title_key"], row["tokens"]) != (
                    place(type_name, entry.project_id),
                    entry.title_key,
                    tokens,
                ):
                    report.outdated += 1
                else:
                    continue
                report.note(entry.id)
                wrong.append(entry.id)
            if repair and wrong:
                async with database.begin() as connection:  # as they are now
                    await put(connection, await sources.lock(connection, type_name, wrong))
                    await enqueue(connection, [(type_name, each) for each in wrong], is_indexed=True)
    await _compare_backwards(database, report, repair=repair)
    return report


async def _compare_backwards(database: Database, report: IndexReport, *, repair: bool) -> None:
    """Find entries of objects that are not there."""
    after = UUID(int=0)
    while rows := await database.fetch(_PAGE_OF_ENTRIES, after=after, size=BATCH_ROWS):
        after = rows[-1]["id"]
        orphaned = await _orphaned(database, rows)
        report.orphaned += len(orphaned)
        for each in orphaned:
            report.note(each)
        if repair and orphaned:
            async with database.begin() as connection:
                await remove(connection, orphaned)


async def _orphaned(database: Database, rows: Sequence[tuple[UUID, str]]) -> list[UUID]:
    there: set[UUID] = set()
    for type_name in {type_name for _, type_name in rows}:
        ids = [id_ for id_, each in rows if each == type_name]
        there.update(entry.id for entry in await sources.read(database, type_name, ids))
    return [id_ for id_, _ in rows if id_ not in there]
