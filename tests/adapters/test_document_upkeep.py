"""The index of documents made anew, versions of quiet documents, and the log shortened behind them."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from app.bootstrap import seed_database, seed_demo_documents
from app.settings import Settings
from persistence.blobs.document_objects import content_key, version_key
from persistence.documents.reindex import reindex
from tests.app import App
from tests.people import settle, uuid_of
from tests.storing import Cut, archive, begin, compared, index
from tests.work import do, document, done
from tests.writing import write


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
    assert (rebuilt.documents, rebuilt.versions, rebuilt.orphaned) == (3, 3, [])
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


async def test_a_quiet_document_gets_a_version_at_most_once_in_ten_minutes(own: App) -> None:
    team = await settle(own)
    made = await document(own, team, "Page")
    id_ = uuid_of(made["id"])
    assert await archive(own).compact(id_) is False
    await write(own, team.mate, made, "One.")
    assert await archive(own).compact(id_) is True
    await write(own, team.mate, made, "Two.")
    assert await archive(own).compact(id_) is False
    await own.sql.execute("UPDATE document_versions SET created_at = created_at - interval '11 minutes'")
    assert await archive(own).compact_all() == 0
    assert await archive(own).compact_all(quiet_for=timedelta()) == 1
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
    assert await archive(own).trim_log(id_) == 0
    await do(own, team.member, "documentSaveVersion", id=made["id"])
    await write(own, team.mate, made, "Newer.")
    said = await own.run(team.guest, "query ($id: ID!) { document(id: $id) { content { text position } } }", id=made["id"])
    assert await archive(own).trim_log(id_) == 3
    assert (await archive(own).reader.log.bounds([id_]))[id_].trimmed_to == 3
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
    assert await archive(own).trim_log(id_) == 0
    assert (await archive(own).reader.log.bounds([id_]))[id_].trimmed_to == 0


async def test_the_demo_gets_its_documents_once(own: App) -> None:

    settings = Settings(seed_size="demo")
    assert await seed_demo_documents(own.house, settings) == 0
    await seed_database(own.house.database, settings)
    assert await seed_demo_documents(own.house, settings) == 3
    assert await seed_demo_documents(own.house, settings) == 0
    found = await own.sql.fetch("SELECT title, preview FROM documents ORDER BY rank")
    assert [row["title"] for row in found] == ["How a payment moves", "Launch checklist", "Meeting notes"]
    assert all(row["preview"].startswith(row["title"]) for row in found)
    report = await compared(own)
    assert (report.documents, report.is_clean) == (3, True)
