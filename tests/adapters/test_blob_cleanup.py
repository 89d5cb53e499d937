"""What nobody needs goes, in time; what somebody may still need stays."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from domain.blob import attachment_key
from domain.errors import StorageUnavailable
from persistence.blob_cleanup import clean_up_blobs
from persistence.blobs.local import LocalBlobs
from persistence.retry_schedule import RetrySchedule
from tests.support.app import App
from tests.support.graph_actions import create_comment, create_task, mutate_ok
from tests.support.server_process import running_process
from tests.support.teams import SampleTeam, uuid_of
from tests.support.uploads import PNG, create_upload, fetch_file, put_content, upload_file

LATER = timedelta(hours=25)


async def has_bytes(app: App, file: "dict[str, str]") -> bool:
    """Whether a file's blob is there."""
    return await app.resources.services.blobs.head(attachment_key(uuid_of(file["id"]))) is not None


async def test_the_bytes_of_deleted_files_go(app: App, team: SampleTeam) -> None:
    card = await create_task(app, team)
    deleted, commented, kept = [await upload_file(app, team.member, fileName=str(number)) for number in range(3)]
    said = await create_comment(app, team.member, card, uploadIds=[commented["id"]])
    await create_comment(app, team.member, card, uploadIds=[kept["id"]])
    first, second = [await upload_file(app, team.mate, PNG, contentType="image/png") for _ in range(2)]
    await mutate_ok(app, team.mate, "userUpdate", avatarUploadId=first["id"])
    await mutate_ok(app, team.member, "attachmentDelete", id=deleted["id"])
    await mutate_ok(app, team.member, "commentDelete", id=said["id"])
    await mutate_ok(app, team.mate, "userUpdate", avatarUploadId=second["id"])
    assert [await has_bytes(app, each) for each in (deleted, commented, first)] == [True, True, True]

    swept = await clean_up_blobs(app.resources.database, app.resources.services.blobs, datetime.now(UTC), orphans=False)
    assert swept.discarded >= 3
    assert [await has_bytes(app, each) for each in (deleted, commented, first)] == [False, False, False]
    assert [await has_bytes(app, each) for each in (kept, second)] == [True, True]
    assert await app.sql.fetchval("SELECT count(*) FROM discarded_blobs") == 0


async def test_an_upload_that_was_never_attached_goes_after_a_day(app: App, team: SampleTeam) -> None:
    database, blobs = app.resources.database, app.resources.services.blobs
    card = await create_task(app, team)
    forgotten, attached = await upload_file(app, team.member), await upload_file(app, team.member, subjectId=card["id"])
    pending = (await create_upload(app, team.member, b"Never sent."))["attachment"]
    assert (await clean_up_blobs(database, blobs, datetime.now(UTC) + timedelta(hours=23), orphans=False)).abandoned == 0
    assert await has_bytes(app, forgotten)
    await clean_up_blobs(database, blobs, datetime.now(UTC) + LATER, orphans=False)
    assert [await fetch_file(app, team.member, each) is None for each in (forgotten, pending, attached)] == [True, True, False]
    assert [await has_bytes(app, each) for each in (forgotten, attached)] == [False, True]


async def test_bytes_that_nothing_names_go_after_a_day(app: App, team: SampleTeam) -> None:
    database, blobs = app.resources.database, app.resources.services.blobs
    assert isinstance(blobs, LocalBlobs)
    card = await create_task(app, team)
    file = await upload_file(app, team.member, subjectId=card["id"])
    late = await create_upload(app, team.member, b"Late")
    await mutate_ok(app, team.member, "attachmentDelete", id=late["attachment"]["id"])
    await clean_up_blobs(database, blobs, datetime.now(UTC), orphans=False)
    assert await put_content(app, late["upload"], b"Late") == 200  # the address is still good: an orphan
    await blobs.put("documents/x/document.json", b"{}")
    assert (await clean_up_blobs(database, blobs, datetime.now(UTC))).orphaned == 0
    assert await has_bytes(app, late["attachment"])
    aged = blobs.file_store._path(attachment_key(uuid_of(late["attachment"]["id"])))
    os.utime(aged, (time.time() - 90_000, time.time() - 90_000))
    assert (await clean_up_blobs(database, blobs, datetime.now(UTC))).orphaned == 1
    assert [await has_bytes(app, each) for each in (late["attachment"], file)] == [False, True]
    assert await blobs.head("documents/x/document.json") is not None


async def test_a_blob_that_cannot_be_deleted_is_skipped_for_a_while_and_the_others_go(isolated_app: App) -> None:
    app, now = isolated_app, [0.0]
    database, blobs = app.resources.database, app.resources.services.blobs
    assert isinstance(blobs, LocalBlobs)
    keys = [f"attachments/{number}" for number in range(4)]
    for key in keys:
        await app.sql.execute("INSERT INTO discarded_blobs (key, at) VALUES ($1, now())", key)
        await blobs.put(key, b"Bytes")
    broken = blobs.file_store._path(keys[1])
    broken.unlink()
    broken.mkdir()  # a folder cannot be unlinked
    retries = RetrySchedule[str](clock=lambda: now[0])
    report = await clean_up_blobs(database, blobs, datetime.now(UTC), orphans=False, retries=retries)
    assert (report.discarded, report.failed) == (3, 1)
    assert [row["key"] for row in await app.sql.fetch("SELECT key FROM discarded_blobs")] == [keys[1]]
    broken.rmdir()
    assert (await clean_up_blobs(database, blobs, datetime.now(UTC), orphans=False, retries=retries)).discarded == 0
    now[0] = 61.0
    report = await clean_up_blobs(database, blobs, datetime.now(UTC), orphans=False, retries=retries)
    assert (report.discarded, report.failed) == (1, 0)
    assert await app.sql.fetchval("SELECT count(*) FROM discarded_blobs") == 0


async def test_a_sweep_that_storage_stops_is_finished_by_the_next(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, blobs = app.resources.database, app.resources.services.blobs
    file = await upload_file(app, team.member)
    await mutate_ok(app, team.member, "attachmentDelete", id=file["id"])

    async def away(self: LocalBlobs, key: str) -> None:
        raise StorageUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(LocalBlobs, "delete", away)
        with pytest.raises(StorageUnavailable):
            await clean_up_blobs(database, blobs, datetime.now(UTC), orphans=False)
    assert await app.sql.fetchval("SELECT key FROM discarded_blobs") == attachment_key(uuid_of(file["id"]))
    assert (await clean_up_blobs(database, blobs, datetime.now(UTC), orphans=False)).discarded == 1
    assert not await has_bytes(app, file)


@pytest.mark.slow
async def test_the_command_line_sweeps(database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "blobs" / "objects" / "attachments"
    folder.mkdir(parents=True)
    orphan = folder / f"{UUID(int=7)}="
    orphan.write_bytes(b"")
    os.utime(orphan, (time.time() - 90_000, time.time() - 90_000))
    with running_process("blobs", "sweep", folder=tmp_path, database_url=database_url) as verb:
        assert await verb.wait_for_exit() == 0, verb.output
        assert "1 blobs that nothing names" in verb.output
    assert not orphan.exists()
