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
from pydantic import SecretStr

from app.bootstrap import open_resources
from app.settings import Settings
from domain import document as documents
from domain.errors import Overloaded, StorageUnavailable
from persistence.blobs.document_objects import DocumentObjects, document_key, version_key
from persistence.documents.integrity import delete_orphans
from persistence.unit_of_work import SqlUnitOfWork, unit_of_work
from tests.conftest import migrate_template
from tests.support.app import App
from tests.support.blob_stores import BLOB_STORES, OpenBlobStore
from tests.support.document_storage import (
    FaultyBlobs,
    ProcessEnded,
    create_document_with_blobs,
    document_objects,
    index_rows,
    verify_documents,
)
from tests.support.graph_actions import codes_and_paths, create_document, mutate, mutate_ok
from tests.support.secret_key import SECRET_KEY
from tests.support.teams import create_sample_team, uuid_of
from tests.support.yjs_edits import append_paragraphs

NO_GRACE_PERIOD = timedelta(seconds=-1)


@pytest.fixture(scope="module", params=list(BLOB_STORES))
async def storage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OpenBlobStore]:
    """One kind of storage after the other."""
    async with BLOB_STORES[request.param](tmp_path_factory.mktemp(request.param)) as opened:
        yield opened


@pytest.fixture
async def isolated_app(postgres_server: str, storage: OpenBlobStore, tmp_path: Path) -> AsyncIterator[App]:
    """A house of one's own, whose documents lie in this storage."""
    from tests.support.backing_services import database_from_template

    before, _, asked = storage.url.partition("?")
    settings = Settings(
        secret_key=SecretStr(SECRET_KEY),
        database_connections=4,
        data_dir=tmp_path,
        blobs_url=f"{before}/{uuid4()}?{asked}" if storage.url else None,
    )
    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        open_resources(settings, url) as house,
        asyncpg.create_pool(url, min_size=0, max_size=2) as sql,
    ):
        yield App(house, sql)


async def test_what_is_saved_is_in_storage_as_it_is_in_the_index(isolated_app: App) -> None:
    team = await create_sample_team(isolated_app)
    made = await create_document(isolated_app, team, "Page", content="Hello")
    await mutate_ok(isolated_app, team.member, "documentUpdate", id=made["id"], title="Title")
    await append_paragraphs(isolated_app, team.mate, made, "there")
    await mutate(isolated_app, team.member, "documentSaveVersion", id=made["id"], name="One")
    await mutate_ok(
        isolated_app,
        team.member,
        "documentMove",
        id=(await create_document(isolated_app, team, "Inner"))["id"],
        parentId=made["id"],
    )
    id_ = uuid_of(made["id"])
    record = await document_objects(isolated_app).read(document_key(id_))
    assert (record["title"], record["version"], record["latest_number"], record["preview"]) == ("Title", 2, 2, "Hello there")
    version = await document_objects(isolated_app).read(version_key(id_, 2))
    assert (version["name"], version["position"]) == ("One", 2)
    assert await document_objects(isolated_app).read_content(id_, version["markdown"]) == b"Hello\n\nthere\n"
    report = await verify_documents(isolated_app)
    assert (report.documents, report.is_clean) == (2, True)


async def test_a_version_comes_back_with_what_it_said(isolated_app: App) -> None:
    team = await create_sample_team(isolated_app)
    made = await create_document(isolated_app, team, "Page", content="Hello")
    await mutate(isolated_app, team.member, "documentEdit", id=made["id"], base=1, replaceAll="Goodbye")
    await mutate(isolated_app, team.member, "documentSaveVersion", id=made["id"])
    restored = await mutate(
        isolated_app, team.mate, "documentRestoreVersion", id=made["id"], versionId=made["latestVersion"]["id"]
    )
    assert restored["errors"] == []
    text = "query ($id: ID!) { document(id: $id) { content { text } versions { nodes { number content { text } } } } }"
    shown = (await isolated_app.run(team.guest, text, id=made["id"]))["document"]
    versions = [{"number": 2, "content": {"text": "Goodbye\n"}}, {"number": 1, "content": {"text": "Hello\n"}}]
    assert shown == {"content": {"text": "Hello\n"}, "versions": {"nodes": versions}}
    assert (await verify_documents(isolated_app)).is_clean


async def test_of_twenty_who_write_the_same_version_one_does_and_the_others_are_notified_what_is_there(isolated_app: App) -> None:
    team = await create_sample_team(isolated_app)
    made = await create_document(isolated_app, team, "Page")
    racers = [
        mutate(isolated_app, team.member, "documentUpdate", id=made["id"], title=f"Title {number}", expectedVersion=1)
        for number in range(20)
    ]
    payloads = await asyncio.gather(*racers)
    (won,) = [each["document"] for each in payloads if not each["errors"]]
    assert won["version"] == 2
    lost = [each for each in payloads if each["errors"]]
    assert [codes_and_paths(each) for each in lost] == [[("CONFLICT", ["input", "expectedVersion"])]] * 19
    assert {each["errors"][0]["currentVersion"] for each in lost} == {2}
    record = await document_objects(isolated_app).read(document_key(uuid_of(made["id"])))
    assert (record["version"], record["title"]) == (2, won["title"])
    assert (await verify_documents(isolated_app)).is_clean


