"""Imports by a real worker: what was exported comes back the same, and of a file with anything wrong nothing does."""

import asyncio
import csv
import io
import json
import zipfile
from collections.abc import Callable

import pytest

from tests.support.graph_actions import mutate, table_states
from tests.support.jobs import download, read_job, start_job, wait_for_job
from tests.support.office import Office, furnish, of_type, without_ids
from tests.support.teams import uuid_of
from tests.support.uploads import upload_file
from tests.support.worker_effects import IMPATIENT_TIMINGS
from tests.support.workers import WorkerDatabase
from workers.imports.apply import Import
from workers.job import JobKind, JobRun
from workers.jobs import JOBS
from workers.jobs.import_ import import_

# ── what comes back ───────────────────────────────────────────────────────────────────────────────────────────────────


def unzipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def test_a_team_that_was_exported_as_json_comes_back_the_same(office: Office) -> None:
    owner = office.team.owner
    before = unzipped(await office.content(owner, teamId=office.team.team_id, includeAttachments=True))
    copy = await office.copy_team()
    again = await office.content(owner, teamId=office.team.team_id, includeAttachments=True)
    done = await office.import_(owner, copy, again, "JSON")
    assert (done["state"], done["message"], done["issues"]) == ("SUCCEEDED", None, [])
    after = unzipped(await office.content(owner, teamId=copy, includeAttachments=True))
    records = [[json.loads(line) for line in each["export.jsonl"].splitlines()] for each in (before, after)]
    assert without_ids(records[1]) == without_ids(records[0])
    assert [after[each["path"]] for each in of_type(records[1], "Attachment")] == [b"some bytes"]


async def test_the_tasks_of_a_table_come_back_the_same(office: Office) -> None:
    owner = office.team.owner
    before = await office.content(owner, teamId=office.team.team_id, format="CSV")
    copy = await office.copy_team()
    assert (await office.import_(owner, copy, before, "CSV"))["issues"] == []
    after = await office.content(owner, teamId=copy, format="CSV")
    rows = [list(csv.DictReader(io.StringIO(each.decode(), newline=""))) for each in (before, after)]
    keys = [{row["Key"]: str(number) for number, row in enumerate(each)} for each in rows]
    told = [
        [{**row, "Key": key[row["Key"]], "Parent": key.get(row["Parent"], "")} for row in each]
        for each, key in zip(rows, keys, strict=True)
    ]
    assert told[1] == told[0] != []


async def test_the_files_of_a_markdown_zip_come_back_the_same(office: Office) -> None:
    owner = office.team.owner
    before = await office.content(owner, teamId=office.team.team_id, format="MARKDOWN_ZIP", includeAttachments=True)
    copy = await office.copy_team()
    assert (await office.import_(owner, copy, before, "MARKDOWN_ZIP"))["issues"] == []
    after = await office.content(owner, teamId=copy, format="MARKDOWN_ZIP", includeAttachments=True)
    texts = [
        sorted(text.decode().partition("\n---\n")[2] for name, text in unzipped(each).items() if name.endswith(".md"))
        for each in (before, after)
    ]
    assert texts[1] == texts[0] != []
    counted = [
        (
            await office.app.run(
                owner, "query ($id: ID!) { team(id: $id) { projects { nodes { name progress { total } } } } }", id=each
            )
        )
        for each in (office.team.team_id, copy)
    ]
    assert counted[1] == counted[0]


