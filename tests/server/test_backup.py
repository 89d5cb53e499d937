"""`server.py admin backup`, `verify-backup` and `restore`: what is in a backup, and what is refused."""

import asyncio
import itertools
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from app.audit import verify_audit
from app.backup import verify_backup
from app.counters import verify_counters
from app.migration import migrate
from app.service_database import CannotStart
from app.worker import run_worker
from domain.blob import attachment_key
from domain.errors import StorageUnavailable
from embedded import embedded_postgres
from migrations import head_revision
from persistence.backup.backup import back_up
from persistence.backup.folder import BackupFolder
from persistence.backup.running import BackupRunning
from persistence.blob_cleanup import clean_up_blobs
from tests.graph.test_document_content import read_content, save_version
from tests.support.app import App, Person
from tests.support.backups import Installation, empty_installation, migrated_installation, stored_blobs
from tests.support.blob_stores import ministack_store
from tests.support.document_storage import verify_documents
from tests.support.graph_actions import create_comment, create_document, create_task, fetch_task, mutate_ok
from tests.support.notifications import inbox
from tests.support.secret_key import SECRET_KEY
from tests.support.server_process import (
    TASK_CREATE,
    create_team_and_project,
    register_user,
    running_process,
    running_server,
)
from tests.support.teams import SampleTeam, create_sample_team, uuid_of
from tests.support.uploads import ATTACHMENT_URL_QUERY, create_upload, signed_request, upload_file
from tests.support.worker_effects import FAST_TIMINGS
from tests.support.yjs_edits import append_paragraphs

BINARY = {"contentType": "application/octet-stream"}
CHANGES = "query ($after: SyncCursor) { changes(after: $after, first: 100) { cursor nodes { entityId } } }"