async def test_a_creation_that_was_cut_off_is_an_orphan_that_may_be_begun_again_or_is_swept(isolated_app: App) -> None:
    team = await create_sample_team(isolated_app)
    blobs = isolated_app.resources.services.blobs
    again, never = uuid4(), uuid4()
    for id_ in (again, never):
        with pytest.raises(ProcessEnded):
            await create_document_with_blobs(isolated_app, team, id_, blobs, end_before_commit=True)
    assert (await verify_documents(isolated_app)).orphans == sorted(map(document_key, (again, never)))
    assert (await create_document_with_blobs(isolated_app, team, again, blobs)).id == again
    assert await delete_orphans(isolated_app.resources.database, document_objects(isolated_app)) == 0
    assert await delete_orphans(isolated_app.resources.database, document_objects(isolated_app), older_than=NO_GRACE_PERIOD) == 1
    assert await blobs.head(document_key(never)) is None
    report = await verify_documents(isolated_app)
    assert (report.documents, report.is_clean) == (1, True)


@pytest.mark.parametrize("lost", [False, True])
async def test_storage_that_goes_away_at_any_write_leaves_nothing_half_saved(isolated_app: App, lost: bool) -> None:
    team = await create_sample_team(isolated_app)
    made = await create_document(isolated_app, team, "Page", content="Hello")
    inner = [await create_document(isolated_app, team, f"Inner {number}", parentId=made["id"]) for number in range(3)]
    id_ = uuid_of(made["id"])
    before = await index_rows(isolated_app)

    async def delete(uow: SqlUnitOfWork) -> None:
        await documents.delete(uow, team.member.actor, id_, expected_version=None)

    async def name(uow: SqlUnitOfWork) -> None:
        await documents.edit.update(uow, team.member.actor, id_, {"title": "Other"}, expected_version=None)

    async def save(uow: SqlUnitOfWork) -> None:
        snapshot = await isolated_app.resources.services.snapshots.store_current(id_, documents.DocumentType.TEXT)
        await documents.save_version(uow, team.member.actor, id_, snapshot)

    for change, writes in ((delete, 4), (name, 1), (save, 2)):
        for after in range(writes):
            faulty = FaultyBlobs(isolated_app.resources.services.blobs, successful_writes=after, loses_last_answer=lost)
            with pytest.raises(StorageUnavailable) as results:
                async with unit_of_work(
                    isolated_app.resources.database, isolated_app.resources.services.pubsub, objects=DocumentObjects(faulty)
                ) as uow:
                    await change(uow)
            assert results.value.code == "STORAGE_UNAVAILABLE"
            assert await index_rows(isolated_app) == before
    assert (await verify_documents(isolated_app)).missing == []
    # What storage is ahead with is replaced by the next write, and counts for nothing until then.
    shown = await isolated_app.run(
        team.guest, "query ($id: ID!) { document(id: $id) { title deletedAt content { text } } }", id=made["id"]
    )
    assert shown["document"] == {"title": "Page", "deletedAt": None, "content": {"text": "Hello\n"}}
    await mutate(isolated_app, team.member, "documentSaveVersion", id=made["id"])
    for each in inner:
        await mutate_ok(isolated_app, team.member, "documentUpdate", id=each["id"], title="Mended")
    await delete_orphans(isolated_app.resources.database, document_objects(isolated_app), older_than=NO_GRACE_PERIOD)
    assert (await verify_documents(isolated_app)).is_clean


async def test_a_mutation_is_answered_that_storage_is_away_and_what_was_is(
    isolated_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = await create_sample_team(isolated_app)
    made = await create_document(isolated_app, team, "Page")
    before = await index_rows(isolated_app)
    monkeypatch.setattr(
        document_objects(isolated_app), "blobs", FaultyBlobs(isolated_app.resources.services.blobs, successful_writes=0)
    )
    text = "mutation ($input: DocumentUpdateInput!) { documentUpdate(input: $input) { document { id } } }"
    answer = await isolated_app.execute(team.member, text, input={"id": made["id"], "title": "Away"})
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["STORAGE_UNAVAILABLE"]
    text = "mutation ($input: DocumentCreateInput!) { documentCreate(input: $input) { document { id } } }"
    given = {"projectId": team.project_id, "title": "New", "content": "Words."}
    answer = await isolated_app.execute(team.member, text, input=given)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["STORAGE_UNAVAILABLE"]
    assert await index_rows(isolated_app) == before


async def test_a_version_never_names_contents_that_were_swept(isolated_app: App) -> None:
    team = await create_sample_team(isolated_app)
    made = await create_document(isolated_app, team, "Page")
    await append_paragraphs(isolated_app, team.member, made, "Hello")
    id_ = uuid_of(made["id"])
    snapshot = await isolated_app.resources.services.snapshots.store_current(id_, documents.DocumentType.TEXT)
    assert (
        await delete_orphans(isolated_app.resources.database, document_objects(isolated_app), older_than=NO_GRACE_PERIOD) == 2
    )  # as Markdown and as text it says the same
    before = await index_rows(isolated_app)
    with pytest.raises(StorageUnavailable):
        async with unit_of_work(
            isolated_app.resources.database, isolated_app.resources.services.pubsub, objects=document_objects(isolated_app)
        ) as uow:
            await documents.save_version(uow, team.member.actor, id_, snapshot)
    assert await index_rows(isolated_app) == before


async def test_a_writer_that_gets_no_slot_in_time_is_overloaded_and_the_slot_comes_back(isolated_app: App) -> None:
    objects = DocumentObjects(isolated_app.resources.services.blobs, max_writers=1, slot_timeout_seconds=0.05)
    async with objects.write_slot():
        with pytest.raises(Overloaded):
            async with objects.write_slot():
                pass
    async with objects.write_slot():
        pass