async def test_what_was_imported_is_found_counted_and_told_once(office: Office) -> None:
    owner, app = office.team.owner, office.app
    copy = await office.copy_team()
    content = await office.content(owner, projectId=office.team.project_id)
    before = await app.sql.fetchval("SELECT count(*) FROM events WHERE stream = $1", f"team:{uuid_of(copy)}")
    done = await office.import_(owner, copy, content, "JSON")
    assert done["result"]["tasks"] == 2
    told = await app.sql.fetch(
        "SELECT type FROM events WHERE stream = $1 ORDER BY position OFFSET $2", f"team:{uuid_of(copy)}", before
    )
    assert sorted(row["type"] for row in told) == ["LabelCreated", "ProjectImported"]
    assert await app.sql.fetchval("SELECT count(*) FROM notifications") == 0
    tasks = await app.run(
        owner,
        "query ($id: ID!) { team(id: $id) { projects(first: 3) { nodes { tasks(first: 10) { nodes { title } totalCount } } } } }",
        id=copy,
    )
    (project,) = tasks["team"]["projects"]["nodes"]
    assert (project["tasks"]["totalCount"], project["tasks"]["nodes"][0]["title"]) == (2, "=SUM(1;2)")
    queued = await app.sql.fetchval("SELECT count(*) FROM search_queue JOIN tasks USING (id) WHERE team_id = $1", uuid_of(copy))
    assert queued == 2


async def test_a_dry_run_reports_each_row_and_writes_nothing(office: Office) -> None:
    owner = office.team.owner
    copy = await office.copy_team()
    lines = "Key,Project,Title,Description,Status,Priority,Assignee,Creator,Labels,Parent,Start,Due,Estimate,Completed,Created,Updated\r\n"
    lines += "A-1,P,One,,TODO,NONE,nobody@example.com,,,,,,,,,\r\nA-2,P,,,TODO,NONE,,,,,,,,,,\r\n"
    before = await table_states(office.app)
    done = await office.import_(owner, copy, lines.encode(), "CSV", dryRun=True)
    assert (done["state"], done["result"]["isValid"], done["result"]["tasks"]) == ("SUCCEEDED", False, 1)
    assert done["issues"] == [
        {"row": 3, "message": "title: A value is needed here."},
        {"row": 2, "message": "assigneeId: nobody@example.com is no member of the team, and is left out everywhere."},
    ]
    report = list(csv.DictReader(io.StringIO((await download(office.app, done["resultUrl"])).text, newline="")))
    assert [(row["Row"], row["Type"], bool(row["Found"])) for row in report if row["Type"] in ("Task", "")] == [
        ("2", "Task", True),
        ("3", "", True),
    ]
    after = await table_states(office.app)
    changed = {table for table in before if before[table] != after[table]}
    assert changed <= {"attachments", "user_jobs", "jobs", "events", "streams", "discarded_blobs"}


# ── what is refused ───────────────────────────────────────────────────────────────────────────────────────────────────


