"""Files from the announcement to the download: what becomes of them, who sees them, and who is told."""

import hashlib
from typing import Any

import pytest

from persistence.blobs.local import LocalBlobs
from tests.support.app import App
from tests.support.graph_actions import (
    codes_and_paths,
    create_comment,
    create_project,
    create_task,
    mutate,
    mutate_ok,
    table_states,
)
from tests.support.teams import SampleTeam
from tests.support.uploads import (
    ATTACHMENT_URL_QUERY,
    PNG,
    complete_upload,
    create_upload,
    fetch_file,
    file_names_on,
    put_content,
    signed_request,
    upload_file,
)


async def test_a_file_is_announced_sent_looked_at_and_given_out(app: App, team: SampleTeam) -> None:
    made = await create_upload(app, team.member, PNG, fileName="Plan.png", contentType="image/png")
    file = made["attachment"]
    assert file == {
        "id": file["id"],
        "fileName": "Plan.png",
        "contentType": "image/png",
        "byteSize": len(PNG),
        "sha256": None,
        "state": "PENDING",
        "uploader": {"id": team.member.id},
    }
    assert made["upload"]["method"] == "PUT"
    assert made["upload"]["headers"] == [{"name": "Content-Type", "value": "image/png"}]
    assert (await app.run(team.member, ATTACHMENT_URL_QUERY, id=file["id"]))["node"] == {"state": "PENDING", "url": None}

    assert await put_content(app, made["upload"], PNG) == 200
    payload = await complete_upload(app, team.member, file["id"])
    ready = file | {"state": "READY", "sha256": hashlib.sha256(PNG).hexdigest()}
    assert (payload["errors"], payload["attachment"]) == ([], ready)
    url = (await app.run(team.member, ATTACHMENT_URL_QUERY, id=file["id"]))["node"]["url"]
    answer = await signed_request(app, "GET", url)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PNG, "image/png")
    assert (await complete_upload(app, team.member, file["id"]))["attachment"] == ready


async def test_a_file_announced_for_a_task_is_on_it_once_it_is_there(app: App, team: SampleTeam) -> None:
    card = await create_task(app, team)
    made = await create_upload(app, team.member, b"Hello", subjectId=card["id"])
    assert await file_names_on(app, team.mate, card) == []
    assert await fetch_file(app, team.mate, made["attachment"]) is None
    await put_content(app, made["upload"], b"Hello")
    assert await file_names_on(app, team.mate, card) == []
    await complete_upload(app, team.member, made["attachment"]["id"])
    assert await file_names_on(app, team.mate, card) == ["notes.txt"]


async def test_uploads_are_attached_with_the_task_or_comment_that_names_them(app: App, team: SampleTeam) -> None:
    files = [await upload_file(app, team.member, fileName=f"{number}.txt") for number in range(3)]
    card = await create_task(app, team, uploadIds=[files[0]["id"], files[1]["id"]])
    said = await create_comment(app, team.member, card, uploadIds=[files[2]["id"]])
    assert await file_names_on(app, team.guest, card) == ["0.txt", "1.txt"]
    assert await file_names_on(app, team.guest, said) == ["2.txt"]


async def test_a_file_can_be_on_a_document(app: App, team: SampleTeam) -> None:
    document = (await mutate(app, team.member, "documentCreate", "document { id }", projectId=team.project_id, title="Plan"))[
        "document"
    ]
    await upload_file(app, team.member, subjectId=document["id"])
    said = await create_comment(
        app, team.mate, document, uploadIds=[(await upload_file(app, team.mate, fileName="reply.txt"))["id"]]
    )
    assert await file_names_on(app, team.guest, document) == ["notes.txt"]
    assert await file_names_on(app, team.guest, said) == ["reply.txt"]


async def test_an_upload_is_its_uploaders_alone_until_it_is_attached(app: App, team: SampleTeam) -> None:
    file = await upload_file(app, team.member)
    for somebody in (team.owner, team.mate, team.outsider):
        assert await fetch_file(app, somebody, file) is None
        before = await table_states(app)
        payloads = [
            await mutate(app, somebody, "uploadComplete", "attachment { id }", id=file["id"]),
            await mutate(app, somebody, "attachmentDelete", id=file["id"]),
        ]
        assert [codes_and_paths(each) for each in payloads] == [[("NOT_FOUND", ["input", "id"])]] * 2
        assert await table_states(app) == before
    refused = await mutate(app, team.mate, "taskCreate", projectId=team.project_id, title="Mine", uploadIds=[file["id"]])
    assert codes_and_paths(refused) == [("NOT_FOUND", ["input", "uploadIds", "0"])]
    await create_task(app, team, uploadIds=[file["id"]])
    assert await fetch_file(app, team.mate, file) == {"id": file["id"], "fileName": "notes.txt"}
    assert await fetch_file(app, team.outsider, file) is None


