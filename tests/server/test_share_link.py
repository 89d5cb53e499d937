"""Share links over a real server: their pages, sockets that end with them, and what else they do not open."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from realtime.collaboration import messages
from realtime.collaboration.messages import AwarenessState, MessageType, SyncStep
from tests.support.collaboration_socket import EMPTY, close_reason, collaboration_url, next_message, typed_update
from tests.support.hocuspocus_client import create_document_over_http
from tests.support.machine import allowed_seconds
from tests.support.server_process import Client, ServerProcess, create_team_and_project, next_data, register_user, subscribe

CREATE = """
mutation ($input: ShareLinkCreateInput!) { shareLinkCreate(input: $input) { shareLink { id url } errors { code } } }
"""
REVOKE = "mutation ($input: DeleteInput!) { shareLinkRevoke(input: $input) { errors { code } } }"
DOCUMENT_CREATE = "mutation ($input: DocumentCreateInput!) { documentCreate(input: $input) { document { id } errors { code } } }"
TASK_CREATE = "mutation ($input: TaskCreateInput!) { taskCreate(input: $input) { task { id } errors { code } } }"
COMMENT = "mutation ($input: CommentCreateInput!) { commentCreate(input: $input) { comment { id } errors { code } } }"
CHANGES = "subscription { changes { kind type entity { ... on Task { title } } } }"
CONTENT = """
# Heading <b>bold</b>

<script>alert(1)</script>

