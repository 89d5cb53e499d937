"""Exports by a real worker: what is in the files, whose they are, and what becomes of a job that is canceled or whose worker dies."""

import csv
import io
import json
import zipfile

from domain.transfer import markdown_file, task_table
from tests.support.graph_actions import (
    create_project,
    mutate,
    mutate_ok,
)
from tests.support.jobs import JOB_UPDATED, download, read_job
from tests.support.office import Office, of_type
from tests.support.subscriptions import open_subscription
from tests.support.teams import uuid_of

# ── what is in the files ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_export_as_json_holds_what_its_person_may_see(office: Office) -> None:
    team = office.team
    records = await office.records(team.member, teamId=team.team_id)
    assert {key: records[0][key] for key in ("type", "format", "version")} == {
        "type": "Export",
        "format": "pantherahive",
        "version": 1,
    }
    assert [each["name"] for each in of_type(records, "Project")] == ["Launch"]
    first, second = of_type(records, "Task")
    assert (first["title"], first["description"], first["estimate"], first["dueOn"]) == (
        "=SUM(1;2)",
        "Über\nzwei Zeilen",
        2.5,
        "2026-12-24",
    )
    assert (second["parentId"], second["priority"]) == (first["id"], "HIGH")
    assert of_type(records, "TaskLink") == [
        {"type": "TaskLink", "taskId": first["id"], "targetId": second["id"], "kind": "BLOCKS"}
    ]
    said, answer = of_type(records, "Comment")
    assert (said["body"], said["reactions"]) == ("Looks *good*.", [{"emoji": "👍", "userId": str(team.member.user.id)}])
    assert (answer["parentId"], answer["authorId"]) == (said["id"], str(team.member.user.id))
    page, below = of_type(records, "Document")
    assert (page["markdown"], below["parentId"]) == ("# Plan\n\n- one\n- two\n", page["id"])
    (file,) = of_type(records, "Attachment")
    assert (file["fileName"], file["subjectId"], file["path"]) == ("notes.txt", first["id"], None)
    people = {each["email"] for each in of_type(records, "User")}
    assert people == {each.user.email_address for each in (team.owner, team.admin, team.member, team.mate, team.guest)}


async def test_the_owner_of_a_private_project_exports_it_too(office: Office) -> None:
    records = await office.records(office.team.owner, teamId=office.team.team_id)
    assert sorted(each["name"] for each in of_type(records, "Project")) == ["Launch", "Secret"]
    assert "Hidden" in [each["title"] for each in of_type(records, "Task")]


async def test_an_export_with_attachments_is_a_zip_with_their_bytes(office: Office) -> None:
    content = await office.content(office.team.member, projectId=office.team.project_id, includeAttachments=True)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        records = [json.loads(line) for line in archive.read("export.jsonl").splitlines()]
        (file,) = of_type(records, "Attachment")
        assert archive.read(file["path"]) == b"some bytes"


async def test_an_export_as_csv_is_a_table_of_tasks_without_formulas(office: Office) -> None:
    content = await office.content(office.team.member, projectId=office.team.project_id, format="CSV")
    header, first, second = csv.reader(io.StringIO(content.decode(), newline=""), strict=True)
    assert tuple(header) == task_table.COLUMNS
    row = dict(zip(header, first, strict=True))
    assert (row["Title"], task_table.unescape(row["Title"])) == ("'=SUM(1;2)", "=SUM(1;2)")
    assert (row["Description"], row["Estimate"], row["Due"]) == ("Über\nzwei Zeilen", "2.5", "2026-12-24")
    assert task_table.split_values(row["Labels"]) == ['needs, "review"']
    assert row["Assignee"] == office.team.mate.user.email_address
    assert dict(zip(header, second, strict=True))["Parent"] == row["Key"]