async def test_a_file_is_seen_by_who_sees_what_it_is_on(app: App, team: SampleTeam) -> None:
    hidden = await create_project(app, team, "Hidden", private_to=[team.member])
    secret = await create_task(app, team, projectId=hidden)
    file = await upload_file(app, team.member, subjectId=secret["id"])
    said = await create_comment(app, team.member, secret, uploadIds=[(await upload_file(app, team.member))["id"]])
    for other in (file, (await app.run(team.member, FILES, id=said["id"]))["node"]["attachments"]["nodes"][0]):
        assert await fetch_file(app, team.member, other) is not None
        assert [await fetch_file(app, each, other) for each in (team.mate, team.guest, team.outsider)] == [None, None, None]
    await mutate_ok(app, team.member, "taskMove", id=secret["id"], projectId=team.project_id)
    assert await fetch_file(app, team.guest, file) is not None


FILES = "query ($id: ID!) { node(id: $id) { ... on Comment { attachments { totalCount nodes { id } } } } }"


async def test_an_upload_is_attached_once(app: App, team: SampleTeam) -> None:
    file = await upload_file(app, team.member)
    card = await create_task(app, team, uploadIds=[file["id"], file["id"]])
    again = await mutate(app, team.member, "commentCreate", subjectId=card["id"], body="Again.", uploadIds=[file["id"]])
    assert codes_and_paths(again) == [("NOT_FOUND", ["input", "uploadIds", "0"])]
    assert again["comment"] is None
    assert await file_names_on(app, team.member, card) == ["notes.txt"]


async def test_only_the_uploader_or_an_admin_deletes_a_file(app: App, team: SampleTeam) -> None:
    card = await create_task(app, team)
    mine, other = [await upload_file(app, team.member, subjectId=card["id"], fileName=name) for name in ("mine", "other")]
    for somebody in (team.mate, team.guest):
        assert codes_and_paths(await mutate(app, somebody, "attachmentDelete", id=mine["id"])) == [("FORBIDDEN", ["input", "id"])]
    assert await file_names_on(app, team.mate, card) == ["mine", "other"]
    assert (await mutate(app, team.member, "attachmentDelete", id=mine["id"])) | {"errors": []} == {
        "clientMutationId": None,
        "errors": [],
        "deletedId": mine["id"],
    }
    await mutate_ok(app, team.admin, "attachmentDelete", id=other["id"])
    assert await file_names_on(app, team.mate, card) == []


async def test_a_guest_puts_files_on_their_own_comments_only(app: App, team: SampleTeam) -> None:
    card = await create_task(app, team)
    said = await create_comment(app, team.guest, card)
    theirs = await create_comment(app, team.member, card)
    await upload_file(app, team.guest, subjectId=said["id"])
    for subject in (card, theirs):
        refused = await create_upload(app, team.guest, b"Hello", subjectId=subject["id"])
        assert codes_and_paths(refused)[0][0] == "FORBIDDEN"
    assert await file_names_on(app, team.member, said) == ["notes.txt"]


async def test_in_an_archived_project_files_stay_as_they_are(app: App, team: SampleTeam) -> None:
    card = await create_task(app, team)
    file = await upload_file(app, team.member, subjectId=card["id"])
    late = await create_upload(app, team.member, b"Hello", subjectId=card["id"])
    await put_content(app, late["upload"], b"Hello")
    await mutate_ok(app, team.owner, "projectUpdate", id=team.project_id, status="ARCHIVED")
    assert codes_and_paths(await mutate(app, team.owner, "attachmentDelete", id=file["id"])) == [("FORBIDDEN", ["input", "id"])]
    assert codes_and_paths(await complete_upload(app, team.member, late["attachment"]["id"])) == [("FORBIDDEN", ["input", "id"])]
    assert await file_names_on(app, team.guest, card) == ["notes.txt"]


