"""
Documents in storage and their index: cut off anywhere, both agree or can be brought to agree, and nothing acknowledged is lost.

On every storage that can run here: a folder, and a stand-in for S3 (or a real bucket), where each test has a prefix of its own.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from app.bootstrap import open_resources
from app.settings import Settings
from domain import document as documents
from domain.errors import Overloaded, StorageUnavailable
from persistence.blobs import document_objects as stored
from persistence.blobs.document_objects import DocumentObjects, document_key, version_key
from persistence.documents.integrity import delete_orphans
from persistence.unit_of_work import SqlUnitOfWork, unit_of_work
from tests.app import App
from tests.conftest import prepare
from tests.people import settle, uuid_of
from tests.storage import Storage, storages
from tests.storing import Cut, Faulty, archive, begin, compared, index
from tests.work import do, document, done, refusals
from tests.writing import write

AT_ONCE = timedelta(seconds=-1)


@pytest.fixture(scope="module", params=list(storages))
async def storage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Storage]:
    """One kind of storage after the other."""
    async with storages[request.param](tmp_path_factory.mktemp(request.param)) as opened:
        yield opened


@pytest.fixture
async def own(postgres_server: str, storage: Storage, tmp_path: Path) -> AsyncIterator[App]:
    """A house of one's own, whose documents lie in this storage."""
    from tests.services import database_from_template

    before, _, asked = storage.url.partition("?")
    settings = Settings(
        database_connections=4, data_dir=tmp_path, blobs_url=f"{before}/{uuid4()}?{asked}" if storage.url else None
    )
    async with (
        database_from_template(postgres_server, "migrated", prepare) as url,
        open_resources(settings, url) as house,
        asyncpg.create_pool(url, min_size=0, max_size=2) as sql,
    ):
        yield App(house, sql)


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
    assert await archive(own).objects.read_content(id_, version["markdown"]) == b"Hello\n\nthere\n"
    report = await compared(own)
    assert (report.documents, report.is_clean) == (2, True)


async def test_a_version_comes_back_with_what_it_said(own: App) -> None:
    team = await settle(own)
    made = await document(own, team, "Page", content="Hello")
    await do(own, team.member, "documentEdit", id=made["id"], base=1, replaceAll="Goodbye")
    await do(own, team.member, "documentSaveVersion", id=made["id"])
    restored = await do(own, team.mate, "documentRestoreVersion", id=made["id"], versionId=made["latestVersion"]["id"])
    assert restored["errors"] == []
    text = "query ($id: ID!) { document(id: $id) { content { text } versions { nodes { number content { text } } } } }"
    shown = (await own.run(team.guest, text, id=made["id"]))["document"]
    versions = [{"number": 2, "content": {"text": "Goodbye\n"}}, {"number": 1, "content": {"text": "Hello\n"}}]
    assert shown == {"content": {"text": "Hello\n"}, "versions": {"nodes": versions}}
    assert (await compared(own)).is_clean


async def test_of_twenty_who_write_the_same_version_one_does_and_the_others_are_told_what_is_there(own: App) -> None:
    team = await settle(own)
    made = await document(own, team, "Page")
    racers = [
        do(own, team.member, "documentUpdate", id=made["id"], title=f"Title {number}", expectedVersion=1) for number in range(20)
    ]
    payloads = await asyncio.gather(*racers)
    (won,) = [each["document"] for each in payloads if not each["errors"]]
    assert won["version"] == 2
    lost = [each for each in payloads if each["errors"]]
    assert [refusals(each) for each in lost] == [[("CONFLICT", ["input", "expectedVersion"])]] * 19
    assert {each["errors"][0]["currentVersion"] for each in lost} == {2}
    record = await archive(own).objects.read(document_key(uuid_of(made["id"])))
    assert (record["version"], record["title"]) == (2, won["title"])
    assert (await compared(own)).is_clean


async def test_a_creation_that_was_cut_off_is_an_orphan_that_may_be_begun_again_or_is_swept(own: App) -> None:
    team = await settle(own)
    blobs = own.house.services.blobs
    again, never = uuid4(), uuid4()
    for id_ in (again, never):
        with pytest.raises(Cut):
            await begin(own, team, id_, blobs, cut=True)
    assert (await compared(own)).orphans == sorted(map(document_key, (again, never)))
    assert (await begin(own, team, again, blobs)).id == again
    assert await delete_orphans(own.house.database, archive(own).objects) == 0
    assert await delete_orphans(own.house.database, archive(own).objects, older_than=AT_ONCE) == 1
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
        snapshot = await archive(own).snapshot_now(id_, documents.DocumentType.TEXT)
        await documents.save_version(uow, team.member.actor, id_, snapshot)

    for change, writes in ((delete, 4), (name, 1), (save, 2)):
        for after in range(writes):
            faulty = Faulty(own.house.services.blobs, after=after, lost=lost)
            with pytest.raises(StorageUnavailable) as told:
                async with unit_of_work(own.house.database, own.house.services.pubsub, objects=DocumentObjects(faulty)) as uow:
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
    await delete_orphans(own.house.database, archive(own).objects, older_than=AT_ONCE)
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


async def test_a_version_never_names_contents_that_were_swept(own: App) -> None:
    team = await settle(own)
    made = await document(own, team, "Page")
    await write(own, team.member, made, "Hello")
    id_ = uuid_of(made["id"])
    snapshot = await archive(own).snapshot_now(id_, documents.DocumentType.TEXT)
    assert (
        await delete_orphans(own.house.database, archive(own).objects, older_than=AT_ONCE) == 2
    )  # as Markdown and as text it says the same
    before = await index(own)
    with pytest.raises(StorageUnavailable):
        async with unit_of_work(own.house.database, own.house.services.pubsub, objects=archive(own).objects) as uow:
            await documents.save_version(uow, team.member.actor, id_, snapshot)
    assert await index(own) == before


async def test_too_many_writers_wait_and_then_are_told(own: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "_SLOT_TIMEOUT_SECONDS", 0.05)
    objects = DocumentObjects(own.house.services.blobs, max_writers=1)
    async with objects.write_slot():
        with pytest.raises(Overloaded):
            async with objects.write_slot():
                pass
    async with objects.write_slot():
        pass