async def test_an_export_as_markdown_is_a_file_for_each_task_and_document(office: Office) -> None:
    content = await office.content(office.team.member, teamId=office.team.team_id, format="MARKDOWN_ZIP", includeAttachments=True)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        key = office.tasks[0]["key"]
        names = archive.namelist()
        assert [each for each in names if "/documents/" in each] == [
            "Launch/documents/Plan A.md",
            "Launch/documents/plan a (2).md",
        ]
        attributes, text = markdown_file.read(archive.read(f"Launch/tasks/{key} =SUM(1;2).md").decode())
        assert text == "Über\nzwei Zeilen"
        assert (attributes["title"], attributes["labels"]) == ("=SUM(1;2)", ['needs, "review"'])
        assert [each["body"] for each in attributes["comments"]] == ["Looks *good*.", "Thanks."]
        (file,) = attributes["attachments"]
        assert archive.read(file["path"]) == b"some bytes"


async def test_the_export_of_a_document_holds_those_below_it_and_no_task(office: Office) -> None:
    records = await office.records(office.team.guest, documentId=office.documents[0]["id"])
    assert [each["title"] for each in of_type(records, "Document")] == ["Plan / A", "plan / a"]
    assert of_type(records, "Task") == of_type(records, "Comment") == of_type(records, "Attachment") == []


# ── whose it is ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_nobody_else_sees_a_job_or_cancels_it(office: Office) -> None:
    team = office.team
    job = await office.export(team.member, teamId=team.team_id, format="CSV")
    for person in (team.owner, team.admin, team.outsider):
        assert await read_job(office.app, person, job) is None
        assert job["id"] not in str(await office.app.run(person, "{ jobs { nodes { id } } }"))
        refused = await mutate(office.app, person, "jobCancel", "job { id }", id=job["id"])
        assert [each["code"] for each in refused["errors"]] == ["NOT_FOUND"]
        async with open_subscription(office.app, person, JOB_UPDATED, id=job["id"]) as updates:
            assert (await updates.next_result())["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    listed = await office.app.run(team.member, "{ jobs(first: 1, kind: EXPORT) { nodes { id state } totalCount } }")
    assert listed["jobs"]["nodes"] == [{"id": job["id"], "state": "SUCCEEDED"}]


async def test_the_url_of_a_file_ends_with_the_rights_of_its_person(office: Office) -> None:
    app, team = office.app, office.team
    project = await create_project(app, team, "Shared")
    await mutate_ok(app, team.owner, "projectSetMembers", id=project, addUserIds=[team.guest.id])
    job = await office.export(team.guest, teamId=team.team_id)
    assert (await download(app, job["resultUrl"])).status_code == 200
    assert (
        await download(app, job["resultUrl"].replace(f"/{uuid_of(job['id'])}/0", f"/{uuid_of(job['id'])}/1"))
    ).status_code == 403
    await mutate_ok(app, team.owner, "projectSetMembers", id=project, removeUserIds=[team.guest.id])
    assert (await download(app, job["resultUrl"])).status_code == 404
    after = await read_job(app, team.guest, job)
    assert (after["state"], after["resultUrl"], after["files"]) == ("SUCCEEDED", None, [])


async def test_one_thing_is_exported_at_a_time(office: Office) -> None:
    team = office.team
    for fields, code, path in (
        ({}, "REQUIRED", ["input", "teamId"]),
        ({"teamId": team.team_id, "projectId": team.project_id}, "INVALID", ["input", "teamId"]),
        ({"documentId": office.documents[0]["id"], "format": "CSV"}, "INVALID", ["input", "format"]),
        ({"teamId": team.team_id, "format": "CSV", "includeAttachments": True}, "INVALID", ["input", "includeAttachments"]),
        ({"projectId": office.private_project}, "NOT_FOUND", ["input", "projectId"]),
    ):
        refused = await mutate(office.app, team.member, "exportStart", "job { id }", **fields)
        assert (refused["job"], [(each["code"], each["path"]) for each in refused["errors"]]) == (None, [(code, path)])