async def test_with_a_comment_go_its_files(app: App, team: SampleTeam) -> None:
    card = await create_task(app, team)
    file, answer = await upload_file(app, team.member), await upload_file(app, team.mate)
    said = await create_comment(app, team.member, card, uploadIds=[file["id"]])
    await create_comment(app, team.mate, card, parentId=said["id"], uploadIds=[answer["id"]])
    await mutate_ok(app, team.member, "commentDelete", id=said["id"])
    assert [await fetch_file(app, team.member, each) for each in (file, answer)] == [None, None]


async def test_files_on_a_deleted_task_come_back_with_it(app: App, team: SampleTeam) -> None:
    card = await create_task(app, team)
    await upload_file(app, team.member, subjectId=card["id"])
    await mutate_ok(app, team.member, "taskDelete", id=card["id"])
    await mutate_ok(app, team.member, "taskRestore", id=card["id"])
    assert await file_names_on(app, team.member, card) == ["notes.txt"]


async def test_those_who_follow_a_task_receive_its_files(app: App, team: SampleTeam) -> None:
    card = await create_task(app, team)
    since = (await app.run(team.mate, "{ changes { cursor } }"))["changes"]["cursor"]
    file = await upload_file(app, team.member, subjectId=card["id"])
    said = await create_comment(app, team.member, card, uploadIds=[(await upload_file(app, team.member, fileName="b.txt"))["id"]])
    await mutate_ok(app, team.member, "attachmentDelete", id=file["id"])
    query = """
      query ($after: SyncCursor, $id: ID!) { changes(after: $after, scope: {entityIds: [$id]}) { nodes {
        kind type entityId entity { id } actor { id } fields { field before after }
      } } }
    """
    received = (await app.run(team.mate, query, after=since, id=card["id"]))["changes"]["nodes"]
    results = {"attachmentId": file["id"], "fileName": "notes.txt", "contentType": "text/plain", "byteSize": 11}
    on_card = {"type": "Task", "entityId": card["id"], "entity": {"id": card["id"]}, "actor": {"id": team.member.id}}
    files = [each for each in received if each["kind"] == "ATTACHED"]
    assert files[0] == {"kind": "ATTACHED", **on_card, "fields": [{"field": "attachments", "before": None, "after": results}]}
    assert files[2] == {"kind": "ATTACHED", **on_card, "fields": [{"field": "attachments", "before": results, "after": None}]}
    assert (files[1]["type"], files[1]["entityId"]) == ("Comment", said["id"])
    assert files[1]["fields"][0]["after"]["fileName"] == "b.txt"
    assert (await app.run(team.outsider, query, after=None, id=card["id"]))["changes"]["nodes"] == []


async def test_the_files_of_many_tasks_are_read_in_one_statement(app: App, team: SampleTeam) -> None:
    cards = [
        await create_task(app, team, str(number), uploadIds=[(await upload_file(app, team.member))["id"]]) for number in range(4)
    ]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Task { attachments { nodes { fileName url } } } } }"
    context = app.resources.database
    counts = []
    for some in (cards[:1], cards):
        before = context.statements_run
        found = await app.run(team.mate, query, ids=[each["id"] for each in some])
        counts.append(context.statements_run - before)
        assert [len(each["attachments"]["nodes"]) for each in found["nodes"]] == [1] * len(some)
    assert counts[0] == counts[1]


async def test_when_storage_is_away_the_rest_of_the_graph_answers(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    from domain.errors import StorageUnavailable

    async def away(*args: Any, **given: Any) -> Any:
        raise StorageUnavailable

    made = await create_upload(app, team.member, b"Hello")
    file = await upload_file(app, team.member)
    monkeypatch.setattr(LocalBlobs, "head", away)
    monkeypatch.setattr(LocalBlobs, "download_url", away)
    query = "mutation ($input: UploadCompleteInput!) { uploadComplete(input: $input) { errors { code } } }"
    answer = await app.execute(team.member, query, input={"id": made["attachment"]["id"]})
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["STORAGE_UNAVAILABLE"]
    answer = await app.execute(team.member, ATTACHMENT_URL_QUERY, id=file["id"])
    assert answer["data"]["node"] == {"state": "READY", "url": None}
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["STORAGE_UNAVAILABLE"]
