"""Documents in storage and their index: cut off anywhere, both agree or can be brought to agree, and nothing acknowledged is lost."""

from datetime import timedelta
from uuid import uuid4

import pytest

from domain import document as documents
from domain.errors import Overloaded, StorageUnavailable
from persistence.documents import objects as stored
from persistence.documents.objects import DocumentObjects, document_key, version_key
from persistence.documents.upkeep import sweep
from persistence.unit_of_work import SqlUnitOfWork, unit_of_work
from tests.app import App
from tests.people import settle, uuid_of
from tests.storing import Cut, Faulty, archive, begin, compared, index
from tests.work import do, document, done
from tests.writing import write

AT_ONCE = timedelta(seconds=-1)


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