[bad](javascript:alert(2)) ![far](https://elsewhere.example/pixel.png) [good](https://example.com/)

- [x] Done
- [ ] Open

| a | b |
|---|--:|
| 1 | 2 |
"""


@pytest.fixture
async def ada(server: ServerProcess) -> AsyncIterator[Client]:
    client = await register_user(server)
    yield client
    await client.close()


@pytest.fixture
async def project_id(ada: Client) -> str:
    return await create_team_and_project(ada)


@pytest.fixture
async def document_id(ada: Client, project_id: str) -> str:
    title = "Plan <script>alert(3)</script> & more"
    made = await ada.run(DOCUMENT_CREATE, input={"projectId": project_id, "title": title, "content": CONTENT})
    id_: str = made["documentCreate"]["document"]["id"]
    return id_


async def create_link(ada: Client, subject_id: str) -> Any:
    """A link; `token` is in its address."""
    link = (await ada.run(CREATE, input={"subjectId": subject_id}))["shareLinkCreate"]["shareLink"]
    return link | {"token": link["url"].rpartition("/")[2], "path": urlsplit(link["url"]).path}


async def test_a_document_s_page_shows_it_and_runs_nothing(ada: Client, document_id: str) -> None:
    link = await create_link(ada, document_id)
    response = await ada.http.get(link["path"])
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:;")
    assert "script-src" not in policy
    headers = ("referrer-policy", "x-robots-tag", "cache-control", "x-content-type-options")
    assert [response.headers[each] for each in headers] == ["no-referrer", "noindex, nofollow", "no-store", "nosniff"]
    page = response.text
    assert "<h1>Plan &lt;script&gt;alert(3)&lt;/script&gt; &amp; more</h1>" in page
    assert "<script" not in page
    assert '="javascript' not in page
    assert '<span role="img" aria-label="Done">☑</span>' in page
    assert '<a href="https://example.com/" rel="noopener noreferrer nofollow">good</a>' in page
    assert "Ada Tester" not in page
    assert (await ada.http.get("/share/style.css")).status_code == 200


async def test_a_board_s_page_shows_its_tasks_by_column(ada: Client, project_id: str) -> None:
    for title, status in (("Write <it>", "TODO"), ("Ship", "DONE")):
        await ada.run(TASK_CREATE, input={"projectId": project_id, "title": title, "status": status})
    link = await create_link(ada, project_id)
    page = (await ada.http.get(link["path"])).text
    assert "1 of 2 tasks done" in page
    assert page.index("To do") < page.index("Write &lt;it&gt;") < page.index("Done <span") < page.index("Ship")
    assert "@example.com" not in page


@pytest.mark.parametrize("token", ["hive_share_", "hive_share_" + "A" * 43, "x", "hive_pat_" + "A" * 43, "a" * 5_000])
async def test_an_address_that_is_none_leads_to_a_page_that_says_so(server: ServerProcess, token: str) -> None:
    async with httpx.AsyncClient(base_url=server.url) as http:
        response = await http.get(f"/share/{token}")
        assert response.status_code == 404
        assert "This link has ended" in response.text


async def test_what_was_revoked_is_shown_no_more(ada: Client, document_id: str) -> None:
    link = await create_link(ada, document_id)
    assert (await ada.http.get(link["path"])).status_code == 200
    assert (await ada.run(REVOKE, input={"id": link["id"]}))["shareLinkRevoke"]["errors"] == []
    async with asyncio.timeout(allowed_seconds(2.0)):
        while (await ada.http.get(link["path"])).status_code != 404:
            await asyncio.sleep(0.05)


async def test_a_board_is_followed_live_until_its_link_is_revoked(
    server: ServerProcess, ada: Client, project_id: str, document_id: str
) -> None:
    link = await create_link(ada, project_id)
    guest = Client(server, link["token"])
    async with guest.websocket() as socket:
        await subscribe(socket, CHANGES)
        await asyncio.sleep(0.2)  # its streams are being subscribed to
        made = await ada.run(DOCUMENT_CREATE, input={"projectId": project_id, "title": "Not theirs"})
        task = (await ada.run(TASK_CREATE, input={"projectId": project_id, "title": "First"}))["taskCreate"]["task"]["id"]
        await ada.run(COMMENT, input={"subjectId": task, "body": "Not theirs"})
        await ada.run(TASK_CREATE, input={"projectId": project_id, "title": "Second"})
        assert made["documentCreate"]["errors"] == []
        seen = [await next_data(socket) for _ in range(2)]
        assert [each["changes"]["entity"] for each in seen] == [{"title": "First"}, {"title": "Second"}]
        began = asyncio.get_running_loop().time()
        await ada.run(REVOKE, input={"id": link["id"]})
        with pytest.raises(ConnectionClosed) as closed:
            await next_data(socket)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4403, "UNAUTHENTICATED")
        assert asyncio.get_running_loop().time() - began < allowed_seconds(1.0)
    await guest.close()


async def test_a_document_is_followed_live_read_only_until_its_link_is_revoked(
    server: ServerProcess, ada: Client, project_id: str
) -> None:
    document_id = await create_document_over_http(ada, project_id)
    link = await create_link(ada, document_id)
    async with (
        connect(collaboration_url(server, document_id, link["token"])) as reader,
        connect(collaboration_url(server, document_id, ada.token)) as writer,
    ):
        for socket in (reader, writer):
            await socket.send(messages.sync_message(SyncStep.STEP_1, EMPTY))
            await next_message(socket, MessageType.SYNC, SyncStep.STEP_2)
        presence = messages.encode_awareness([AwarenessState(7, 1, '{"user":{"name":"Ada"}}')])
        await writer.send(messages.awareness_message(presence))
        await reader.send(
            messages.awareness_message(messages.encode_awareness([AwarenessState(8, 1, '{"user":{"name":"Nobody"}}')]))
        )
        await reader.send(messages.sync_message(SyncStep.UPDATE, typed_update("mine")))
        update = typed_update("theirs")
        await writer.send(messages.sync_message(SyncStep.UPDATE, update))
        kinds = set()
        async with asyncio.timeout(20):
            while True:
                data = await reader.recv(decode=False)
                kinds.add(data[0])
                if data == messages.sync_message(SyncStep.UPDATE, update):
                    break
        assert MessageType.AWARENESS not in kinds
        assert MessageType.AUTH in kinds  # what it wrote was refused
        began = asyncio.get_running_loop().time()
        await ada.run(REVOKE, input={"id": link["id"]})
        assert (await close_reason(reader))[0] in (4401, 4404)
        assert asyncio.get_running_loop().time() - began < allowed_seconds(1.0)
        await writer.send(messages.awareness_message(presence))
        await writer.close()
    node = "query ($id: ID!) { document(id: $id) { content(format: TEXT) { text } } }"
    assert "mine" not in str(await ada.run(node, id=document_id))


async def test_a_document_s_edits_are_sent_in_the_graph_too(server: ServerProcess, ada: Client, document_id: str) -> None:
    link = await create_link(ada, document_id)
    guest = Client(server, link["token"])
    live = """
      subscription ($id: ID!) { documentCollaboration(id: $id, sessionId: "x") {
        __typename ... on DocumentSynced { update position } ... on DocumentEdited { update }
      } }
    """
    async with guest.websocket() as socket:
        await subscribe(socket, live, id=document_id)
        assert (await next_data(socket))["documentCollaboration"]["__typename"] == "DocumentSynced"
        apply = "mutation ($input: DocumentEditInput!) { documentEdit(input: $input) { errors { code } } }"
        edit = {"id": document_id, "mode": "APPEND", "content": "More."}
        edited = await ada.post(apply, input=edit)
        assert edited.status_code == 200
    await guest.close()


@pytest.mark.parametrize("path", ["/oauth/userinfo", "/sync/snapshot?types=TASK", "/graphiql/cost"])
async def test_a_link_opens_no_other_endpoint(ada: Client, project_id: str, path: str) -> None:
    link = await create_link(ada, project_id)
    response = await ada.http.get(path, headers={"Authorization": f"Bearer {link['token']}"})
    assert response.status_code in (401, 403, 405)
    assert b'"data"' not in response.content


async def test_a_link_says_nothing_of_its_creator_over_http(server: ServerProcess, ada: Client, project_id: str) -> None:
    guest = Client(server, (await create_link(ada, project_id))["token"])
    for query in ("{ viewer { email } }", "{ teams { nodes { name } } }", "query { __schema { queryType { name } } }"):
        answer = (await guest.post(query)).json()
        assert (answer.get("data"), answer["errors"][0]["extensions"]["code"]) == (None, "FORBIDDEN")
    assert (await guest.run("{ shareLink { subject { ... on Project { name } } } }"))["shareLink"]["subject"]["name"] == "Launch"
    await guest.close()
