"""Documents in storage and their index: cut off anywhere, both agree or can be brought to agree, and nothing acknowledged is lost."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest

from bootstrap import open_house
from domain import document as documents
from domain.blob import Blob, BlobInfo, Blobs, Condition
from domain.document import Document
from domain.errors import Overloaded, StorageUnavailable
from persistence.documents import objects as stored
from persistence.documents.archive import Archive
from persistence.documents.objects import DocumentObjects, content_key, document_key, version_key
from persistence.documents.reindex import reindex
from persistence.documents.upkeep import Report, sweep, verify
from persistence.unit_of_work import SqlUnitOfWork, unit_of_work
from settings import Settings
from tests.app import App
from tests.conftest import prepare
from tests.people import People, settle, uuid_of
from tests.work import do, document, done
from tests.writing import write

AT_ONCE = timedelta(seconds=-1)


class Cut(Exception):
    """The process ended here."""


class Faulty:
    """Blobs that are away from the n-th write on; with `lost`, that write arrives and only its answer is lost."""

    def __init__(self, blobs: Blobs, *, after: int, lost: bool = False) -> None:
        self._blobs = blobs
        self._left = after
        self._lost = lost

    def __getattr__(self, name: str) -> Any:
        return getattr(self._blobs, name)

    async def head(self, key: str) -> BlobInfo | None:
        return await self._blobs.head(key)

    async def get(self, key: str, *, limit: int = 2**26) -> Blob | None:
        return await self._blobs.get(key, limit=limit)

    async def put(self, key: str, content: bytes, *, content_type: str = "x/y", only_if: Condition = None) -> str:
        self._left -= 1
        if self._left >= 0 or (self._left == -1 and self._lost):
            etag = await self._blobs.put(key, content, content_type=content_type, only_if=only_if)
            if self._left >= 0:
                return etag
        raise StorageUnavailable


@pytest.fixture
async def own(postgres_server: str, tmp_path: Any) -> AsyncIterator[App]:
    """A house of one's own: what lies in its storage is this test's."""
    from tests.services import database_from_template

    async with (
        database_from_template(postgres_server, "migrated", prepare) as url,
        open_house(Settings(database_connections=4, data_dir=tmp_path), url) as house,
        asyncpg.create_pool(url, min_size=0, max_size=2) as sql,
    ):
        yield App(house, sql)


def archive(app: App) -> Archive:
    return app.house.services.archive


async def compared(app: App) -> Report:
    return await verify(app.house.database, archive(app).objects)


async def index(app: App) -> list[Any]:
    """All rows of the index."""
    found = await app.sql.fetch("SELECT row_to_json(documents)::text FROM documents ORDER BY id")
    found += await app.sql.fetch("SELECT row_to_json(document_versions)::text FROM document_versions ORDER BY id")
    return [orjson.loads(row[0]) for row in found]


async def begin(app: App, team: People, id_: UUID, blobs: Blobs, *, cut: bool = False) -> Document:
    """Begin a document over other blobs; with `cut`, the process ends when everything is stored and nothing committed."""
    async with unit_of_work(app.house.database, app.house.services.live, objects=DocumentObjects(blobs)) as uow:
        given = {"project_id": team.project.id, "title": "Cut"}
        made = await documents.create(uow, team.member.actor, id_, given)
        if cut:
            await uow.log()
            raise Cut
    return made


async def test_what_is_saved_is_in_storage_as_it_is_in_the_index(own: App) -> None:
    team = await settle(own)
    made = await document(own, team, "Page", content="Hello")
    await done(own, team.member, "documentUpdate", id=made["id"], title="Title")
    await write(own, team.mate, made, "there")
    await do(own, team.member, "documentSaveVersion", id=made["id"], name="One")
    await done(own, team.member, "documentMove", id=(await document(own, team, "Inner"))["id"], parentId=made["id"])
    id_ = uuid_of(made["id"])
    record = await archive(own).objects.read(document_key(id_))
    assert (record["title"], record["version"], record["latest_number"], record["preview"]) == ("Title", 2, 2, "Hello there")
    version = await archive(own).objects.read(version_key(id_, 2))
    assert (version["name"], version["position"]) == ("One", 2)
    assert await archive(own).objects.content(id_, version["markdown"]) == b"Hello\n\nthere\n"
    report = await compared(own)
    assert (report.documents, report.is_clean) == (2, True)


async def test_a_creation_that_was_cut_off_is_an_orphan_that_may_be_begun_again_or_is_swept(own: App) -> None:
    team = await settle(own)
    blobs = own.house.services.blobs
    again, never = uuid4(), uuid4()
    for id_ in (again, never):
        with pytest.raises(Cut):
            await begin(own, team, id_, blobs, cut=True)
    assert (await compared(own)).orphans == sorted(map(document_key, (again, never)))
    assert (await begin(own, team, again, blobs)).id == again
    assert await sweep(own.house.database, archive(own).objects) == 0
    assert await sweep(own.house.database, archive(own).objects, older_than=AT_ONCE) == 1
    assert await blobs.head(document_key(never)) is None
    report = await compared(own)
    assert (report.documents, report.is_clean) == (1, True)


@pytest.mark.parametrize("lost", [False, True])
async def test_storage_that_goes_away_at_any_write_leaves_nothing_half_saved(own: App, lost: bool) -> None:
    team = await settle(own)
    made = await document(own, team, "Page", content="Hello")
    inner = [await document(own, team, f"Inner {number}", parentId=made["id"]) for number in range(3)]
    id_ = uuid_of(made["id"])
    before = await index(own)

    async def delete(uow: SqlUnitOfWork) -> None:
        await documents.delete(uow, team.member.actor, id_, expected_version=None)

    async def name(uow: SqlUnitOfWork) -> None:
        await documents.edit.update(uow, team.member.actor, id_, {"title": "Other"}, expected_version=None)

    async def save(uow: SqlUnitOfWork) -> None:
        snapshot = await archive(own).take(id_, documents.DocumentType.TEXT)
        await documents.save_version(uow, team.member.actor, id_, snapshot)

    for change, writes in ((delete, 4), (name, 1), (save, 2)):
        for after in range(writes):
            faulty = Faulty(own.house.services.blobs, after=after, lost=lost)
            with pytest.raises(StorageUnavailable) as told:
                async with unit_of_work(own.house.database, own.house.services.live, objects=DocumentObjects(faulty)) as uow:
                    await change(uow)
            assert told.value.code == "STORAGE_UNAVAILABLE"
            assert await index(own) == before
    assert (await compared(own)).missing == []
    # What storage is ahead with is replaced by the next write, and counts for nothing until then.
    shown = await own.run(
        team.guest, "query ($id: ID!) { document(id: $id) { title deletedAt content { text } } }", id=made["id"]
    )
    assert shown["document"] == {"title": "Page", "deletedAt": None, "content": {"text": "Hello\n"}}
    await do(own, team.member, "documentSaveVersion", id=made["id"])
    for each in inner:
        await done(own, team.member, "documentUpdate", id=each["id"], title="Mended")
    await sweep(own.house.database, archive(own).objects, older_than=AT_ONCE)
    assert (await compared(own)).is_clean


async def test_a_mutation_is_answered_that_storage_is_away_and_what_was_is(own: App, monkeypatch: pytest.MonkeyPatch) -> None:
    team = await settle(own)
    made = await document(own, team, "Page")
    before = await index(own)
    monkeypatch.setattr(archive(own).objects, "blobs", Faulty(own.house.services.blobs, after=0))
    text = "mutation ($input: DocumentUpdateInput!) { documentUpdate(input: $input) { document { id } } }"
    answer = await own.answer(team.member, text, input={"id": made["id"], "title": "Away"})
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["STORAGE_UNAVAILABLE"]
    text = "mutation ($input: DocumentCreateInput!) { documentCreate(input: $input) { document { id } } }"
    given = {"projectId": team.project_id, "title": "New", "content": "Words."}
    answer = await own.answer(team.member, text, input=given)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["STORAGE_UNAVAILABLE"]
    assert await index(own) == before


async def test_the_index_is_made_anew_from_storage_alone(own: App) -> None:
    team = await settle(own)
    made = await document(own, team, "Page", content="Hello")
    inner = await document(own, team, "Inner", parentId=made["id"], type="PRESENTATION")
    gone = await document(own, team, "Gone", content="Bye")
    await done(own, team.member, "documentDelete", id=gone["id"])
    await write(own, team.mate, made, "there")
    await do(own, team.member, "documentSaveVersion", id=made["id"], name="One", changeSummary="Two words.")
    await done(own, team.member, "documentUpdate", id=inner["id"], title="Within")
    before = await index(own)
    await own.sql.execute("TRUNCATE documents, document_versions, document_heads, document_updates")
    rebuilt = await reindex(own.house.database, archive(own).objects)
    assert (rebuilt.documents, rebuilt.versions, rebuilt.homeless) == (3, 3, [])
    assert await index(own) == before
    shown = await own.run(team.guest, "query ($id: ID!) { document(id: $id) { content { text position } } }", id=made["id"])
    assert shown["document"]["content"] == {"text": "Hello\n\nthere\n", "position": 2}
    assert await write(own, team.mate, made, "again") == 3
    again = await reindex(own.house.database, archive(own).objects)
    assert (again.documents, again.versions) == (0, 0)


async def test_what_storage_is_ahead_with_becomes_the_index_only_when_it_is_made_anew(own: App) -> None:
    team = await settle(own)
    first = await begin(own, team, uuid4(), own.house.services.blobs)
    cut = uuid4()
    with pytest.raises(Cut):
        await begin(own, team, cut, own.house.services.blobs, cut=True)
    second = await begin(own, team, uuid4(), own.house.services.blobs)  # at the place that the first would have had
    await reindex(own.house.database, archive(own).objects)
    ranked = [row[0] for row in await own.sql.fetch("SELECT id FROM documents ORDER BY rank")]
    assert ranked == [first.id, second.id, cut]


async def test_what_is_missing_is_told(own: App) -> None:
    team = await settle(own)
    made = await document(own, team, "Page", content="Hello")
    id_ = uuid_of(made["id"])
    version = await archive(own).objects.read(version_key(id_, 1))
    lost = [content_key(id_, version["markdown"]), version_key(id_, 1)]
    for key in lost:
        await own.house.services.blobs.delete(key)
    report = await compared(own)
    assert (report.missing, report.orphans, report.ahead) == (sorted(lost), [], [])
    assert str(report).splitlines()[0] == "1 documents: 0 orphans, 2 missing, 0 ahead."


async def test_a_version_never_names_contents_that_were_swept(own: App) -> None:
    team = await settle(own)
    made = await document(own, team, "Page")
    await write(own, team.member, made, "Hello")
    id_ = uuid_of(made["id"])
    snapshot = await archive(own).take(id_, documents.DocumentType.TEXT)
    assert (
        await sweep(own.house.database, archive(own).objects, older_than=AT_ONCE) == 2
    )  # as Markdown and as text it says the same
    before = await index(own)
    with pytest.raises(StorageUnavailable):
        async with unit_of_work(own.house.database, own.house.services.live, objects=archive(own).objects) as uow:
            await documents.save_version(uow, team.member.actor, id_, snapshot)
    assert await index(own) == before


async def test_too_many_writers_wait_and_then_are_told(own: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "_WAIT", 0.05)
    objects = DocumentObjects(own.house.services.blobs, writers=1)
    async with objects.turn():
        with pytest.raises(Overloaded):
            async with objects.turn():
                pass
    async with objects.turn():
        pass


async def test_a_quiet_document_gets_a_version_at_most_once_in_ten_minutes(own: App) -> None:
    team = await settle(own)
    made = await document(own, team, "Page")
    id_ = uuid_of(made["id"])
    assert await archive(own).settle(id_) is False
    await write(own, team.mate, made, "One.")
    assert await archive(own).settle(id_) is True
    await write(own, team.mate, made, "Two.")
    assert await archive(own).settle(id_) is False
    await own.sql.execute("UPDATE document_versions SET created_at = created_at - interval '11 minutes'")
    assert await archive(own).settle_all() == 0
    assert await archive(own).settle_all(quiet_for=timedelta()) == 1
    text = "query ($id: ID!) { document(id: $id) { version versions { nodes { number createdBy { id } contributors { id } } } } }"
    shown = (await own.run(team.guest, text, id=made["id"]))["document"]
    versions = [{"number": number, "createdBy": None, "contributors": [{"id": team.mate.id}]} for number in (2, 1)]
    assert shown == {"version": 1, "versions": {"nodes": versions}}
    assert (await compared(own)).is_clean


async def test_the_log_is_shortened_to_a_day_behind_a_version_that_loads(own: App) -> None:
    team = await settle(own)
    made = await document(own, team, "Page")
    id_ = uuid_of(made["id"])
    long_ago = datetime.now(UTC) - timedelta(days=2)
    for number in range(3):
        await write(own, team.mate, made, f"Old {number}.", at=long_ago)
    await write(own, team.mate, made, "New.")
    assert await archive(own).compact(id_) == 0
    await do(own, team.member, "documentSaveVersion", id=made["id"])
    await write(own, team.mate, made, "Newer.")
    said = await own.run(team.guest, "query ($id: ID!) { document(id: $id) { content { text position } } }", id=made["id"])
    assert await archive(own).compact(id_) == 3
    assert (await archive(own).states.log.bounds([id_]))[id_].trimmed_to == 3
    shown = await own.run(team.guest, "query ($id: ID!) { document(id: $id) { content { text position } } }", id=made["id"])
    assert shown == said
    assert shown["document"]["content"]["position"] == 5


async def test_the_log_is_kept_when_the_version_is_damaged(own: App) -> None:
    team = await settle(own)
    made = await document(own, team, "Page")
    id_ = uuid_of(made["id"])
    await write(own, team.mate, made, "Old.", at=datetime.now(UTC) - timedelta(days=2))
    await do(own, team.member, "documentSaveVersion", id=made["id"])
    version = await archive(own).objects.read(version_key(id_, 1))
    await own.house.services.blobs.put(content_key(id_, version["crdt"]), b"rubbish")
    assert await archive(own).compact(id_) == 0
    assert (await archive(own).states.log.bounds([id_]))[id_].trimmed_to == 0