def archive_of(*entries: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def symlink() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo("P/tasks/a.md")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return file.getvalue()


def many_entries(count: int) -> bytes:
    """An archive whose directory names so many entries, all of which are the same bytes."""
    whole = archive_of(("a.md", b"x"))
    at = whole.rfind(b"PK\x01\x02")
    entry, end = whole[at : whole.rfind(b"PK\x05\x06")], whole[whole.rfind(b"PK\x05\x06") :]
    directory = entry * count
    sizes = min(count, 0xFFFF).to_bytes(2, "little") * 2 + len(directory).to_bytes(4, "little") + at.to_bytes(4, "little")
    return whole[:at] + directory + end[:8] + sizes + b"\0\0"


def damaged() -> bytes:
    whole = bytearray(archive_of(("export.jsonl", b'{"type":"Project","id":"p","name":"P"}\n' * 50)))
    whole[60] ^= 0xFF
    return bytes(whole)


HEADER = (
    b"Key;Project;Title;Description;Status;Priority;Assignee;Creator;Labels;Parent;Start;Due;Estimate;Completed;Created;Updated\n"
)
PROJECT = b'{"type":"Project","id":"p","name":"P"}\n'
TASK = b'{"type":"Task","id":"t","projectId":"p","title":"T"}\n'
HOSTILE: dict[str, tuple[str, bytes | Callable[[], bytes], int | None, str]] = {  # made when first asked for, if that takes long
    "a path that leads out": ("MARKDOWN_ZIP", archive_of(("P/project.md", b""), ("../evil.md", b"x")), 2, "leads out"),
    "an absolute path": ("MARKDOWN_ZIP", archive_of(("/etc/cron.d/evil.md", b"x")), 1, "leads out"),
    "a path of Windows": ("MARKDOWN_ZIP", archive_of(("C:/evil.md", b"x")), 1, "leads out"),
    "a symlink": ("MARKDOWN_ZIP", symlink(), 1, "link"),
    "a bomb": ("MARKDOWN_ZIP", lambda: archive_of(("P/a.md", b"\0" * 30_000_000)), 1, "times its size"),
    "a name twice": ("MARKDOWN_ZIP", archive_of(("P/a.md", b"x"), ("P/A.md", b"x")), 2, "another entry"),
    "an archive in the archive": ("MARKDOWN_ZIP", archive_of(("P/inner.zip", archive_of(("a.md", b"x")))), 1, "no Markdown"),
    "a million entries": ("MARKDOWN_ZIP", lambda: many_entries(1_000_000), None, "entries"),
    "no archive": ("MARKDOWN_ZIP", b"hello, I am no archive", None, "no zip"),
    "half an archive": ("JSON", archive_of(("export.jsonl", PROJECT))[:-30], None, "no zip"),
    "a damaged entry": ("JSON", damaged(), 1, ""),
    "a file without front matter": ("MARKDOWN_ZIP", archive_of(("P/a.md", b"# hello")), 1, "front matter"),
    "a line that is not JSON": ("JSON", PROJECT + TASK + b"{oops\n", 3, "not JSON"),
    "a line that is a list": ("JSON", PROJECT + b"[1]\n", 2, "no object"),
    "an unknown type": ("JSON", PROJECT + b'{"type":"Grenade"}\n', 2, "Grenade"),
    "a missing project": ("JSON", TASK, 1, "no Project p"),
    "a task twice": ("JSON", PROJECT + TASK + TASK, 3, "another Task"),
    "a parent that is below": (
        "JSON",
        PROJECT
        + b"".join(
            b'{"type":"Task","id":"%d","projectId":"p","title":"T","parentId":"%d"}\n' % pair for pair in ((1, 2), (2, 1))
        ),
        2,
        "above itself",
    ),
    "a title of control characters": (
        "JSON",
        PROJECT + b'{"type":"Task","id":"t","projectId":"p","title":"a\\u0000b"}\n',
        2,
        "Control",
    ),
    "a half of a character": ("JSON", PROJECT + b'{"type":"Task","id":"t","projectId":"p","title":"a\\ud800b"}\n', 2, ""),
    "a day that is none": (
        "JSON",
        PROJECT + b'{"type":"Task","id":"t","projectId":"p","title":"T","dueOn":"2026-02-30"}\n',
        2,
        "no day",
    ),
    "a number that is none": (
        "JSON",
        PROJECT + b'{"type":"Task","id":"t","projectId":"p","title":"T","estimate":"NaN"}\n',
        2,
        "number",
    ),
    "a document that is none": (
        "JSON",
        PROJECT + b'{"type":"Document","id":"d","projectId":"p","title":"D","crdt":"?"}\n',
        2,
        "base64",
    ),
    "another encoding": ("CSV", HEADER + "A-1;P;Größe;;TODO;NONE;;;;;;;;;;\n".encode("latin-1"), 1, "line 2"),
    "UTF-16": ("CSV", HEADER.decode().encode("utf-16"), 1, "UTF-16"),
    "no header": ("CSV", b"1;2;3\n", 1, "header lacks"),
    "a row that is too short": ("CSV", HEADER + b"A-1;P;T;;TODO;NONE;;;;;;;;;;\nA-2;P\n", 3, "2 cells"),
    "an open quote": ("CSV", HEADER + b'A-1;P;"T;;TODO;NONE;;;;;;;;;;\n', 1, ""),
    "nothing": ("CSV", b"\n", None, ""),
    "a board that is none": ("TRELLO_JSON", b'{"name": "x"}', 1, "form"),
    "deep JSON": ("TRELLO_JSON", b"[" * 100_000, 1, "not JSON"),
    "an archive where none is due": ("TRELLO_JSON", archive_of(("a", b"x")), None, "zip archive"),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_of_a_file_that_is_wrong_nothing_is_imported(office: Office, name: str) -> None:
    format_, given, row, message = HOSTILE[name]
    content = given if isinstance(given, bytes) else given()
    owner = office.team.owner
    before = await office.app.sql.fetchrow(
        "SELECT (SELECT count(*) FROM projects), (SELECT count(*) FROM tasks), (SELECT count(*) FROM labels)"
    )
    done = await office.import_(owner, office.team.team_id, content, format_)
    assert done["state"] == "FAILED"
    found = [(each["row"], each["message"]) for each in done["issues"]] or [(None, done["message"])]
    assert any(at == row and message in text for at, text in found), found
    after = await office.app.sql.fetchrow(
        "SELECT (SELECT count(*) FROM projects), (SELECT count(*) FROM tasks), (SELECT count(*) FROM labels)"
    )
    assert after == before
    assert await office.app.sql.fetchval("SELECT count(*) FROM dead_letters") == 0


async def test_only_admins_import_and_only_files_of_their_own(office: Office) -> None:
    app, team = office.app, office.team
    upload = await upload_file(app, team.owner, b"x")
    for person, fields, code in (
        (team.member, {"teamId": team.team_id}, "FORBIDDEN"),
        (team.guest, {"teamId": team.team_id}, "FORBIDDEN"),
        (team.outsider, {"teamId": team.team_id}, "NOT_FOUND"),
        (team.admin, {"teamId": team.team_id}, "NOT_FOUND"),  # the upload is the owner's
    ):
        refused = await mutate(app, person, "importStart", "job { id }", uploadId=upload["id"], format="CSV", **fields)
        assert (refused["job"], [each["code"] for each in refused["errors"]]) == (None, [code])


async def test_an_import_whose_worker_died_is_written_once(
    worker_database: WorkerDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await furnish(worker_database)
    owner, app = office.team.owner, office.app
    async with worker_database.worker(jobs=JOBS):
        content = await office.content(owner, projectId=office.team.project_id)
        copy = await office.copy_team()
        upload = await upload_file(app, owner, content, fileName="a.jsonl", contentType="application/octet-stream")
    job = await start_job(app, owner, "importStart", teamId=copy, uploadId=upload["id"], format="JSON")
    written = asyncio.Event()

    async def write_and_hang(run: JobRun) -> None:
        whole = Import.write

        async def write(self: Import) -> None:
            await whole(self)
            written.set()
            await asyncio.Event().wait()

        with monkeypatch.context() as patch:
            patch.setattr(Import, "write", write)
            await import_.handle(run)

    task = asyncio.get_running_loop().create_task(
        _work(worker_database, JobKind(kind="import", handle=write_and_hang, lease_seconds=0.5))
    )
    await written.wait()
    task.cancel()
    await asyncio.wait([task])
    assert await app.sql.fetchval("SELECT count(*) FROM tasks WHERE team_id = $1", uuid_of(copy)) == 0
    async with worker_database.worker(jobs=JOBS):
        done = await wait_for_job(worker_database, owner, job)
    assert (done["state"], done["result"]["tasks"]) == ("SUCCEEDED", 2)
    assert await app.sql.fetchval("SELECT count(*) FROM tasks WHERE team_id = $1", uuid_of(copy)) == 2
    assert (await read_job(app, office.team.admin, job)) is None


async def _work(database: WorkerDatabase, kind: JobKind) -> None:
    async with database.worker(jobs=[kind], timings=IMPATIENT_TIMINGS):
        await asyncio.Event().wait()
