"""What is taken, and what becomes of files that are not what was announced."""

from typing import Any

import pytest

from tests.support.app import App
from tests.support.graph_actions import codes_and_paths, create_task, mutate, table_states
from tests.support.teams import SampleTeam
from tests.support.uploads import (
    ATTACHMENT_URL_QUERY,
    PNG,
    complete_upload,
    create_upload,
    file_names_on,
    put_content,
    upload_file,
)


async def test_what_has_not_arrived_is_not_attached(app: App, team: SampleTeam) -> None:
    made = await create_upload(app, team.member, b"Hello")
    file_id = made["attachment"]["id"]
    assert codes_and_paths(await complete_upload(app, team.member, file_id)) == [("INVALID", ["input", "id"])]
    refused = await mutate(app, team.member, "taskCreate", projectId=team.project_id, title="New", uploadIds=[file_id])
    assert codes_and_paths(refused) == [("INVALID", ["input", "uploadIds", "0"])]
    await put_content(app, made["upload"], b"Hello")
    assert (await complete_upload(app, team.member, file_id))["attachment"]["state"] == "READY"


@pytest.mark.parametrize(
    ("claimed", "content"),
    [
        ("image/png", b"<html><script>alert(1)</script>"),
        ("image/jpeg", PNG),
        ("application/pdf", b"MZ\x90\x00"),
        ("text/plain", b"\x00\x01\x02"),
        ("text/plain", b"\xff\xfe\xfa"),
    ],
)
async def test_a_file_that_is_not_what_it_claims_is_rejected_for_good(
    app: App, team: SampleTeam, claimed: str, content: bytes
) -> None:
    card = await create_task(app, team)
    made = await create_upload(app, team.member, content, contentType=claimed, subjectId=card["id"])
    assert await put_content(app, made["upload"], content) == 200
    for _ in range(2):
        payload = await complete_upload(app, team.member, made["attachment"]["id"])
        assert codes_and_paths(payload) == [("INVALID", ["input", "id"])]
        assert payload["attachment"]["state"] == "REJECTED"
    assert await file_names_on(app, team.member, card) == []
    assert await put_content(app, made["upload"], content) == 412


async def test_a_rejection_is_reported_again_to_who_repeats_the_call(app: App, team: SampleTeam) -> None:
    made = await create_upload(app, team.member, b"\x00")
    await put_content(app, made["upload"], b"\x00")
    given = {"id": made["attachment"]["id"], "clientMutationId": "once"}
    first, second = [await mutate(app, team.member, "uploadComplete", "attachment { id state }", **given) for _ in range(2)]
    assert first["errors"] == second["errors"] != []
    assert first["attachment"] == second["attachment"] == {"id": made["attachment"]["id"], "state": "REJECTED"}


async def test_an_announcement_repeated_gives_the_same_file_and_an_address(app: App, team: SampleTeam) -> None:
    first, second = [await create_upload(app, team.member, b"Hello", clientMutationId="same") for _ in range(2)]
    assert first == second
    assert await put_content(app, second["upload"], b"Hello") == 200
    await complete_upload(app, team.member, first["attachment"]["id"])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"fileName": " "}, [("REQUIRED", ["input", "fileName"])]),
        ({"fileName": "x" * 256}, [("TOO_LONG", ["input", "fileName"])]),
        ({"fileName": "../../etc/passwd"}, [("INVALID", ["input", "fileName"])]),
        ({"fileName": "gnp.\u202eexe"}, [("INVALID", ["input", "fileName"])]),
        ({"contentType": "png"}, [("INVALID", ["input", "contentType"])]),
        ({"contentType": "text/plain\r\nX-Evil: 1"}, [("INVALID", ["input", "contentType"])]),
        ({"byteSize": 0}, [("INVALID", ["input", "byteSize"])]),
        ({"byteSize": 100 * 1024 * 1024 + 1}, [("LIMIT_EXCEEDED", ["input", "byteSize"])]),
        ({"sha256": "abc"}, [("INVALID", ["input", "sha256"])]),
    ],
)
async def test_what_cannot_be_taken_is_refused_before_it_is_sent(
    app: App, team: SampleTeam, given: dict[str, Any], expected: Any
) -> None:
    before = await table_states(app)
    payload = await create_upload(app, team.member, b"Hello", **given)
    assert (codes_and_paths(payload), payload["attachment"], payload["upload"]) == (expected, None, None)
    assert await table_states(app) == before


async def test_clients_are_notified_how_much_is_taken(app: App, team: SampleTeam) -> None:
    results = await app.run(team.member, "{ server { features limits { maxUploadBytes } } }")
    assert results["server"]["limits"] == {"maxUploadBytes": 104_857_600}
    assert "uploads" in results["server"]["features"]


@pytest.mark.parametrize("seconds", [9, 86_401])
async def test_an_address_holds_neither_too_short_nor_too_long(app: App, team: SampleTeam, seconds: int) -> None:
    file = await upload_file(app, team.member)
    answer = await app.execute(team.member, ATTACHMENT_URL_QUERY, id=file["id"], seconds=seconds)
    assert [(each["extensions"]["code"], each["path"]) for each in answer["errors"]] == [("BAD_USER_INPUT", ["node", "url"])]
