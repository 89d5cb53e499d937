"""The index of documents made anew, versions of quiet documents, and the log shortened behind them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.seeding import seed_demo_documents
from app.settings import Settings
from domain.document.version import MAX_UNSAVED_UPDATES
from persistence.blobs.document_objects import content_key, version_key
from persistence.documents.reindex import reindex
from realtime.background_tasks import BackgroundTasks
from realtime.collaboration.sweeper import RoomSweeper
from seed import seed
from tests.support.app import IDLE_TIMINGS, App
from tests.support.document_storage import (
    ProcessEnded,
    create_document_with_blobs,
    document_objects,
    index_rows,
    verify_documents,
)
from tests.support.graph_actions import create_document, mutate, mutate_ok
from tests.support.machine import allowed_seconds
from tests.support.teams import create_sample_team, uuid_of
from tests.support.yjs_edits import append_paragraphs, document_state, typed_characters


async def test_the_index_is_made_anew_from_storage_alone(isolated_app: App) -> None:
    team = await create_sample_team(isolated_app)
    made = await create_document(isolated_app, team, "Page", content="Hello")
    inner = await create_document(isolated_app, team, "Inner", parentId=made["id"], type="PRESENTATION")
    gone = await create_document(isolated_app, team, "Gone", content="Bye")
    await mutate_ok(isolated_app, team.member, "documentDelete", id=gone["id"])
    await append_paragraphs(isolated_app, team.mate, made, "there")
    await mutate(isolated_app, team.member, "documentSaveVersion", id=made["id"], name="One", changeSummary="Two words.")
    await mutate_ok(isolated_app, team.member, "documentUpdate", id=inner["id"], title="Within")
    before = await index_rows(isolated_app)
    await isolated_app.sql.execute("TRUNCATE documents, document_versions, document_heads, document_updates")
    rebuilt = await reindex(isolated_app.resources.database, document_objects(isolated_app))
    assert (rebuilt.documents, rebuilt.versions, rebuilt.orphaned) == (3, 3, [])
    assert await index_rows(isolated_app) == before
    shown = await isolated_app.run(
        team.guest, "query ($id: ID!) { document(id: $id) { content { text position } } }", id=made["id"]
    )
    assert shown["document"]["content"] == {"text": "Hello\n\nthere\n", "position": 2}
    assert await append_paragraphs(isolated_app, team.mate, made, "again") == 3
    again = await reindex(isolated_app.resources.database, document_objects(isolated_app))
    assert (again.documents, again.versions) == (0, 0)


async def test_what_storage_is_ahead_with_becomes_the_index_only_when_it_is_made_anew(isolated_app: App) -> None:
    team = await create_sample_team(isolated_app)
    first = await create_document_with_blobs(isolated_app, team, uuid4(), isolated_app.resources.services.blobs)
    cut = uuid4()
    with pytest.raises(ProcessEnded):
        await create_document_with_blobs(isolated_app, team, cut, isolated_app.resources.services.blobs, end_before_commit=True)
    second = await create_document_with_blobs(
        isolated_app, team, uuid4(), isolated_app.resources.services.blobs
    )  # at the place that the first would have had
    await reindex(isolated_app.resources.database, document_objects(isolated_app))
    ranked = [row[0] for row in await isolated_app.sql.fetch("SELECT id FROM documents ORDER BY rank")]
    assert ranked == [first.id, second.id, cut]


async def test_what_is_missing_is_reported(isolated_app: App) -> None:
    team = await create_sample_team(isolated_app)
    made = await create_document(isolated_app, team, "Page", content="Hello")
    id_ = uuid_of(made["id"])
    version = await document_objects(isolated_app).read(version_key(id_, 1))
    lost = [content_key(id_, version["markdown"]), version_key(id_, 1)]
    for key in lost:
        await isolated_app.resources.services.blobs.delete(key)
    report = await verify_documents(isolated_app)
    assert (report.missing, report.orphans, report.ahead) == (sorted(lost), [], [])
    assert str(report).splitlines()[0] == "1 documents: 0 orphans, 2 missing, 0 ahead."


async def test_a_quiet_document_gets_a_version_at_most_once_in_ten_minutes(isolated_app: App) -> None:
    team = await create_sample_team(isolated_app)
    made = await create_document(isolated_app, team, "Page")
    id_ = uuid_of(made["id"])
    assert await isolated_app.resources.services.compaction.compact(id_) is False
    await append_paragraphs(isolated_app, team.mate, made, "One.")
    assert await isolated_app.resources.services.compaction.compact(id_) is True
    await append_paragraphs(isolated_app, team.mate, made, "Two.")
    assert await isolated_app.resources.services.compaction.compact(id_) is False
    await isolated_app.sql.execute("UPDATE document_versions SET created_at = created_at - interval '11 minutes'")
    assert await isolated_app.resources.services.compaction.compact_all() == 0
    assert await isolated_app.resources.services.compaction.compact_all(quiet_for=timedelta()) == 1
    text = "query ($id: ID!) { document(id: $id) { version versions { nodes { number createdBy { id } contributors { id } } } } }"
    shown = (await isolated_app.run(team.guest, text, id=made["id"]))["document"]
    versions = [{"number": number, "createdBy": None, "contributors": [{"id": team.mate.id}]} for number in (2, 1)]
    assert shown == {"version": 1, "versions": {"nodes": versions}}
    assert (await verify_documents(isolated_app)).is_clean


async def test_a_document_that_is_edited_without_a_pause_gets_a_version_for_so_many_edits(isolated_app: App) -> None:
    app, team = isolated_app, await create_sample_team(isolated_app)
    made = await create_document(app, team, "Page")
    id_, services = uuid_of(made["id"]), app.resources.services
    await append_paragraphs(app, team.mate, made, "One.")
    assert await services.compaction.compact(id_) is True
    updates = typed_characters(await document_state(app, made), MAX_UNSAVED_UPDATES)
    rows = [(id_, 2 + nr, data, team.mate.user.id, datetime.now(UTC)) for nr, data in enumerate(updates)]
    columns = ["document_id", "position", "data", "author_user_id", "at"]

    async def type_on(rows: list[Any]) -> None:
        async with app.sql.acquire() as connection:
            await connection.copy_records_to_table("document_updates", records=rows, columns=columns)
            await connection.execute("UPDATE document_heads SET position = $1", rows[-1][1])

    await type_on(rows[:-1])
    assert await services.compaction.compact(id_) is False
    assert await services.compaction.compact_all() == 0
    await type_on(rows[-1:])
    async with services.rooms.room(id_) as room:  # somebody is there, and has just written
        room.edited_at = asyncio.get_running_loop().time()
        assert room.position == room.compacted_to + 1 + MAX_UNSAVED_UPDATES
        tasks = BackgroundTasks()
        sweeper = RoomSweeper(services.rooms._registry, services.rooms.membership, services.compaction, tasks, IDLE_TIMINGS)
        sweeper._sweep(room, room.edited_at)
        async with asyncio.timeout(allowed_seconds(10)):
            while await app.sql.fetchval("SELECT count(*) FROM document_versions") < 2:
                await asyncio.sleep(0.02)
        sweeper._sweep(room, room.edited_at or 0.0)
        await tasks.cancel_all()
        assert room.compacted_to == room.position == 1 + MAX_UNSAVED_UPDATES
    assert await services.compaction.compact_all() == 0
    shown = await app.run(team.guest, "query ($id: ID!) { document(id: $id) { content { text position } } }", id=made["id"])
    assert shown["document"]["content"] == {"text": "One." + "x" * MAX_UNSAVED_UPDATES + "\n", "position": room.position}


async def test_the_log_is_shortened_to_a_day_behind_a_version_that_loads(isolated_app: App) -> None:
    team = await create_sample_team(isolated_app)
    made = await create_document(isolated_app, team, "Page")
    id_ = uuid_of(made["id"])
    long_ago = datetime.now(UTC) - timedelta(days=2)
    for number in range(3):
        await append_paragraphs(isolated_app, team.mate, made, f"Old {number}.", at=long_ago)
    await append_paragraphs(isolated_app, team.mate, made, "New.")
    assert await isolated_app.resources.services.compaction.trim_log(id_) == 0
    await mutate(isolated_app, team.member, "documentSaveVersion", id=made["id"])
    await append_paragraphs(isolated_app, team.mate, made, "Newer.")
    said = await isolated_app.run(
        team.guest, "query ($id: ID!) { document(id: $id) { content { text position } } }", id=made["id"]
    )
    assert await isolated_app.resources.services.compaction.trim_log(id_) == 3
    assert (await isolated_app.resources.services.document_reader.log.bounds([id_]))[id_].trimmed_to == 3
    shown = await isolated_app.run(
        team.guest, "query ($id: ID!) { document(id: $id) { content { text position } } }", id=made["id"]
    )
    assert shown == said
    assert shown["document"]["content"]["position"] == 5


async def test_the_log_is_kept_when_the_version_is_damaged(isolated_app: App) -> None:
    team = await create_sample_team(isolated_app)
    made = await create_document(isolated_app, team, "Page")
    id_ = uuid_of(made["id"])
    await append_paragraphs(isolated_app, team.mate, made, "Old.", at=datetime.now(UTC) - timedelta(days=2))
    await mutate(isolated_app, team.member, "documentSaveVersion", id=made["id"])
    version = await document_objects(isolated_app).read(version_key(id_, 1))
    await isolated_app.resources.services.blobs.put(content_key(id_, version["crdt"]), b"rubbish")
    assert await isolated_app.resources.services.compaction.trim_log(id_) == 0
    assert (await isolated_app.resources.services.document_reader.log.bounds([id_]))[id_].trimmed_to == 0


async def test_the_demo_gets_its_documents_once(isolated_app: App) -> None:

    settings = Settings(seed_size="demo")
    assert await seed_demo_documents(isolated_app.resources, settings) == 0
    await seed(isolated_app.resources.database, "demo", password_hash="of nobody")
    assert await seed_demo_documents(isolated_app.resources, settings) == 3
    assert await seed_demo_documents(isolated_app.resources, settings) == 0
    found = await isolated_app.sql.fetch("SELECT title, preview FROM documents ORDER BY rank")
    assert [row["title"] for row in found] == ["How a payment moves", "Launch checklist", "Meeting notes"]
    assert all(row["preview"].startswith(row["title"]) for row in found)
    report = await verify_documents(isolated_app)
    assert (report.documents, report.is_clean) == (3, True)