@pytest.fixture
async def source(postgres_server: str, tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation in use."""
    async with migrated_installation(postgres_server, tmp_path / "source", secret_key=SecretStr(SECRET_KEY)) as installation:
        await migrate(installation.url)
        yield installation


@pytest.fixture
async def target(postgres_server: str, tmp_path: Path) -> AsyncIterator[Installation]:
    """A new one with the same secret."""
    async with empty_installation(postgres_server, tmp_path / "target", secret_key=SecretStr(SECRET_KEY)) as installation:
        yield installation


async def download(app: App, person: Person, file_id: str) -> bytes:
    """The bytes of an attachment, by the URL that the graph gives."""
    found = (await app.run(person, ATTACHMENT_URL_QUERY, id=file_id))["node"]
    answer = await signed_request(app, "GET", found["url"])
    assert answer.status_code == 200
    return answer.content


async def fill(app: App) -> tuple[SampleTeam, dict[str, Any]]:
    """A team with a little of everything: what it wrote, by kind."""
    team = await create_sample_team(app)
    task = await create_task(app, team, "Ein Zettel „mit“ \\N und 🐆", description="\\.\nline\t\\two")
    file = await upload_file(app, team.member, b"\x00\xff bytes", subjectId=task["id"], **BINARY)
    await create_upload(app, team.member, b"never sent")
    await create_comment(app, team.mate, task, f"Look at it, [@Member](user:{team.member.id})")
    document = await create_document(app, team, "Plan", content="# Plan\n\nFirst.\n")
    await append_paragraphs(app, team.mate, document, "Second.")
    await save_version(app, team.member, document)
    await append_paragraphs(app, team.mate, document, "Third.")
    return team, {"task": task, "file": file, "document": document}


def take_backup(app: App, installation: Installation, folder: Path, blobs: Any) -> Any:
    """A backup of rows and of blobs that may misbehave."""
    check = app.resources.secret.derive("backup check").hex()
    return back_up(installation.url, blobs, BackupFolder(folder), version="1", revision=head_revision(), secret_check=check)


async def test_a_restored_installation_is_what_was_backed_up(source: Installation, target: Installation, tmp_path: Path) -> None:
    async with source.app() as app:
        team, made = await fill(app)
        async with run_worker(app.resources, source.settings, source.url, schedules=(), timings=FAST_TIMINGS):
            async with asyncio.timeout(20):
                while not (await inbox(app, team.member))["nodes"]:
                    await asyncio.sleep(0.02)
        before, blobs = await source.rows(), await stored_blobs(app)
        cursor = (await app.run(team.member, CHANGES))["changes"]["cursor"]
        (line,) = await source.back_up(tmp_path / "backup")
    assert "tables and" in line
    (whole,) = [each async for each in verify_backup(tmp_path / "backup")]
    assert whole.endswith("are whole.")
    assert (await target.restore(tmp_path / "backup"))[-1].endswith("were restored.")
    assert await target.rows() == before
    async with target.app() as app:
        assert await stored_blobs(app) == blobs
        assert (await verify_documents(app)).is_clean
        assert (await read_content(app, team.member, made["document"]))["text"] == "# Plan\n\nFirst.\n\nSecond.\n\nThird.\n"
        assert await download(app, team.member, made["file"]["id"]) == b"\x00\xff bytes"
        shown = await fetch_task(app, team.member, made["task"]["id"], "title description")
        assert shown == {"title": made["task"]["title"], "description": "\\.\nline\t\\two"}
        assert await verify_counters(target.settings) == "The numbers of tasks of all projects are right."
        assert len([each async for each in verify_audit(target.settings, None, None)]) == 2
        refused = await app.execute(team.member, CHANGES, after=cursor)
        assert refused["errors"][0]["extensions"]["code"] == "CURSOR_EXPIRED"
        fresh = (await app.run(team.member, CHANGES))["changes"]["cursor"]
        later = await create_task(app, team, "After the restore")
        changed = (await app.run(team.member, CHANGES, after=fresh))["changes"]["nodes"]
        assert [each["entityId"] for each in changed] == [later["id"]]


@dataclass
class Acknowledged:
    """What writers were told is saved."""

    tasks: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


async def _write_tasks(app: App, team: SampleTeam, known: Acknowledged) -> None:
    for number in itertools.count():
        task = await create_task(app, team, f"Task {number}", status="TODO")
        known.tasks[task["id"]] = f"Task {number}"
        if number % 3 == 2:
            await mutate_ok(app, team.member, "taskUpdate", id=task["id"], status="DONE")


async def _upload(app: App, team: SampleTeam, known: Acknowledged) -> None:
    task = await create_task(app, team, "With files")
    for number in itertools.count():
        content = random.Random(number).randbytes(2_000)
        file = await upload_file(app, team.member, content, subjectId=task["id"], **BINARY)
        if number % 2:
            await mutate_ok(app, team.member, "attachmentDelete", id=file["id"])
        else:
            known.files[file["id"]] = content
        if len(known.files) == 40:
            task, known.files = await create_task(app, team, "With more files"), known.files


async def _write_documents(app: App, team: SampleTeam, known: Acknowledged) -> None:
    for number in itertools.count():
        document = await create_document(app, team, f"Document {number}", content="First.\n")
        await append_paragraphs(app, team.mate, document, "Second.")
        known.texts[document["id"]] = "First.\n\nSecond.\n"
        await save_version(app, team.member, document)
        await append_paragraphs(app, team.mate, document, "Third.")
        known.texts[document["id"]] += "\nThird.\n"


async def _clean_up(app: App) -> None:
    while True:
        with suppress(BackupRunning):
            await clean_up_blobs(app.resources.database, app.resources.services.blobs, datetime.now(UTC))
        await asyncio.sleep(0.001)


@pytest.mark.long
async def test_everything_acknowledged_before_a_backup_is_in_it_whatever_is_written_meanwhile(
    source: Installation, target: Installation, tmp_path: Path
) -> None:
    known = Acknowledged()
    async with source.app() as app:
        team = await create_sample_team(app)
        writers = (_write_tasks, _upload, _write_documents)
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(write(app, team, known)) for write in writers]
            running.append(group.create_task(_clean_up(app)))
            while len(known.tasks) < 30 or len(known.files) < 6 or len(known.texts) < 3:
                await asyncio.sleep(0.01)
            before = Acknowledged(dict(known.tasks), dict(known.files), dict(known.texts))
            await source.back_up(tmp_path / "backup")
            for each in running:
                each.cancel()
    await target.restore(tmp_path / "backup")
    async with target.app() as app:
        for task_id, title in before.tasks.items():
            assert await fetch_task(app, team.member, task_id, "title") == {"title": title}
        for file_id, content in before.files.items():
            assert await download(app, team.member, file_id) == content
        for document_id, text in before.texts.items():
            assert (await read_content(app, team.member, {"id": document_id}))["text"].startswith(text)
        for row in await app.sql.fetch("SELECT id FROM attachments WHERE state = 'READY' AND subject_id IS NOT NULL"):
            assert await app.resources.services.blobs.head(attachment_key(row["id"])) is not None
        report = await verify_documents(app)
        assert (report.missing, report.ahead, report.orphans) == ([], [], [])
        assert await verify_counters(target.settings) == "The numbers of tasks of all projects are right."


class Meanwhile:
    """Blobs with which something is done when the first of them is looked at."""

    def __init__(self, blobs: Any, work: Callable[[], Awaitable[None]]) -> None:
        self._blobs = blobs
        self._work: Callable[[], Awaitable[None]] | None = work

    def __getattr__(self, name: str) -> Any:
        return getattr(self._blobs, name)

    async def head(self, key: str) -> Any:
        work, self._work = self._work, None
        if work is not None:
            await work()
        return await self._blobs.head(key)


class Away:
    """Blobs of which none can be read."""

    async def head(self, key: str) -> Any:
        raise StorageUnavailable


async def test_what_changes_while_a_backup_is_taken_is_in_it_as_it_was(
    source: Installation, target: Installation, tmp_path: Path
) -> None:
    async with source.app() as app:
        team, made = await fill(app)
        gone = await upload_file(app, team.member, b"The disk loses this.", subjectId=made["task"]["id"])
        database, blobs = app.resources.database, app.resources.services.blobs
        key, gone_key = (attachment_key(uuid_of(each["id"])) for each in (made["file"], gone))
        await blobs.delete(gone_key)

        async def change() -> None:
            await mutate_ok(app, team.member, "attachmentDelete", id=made["file"]["id"])
            await mutate_ok(app, team.member, "documentUpdate", id=made["document"]["id"], title="Another title")
            await save_version(app, team.member, made["document"])
            with pytest.raises(BackupRunning):
                await clean_up_blobs(database, blobs, datetime.now(UTC))

        manifest = await take_backup(app, source, tmp_path / "backup", Meanwhile(blobs, change))
        assert manifest.lost == (gone_key,)
        assert await blobs.head(key) is not None
        assert (await clean_up_blobs(database, blobs, datetime.now(UTC))).discarded == 1
        assert await blobs.head(key) is None
        with pytest.raises(CannotStart, match=f"whole but for 1 files .*\n  {gone_key}"):
            await source.back_up(tmp_path / "another")
    await target.restore(tmp_path / "backup")
    async with target.app() as app:
        assert await download(app, team.member, made["file"]["id"]) == b"\x00\xff bytes"
        assert (await verify_documents(app)).is_clean
        assert await app.sql.fetchval("SELECT title FROM documents") == "Plan"
        assert (await read_content(app, team.member, made["document"]))["text"].endswith("Third.\n")


async def test_a_backup_of_which_any_byte_is_another_is_refused(
    source: Installation, target: Installation, tmp_path: Path
) -> None:
    backup, dice = tmp_path / "backup", random.Random(18)
    async with source.app() as app:
        await fill(app)
        await source.back_up(backup)
    files = sorted(path for path in backup.rglob("*") if path.is_file() and path.stat().st_size)
    assert {path.parent.name for path in files} >= {"backup", "tables", "attachments", "contents"}
    for path in files:
        content = path.read_bytes()
        position = dice.randrange(len(content))
        damaged = content[:position] + bytes([content[position] ^ dice.choice((1, 32, 128))]) + content[position + 1 :]
        for written in (damaged, content[:-1], content + b"\n"):
            path.write_bytes(written)
            if path.name == "manifest.json" and written == content + b"\n":
                continue  # the same JSON
            with pytest.raises(CannotStart, match="cannot be used"):
                [line async for line in verify_backup(backup)]
        path.write_bytes(content)
    victim = backup / "tables" / "users.copy"
    content = victim.read_bytes()
    victim.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
    with pytest.raises(CannotStart, match=r"was not restored: .*users\.copy is damaged"):
        await target.restore(backup)
    assert await target.rows() == {}
    victim.unlink()
    with pytest.raises(CannotStart, match=r"users\.copy cannot be read"):
        await target.restore(backup)


async def test_what_is_in_use_or_unfinished_is_refused_and_nothing_changes(
    source: Installation, target: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("persistence.backup.blobs._RETRY_PAUSES_SECONDS", (0.0,))
    backup = tmp_path / "backup"

    async def fail() -> None:
        raise StorageUnavailable

    async with source.app() as app:
        await fill(app)
        blobs = app.resources.services.blobs
        with pytest.raises(StorageUnavailable):
            await take_backup(app, source, tmp_path / "away", Away())
        assert (await take_backup(app, source, backup, Meanwhile(blobs, fail))).lost == ()  # away for a moment
        before = await source.rows()
        with pytest.raises(CannotStart, match="the database has users already"):
            await source.restore(backup)
        assert await source.rows() == before
    with pytest.raises(CannotStart, match="is not empty"):
        await source.back_up(backup)
    with pytest.raises(CannotStart, match=r"interrupted: it has no manifest\.json"):
        await target.restore(tmp_path / "away")
    other = Installation(target.url, target.settings.model_copy(update={"secret_key": SecretStr("another secret" * 3)}))
    with pytest.raises(CannotStart, match="another secret than the backup"):
        await other.restore(backup)
    objects = target.settings.data_dir / "blobs" / "objects"
    shutil.copytree(source.settings.data_dir / "blobs" / "objects" / "attachments", objects / "attachments")
    next((objects / "attachments").iterdir()).rename(objects / "attachments" / "0198aaaa-0000-7000-8000-000000000000=")
    with pytest.raises(CannotStart, match="the storage of files holds attachments/0198aaaa"):
        await target.restore(backup)
    assert await target.rows() == {}
    shutil.rmtree(objects / "attachments")
    (objects / "documents").write_text("no folder")
    with pytest.raises(CannotStart, match="was not restored"):
        await target.restore(backup)
    assert await target.rows() != before
    (objects / "documents").unlink()
    assert (await other.restore(backup, accepts_other_secret=True))[-1].endswith("were restored.")
    assert await target.rows() == before


@pytest.mark.long
async def test_an_installation_moves_from_a_folder_into_a_bucket_and_back(
    source: Installation, target: Installation, postgres_server: str, tmp_path: Path
) -> None:
    (tmp_path / "bucket").mkdir()
    async with ministack_store(tmp_path / "bucket") as bucket:
        async with source.app() as app:
            await fill(app)
            before, blobs = await source.rows(), await stored_blobs(app)
            await source.back_up(tmp_path / "first")
        in_bucket = Installation(target.url, target.settings.model_copy(update={"blobs_url": bucket.url}))
        await in_bucket.restore(tmp_path / "first")
        async with in_bucket.app() as app:
            assert await stored_blobs(app) == blobs
            await in_bucket.back_up(tmp_path / "second")
        options: Any = {"secret_key": SecretStr(SECRET_KEY)}
        async with empty_installation(postgres_server, tmp_path / "third", **options) as third:
            await third.restore(tmp_path / "second")
            assert await third.rows() == before
            async with third.app() as app:
                assert await stored_blobs(app) == blobs


@pytest.mark.long
async def test_an_embedded_installation_is_backed_up_while_its_server_works(tmp_path: Path) -> None:
    async with running_server(tmp_path, data_dir=tmp_path / "data") as server:
        ada = await register_user(server)
        project_id = await create_team_and_project(ada)
        await ada.run(TASK_CREATE, input={"projectId": project_id, "title": "Before"})
        with running_process("admin", "backup", str(tmp_path / "backup"), folder=tmp_path, data_dir=tmp_path / "data") as command:
            assert await command.wait_for_exit() == 0, command.output
    with running_process("admin", "restore", str(tmp_path / "backup"), folder=tmp_path, data_dir=tmp_path / "new") as command:
        assert await command.wait_for_exit() == 0, command.output
    async with embedded_postgres(tmp_path / "new" / "postgres") as url:
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT title FROM tasks") == "Before"
        await connection.close()
