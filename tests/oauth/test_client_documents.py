"""OAuth clients that describe themselves by a document: tools and agents that nobody has registered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
import pytest

from auth.oauth.client_documents import ClientDocuments
from domain.ip_network import parse_networks
from domain.outgoing_url import OutgoingRules
from outgoing.safe_http import SafeHttpClient
from tests.support.app import App
from tests.support.browser_flow import AppRequest, consent, refresh, returned, sign_in
from tests.support.graph_actions import table_states
from tests.support.hostile_urls import hostile_urls
from tests.support.oauth import SampleClient, front_door, post_graph, post_token

CALLBACK = "http://127.0.0.1:7777/callback"


@dataclass
class DocumentHost:
    """A host of documents: by path its answer, head and body. It counts what it was asked for."""

    port: int = 0
    answers: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def serve(
        self, path: str, document: Any = None, *, head: str = "200 OK\r\nContent-Type: application/json", **fields: Any
    ) -> str:
        """Answer a path with a document, by default that of a good client with these fields; its address."""
        usual = {"client_id": self.url(path), "client_name": "Tool", "redirect_uris": [CALLBACK]}
        usual |= {"grant_types": ["authorization_code", "refresh_token"], "scope": "TASKS_READ PROFILE_READ ADMIN nonsense"}
        given = {name: value for name, value in (usual | fields).items() if value is not None}
        body = document if isinstance(document, bytes) else orjson.dumps(given if document is None else document)
        self.answers[path] = f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
        return self.url(path)


@pytest.fixture
async def host() -> AsyncIterator[DocumentHost]:
    """A host on this machine."""
    served = DocumentHost()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        served.asked.append(path)
        writer.write(served.answers[path])
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    served.port = listener.sockets[0].getsockname()[1]
    yield served
    listener.close()


@asynccontextmanager
async def door(app: App, *admitted: str) -> AsyncIterator[httpx.AsyncClient]:
    """HTTP to the application, which may read documents of these networks."""
    async with (
        SafeHttpClient.open(OutgoingRules(parse_networks(admitted))) as outgoing,
        front_door(App(replace(app.resources, outgoing=outgoing), app.sql)) as http,
    ):
        yield http


@pytest.fixture
async def http(app: App) -> AsyncIterator[httpx.AsyncClient]:
    """HTTP to the application, which may read documents of this machine."""
    async with door(app, "127.0.0.1") as opened:
        yield opened


def asking(url: str, **more: str) -> AppRequest:
    """What a client that describes itself asks for."""
    return AppRequest(SampleClient("", url, None), redirect_uri=CALLBACK, scope="PROFILE_READ", more=more)


async def test_a_client_that_describes_itself_signs_a_person_in(
    http: httpx.AsyncClient, app: App, host: DocumentHost, email: str
) -> None:
    url = host.serve("/tool.json")
    request = asking(url)
    page = await sign_in(http, await http.get(request.address), email)
    assert "<h1>Allow Tool?</h1>" in page.text
    assert "This app describes itself at <strong>127.0.0.1</strong>; nobody here has registered it." in " ".join(
        page.text.split()
    )
    assert "You return to 127.0.0.1." in page.text
    assert await app.sql.fetchval("SELECT count(*) FROM oauth_clients WHERE document_url = $1", url) == 0
    answer = await request.redeem(http, returned(await consent(http, page))["code"])
    tokens = answer.json()
    assert (answer.status_code, tokens["scope"]) == (200, "PROFILE_READ")
    assert "errors" not in (await post_graph(http, tokens["access_token"], "{ viewer { id } }")).json()
    renewed = await refresh(http, request.client, tokens["refresh_token"])
    assert renewed.status_code == 200
    row = await app.sql.fetchrow(
        "SELECT name, team_id, bot_user_id, secret_hash, scopes FROM oauth_clients WHERE document_url = $1", url
    )
    assert tuple(row or ()) == ("Tool", None, None, None, ["PROFILE_READ", "TASKS_READ"])
    assert host.asked == ["/tool.json"]  # held, and not read for the other requests


async def test_what_a_document_says_anew_counts_for_the_next_request(app: App, host: DocumentHost, email: str) -> None:
    url = host.serve("/changing.json")
    for name, callback in (("Tool", CALLBACK), ("Renamed", "http://127.0.0.1:7777/other")):
        host.serve("/changing.json", client_name=name, redirect_uris=[callback])
        request = replace(asking(url, prompt="login"), redirect_uri=callback)
        async with door(app, "127.0.0.1") as http:  # as another process, which holds nothing
            page = await sign_in(http, await http.get(request.address), email)
            assert f"<h1>Allow {name}?</h1>" in page.text
            assert (await request.redeem(http, returned(await consent(http, page))["code"])).status_code == 200
    stored = await app.sql.fetchrow("SELECT name, redirect_uris FROM oauth_clients WHERE document_url = $1", url)
    assert tuple(stored or ()) == ("Renamed", ["http://127.0.0.1:7777/other"])


async def test_documents_that_are_none_are_a_page_that_says_why_and_nothing_is_stored(
    http: httpx.AsyncClient, app: App, host: DocumentHost
) -> None:
    json = "Content-Type: application/json"
    cases = {
        host.serve("/404", head=f"404 Not Found\r\n{json}"): "its host answers 404",
        host.serve("/302", head=f"302 Found\r\nLocation: {host.url('/tool.json')}\r\n{json}"): "its host answers 302",
        host.serve("/html", head="200 OK\r\nContent-Type: text/html"): "is not application/json",
        host.serve("/none", head="200 OK"): "is not application/json",
        host.serve("/junk", b"{"): "is no JSON",
        host.serve("/list", []): "its client_id is another",
        host.serve("/other", client_id=host.url("/tool.json")): "its client_id is another",
        host.serve("/nobody", client_id=None): "its client_id is another",
        host.serve("/long", padding="x" * 9000): "is longer than 8 KiB",
        host.serve("/secret", client_secret="x"): "are public",
        host.serve("/basic", token_endpoint_auth_method="client_secret_basic"): "are public",
        host.serve("/jwt", token_endpoint_auth_method="private_key_jwt"): "are public",
        host.serve("/no-redirects", redirect_uris=[]): "lists one to 10 redirect_uris",
        host.serve("/eleven", redirect_uris=[f"{CALLBACK}{number}" for number in range(11)]): "lists one to 10 redirect_uris",
        host.serve("/number", redirect_uris=[7]): "lists one to 10 redirect_uris",
        host.serve("/script", redirect_uris=["javascript:alert(1)"]): "A redirect URI cannot be used",
        host.serve("/clear", redirect_uris=["http://app.example/callback"]): "A redirect URI cannot be used",
        host.serve("/implicit", grant_types=["implicit"]): "must have authorization_code",
        host.serve("/name", client_name="\u200b"): "client_name cannot be used",
        host.url(""): "has a path",
        host.url("/"): "has a path",
        host.url("/a/../b"): "no dot segments",
        host.url("/a/%2E%2e/b"): "no dot segments",
        "https://[": "cannot be read",
    }
    before = await table_states(app)
    for url, reason in cases.items():
        page = await http.get(asking(url).address)
        assert (page.status_code, "<h1>This app cannot sign you in</h1>" in page.text) == (400, True), url
        assert reason in page.text, (url, page.text)
    assert await table_states(app) == before
    assert await app.sql.fetchval("SELECT count(*) FROM oauth_clients WHERE document_url LIKE $1", host.url("%")) == 0


async def test_no_address_leads_into_the_network_of_the_server(app: App, host: DocumentHost) -> None:
    connected = len(host.asked)
    host.serve("/tool.json")
    urls = [each for each in hostile_urls(host.port) if each.startswith(("http://", "https://"))]
    assert len(urls) > 400
    async with door(app) as http:
        for url in [*urls, host.url("/tool.json"), f"https://127.0.0.1:{host.port}/tool.json"]:
            query = urlencode(asking(url).parameters, errors="replace")
            page = await http.get(f"/oauth/authorize?{query}")
            assert (page.status_code, "location" in page.headers) == (400, False), url
    assert len(host.asked) == connected


async def test_such_a_client_has_no_other_redirect_uri_scope_or_grant(
    http: httpx.AsyncClient, app: App, host: DocumentHost, email: str
) -> None:
    url = host.serve("/tool.json")
    page = await http.get(replace(asking(url), redirect_uri="https://evil.example/").address)
    assert (page.status_code, "location" in page.headers) == (400, False)
    for scope in ("ADMIN", "PROFILE_WRITE", "TASKS_WRITE"):
        denied = await http.get(replace(asking(url), scope=scope).address)
        assert returned(denied)["error"] == "invalid_scope"
    request = asking(url)
    page = await sign_in(http, await http.get(request.address), email)
    await consent(http, page)  # from here on it is stored
    credentials = await post_token(http, None, grant_type="client_credentials", client_id=url)
    assert (credentials.status_code, credentials.json()["error"]) == (401, "invalid_client")
    device = await http.post("/oauth/device_authorization", data={"client_id": url})
    assert (device.status_code, device.json()["error"]) == (400, "unauthorized_client")
    by_id = await app.sql.fetchval("SELECT id::text FROM oauth_clients WHERE document_url = $1", url)
    assert (await http.get(asking(by_id).address)).status_code == 400


@pytest.mark.parametrize(
    ("control", "seconds"),
    [
        ("", 300),
        ("max-age=3600", 3600),
        ("public, max-age=5", 60),
        ("max-age=999999999", 86400),
        ("no-store", 60),
        ("x-max-age=9000", 300),
    ],
)
async def test_a_document_is_held_as_long_as_it_says_within_bounds(host: DocumentHost, control: str, seconds: int) -> None:
    url = host.serve("/held.json", head=f"200 OK\r\nContent-Type: application/cimd+json\r\nCache-Control: {control}")
    async with SafeHttpClient.open(OutgoingRules(parse_networks(["127.0.0.1"]))) as outgoing:
        documents = ClientDocuments(outgoing)
        client = await documents.read(url)
        entry = documents._held.get(url)
        assert entry is not None
        assert round((entry[1] - client.created_at).total_seconds()) == seconds
