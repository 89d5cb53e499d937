"""What the application at /app asks its server for besides the graph: its page at every address, its files and its configuration."""

import base64
import gzip
import re
from collections.abc import AsyncIterator
from hashlib import sha256

import httpx
import pytest

from app.adapters import file_origins
from app.settings import DEMO_PASSWORD, DEMO_PEOPLE, Settings
from domain.session import WEB_APP_CLIENT_ID
from gateway.web_app import content_security_policy
from tests.support.server_process import ServerProcess

PLACES = ("/app", "/app/", "/app/inbox", "/app/projects/0197a3b2-0000-7000-8000-000000000000/documents", "/app/tasks/ENG-1")


@pytest.fixture
async def http(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client


async def test_every_address_of_the_app_is_answered_with_its_page_which_is_not_sent_again(http: httpx.AsyncClient) -> None:
    pages = [await http.get(place) for place in PLACES]
    assert [page.status_code for page in pages] == [200] * len(PLACES)
    assert {page.text for page in pages} == {pages[0].text}
    etag = pages[0].headers["etag"]
    assert [page.headers["cache-control"] for page in pages] == ["no-cache"] * len(PLACES)
    for known in (etag, f"W/{etag}", f'"other", {etag}'):
        again = await http.get("/app/inbox", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert (await http.get("/app/inbox", headers={"If-None-Match": '"other"'})).status_code == 200
    assert (await http.post("/app/inbox")).status_code == 405


async def test_the_page_takes_nothing_from_elsewhere_and_holds_no_style_or_script(http: httpx.AsyncClient) -> None:
    page = await http.get("/app/")
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    files = [part.split('"')[0] for part in page.text.split('"/app/assets/')[1:]]
    assert len(files) >= 3
    for name in files:
        plain = await http.get(f"/app/assets/{name}", headers={"Accept-Encoding": "identity"})
        assert (plain.status_code, plain.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
        assert "content-encoding" not in plain.headers
        async with http.stream("GET", f"/app/assets/{name}", headers={"Accept-Encoding": "gzip"}) as response:
            body = b"".join([part async for part in response.aiter_raw()])
        assert response.headers["content-encoding"] == "gzip"
        assert gzip.decompress(body) == plain.content
    for missing in ("nothing.js", "..%2F__init__.py"):
        assert (await http.get(f"/app/assets/{missing}")).status_code == 404


async def test_the_service_worker_stores_the_page_and_its_files_as_they_are_and_nothing_else(http: httpx.AsyncClient) -> None:
    worker = await http.get("/app/service-worker.js")
    names = ("content-type", "cache-control", "content-security-policy", "service-worker-allowed")
    assert [worker.headers[name] for name in names] == [
        "text/javascript; charset=utf-8",
        "no-cache",
        "default-src 'none'; connect-src 'self'",
        "/app",
    ]
    stored = dict(re.findall(r'"(/app/[^"]*)":"sha256-([^"]+)"', worker.text))
    page = await http.get("/app/")
    assert set(re.findall(r'"(/app/assets/[^"]+)"', page.text)) < set(stored)
    assert {path for path in stored if not path.startswith("/app/assets/")} == {"/app/"}
    for path, digest in stored.items():
        assert base64.b64encode(sha256((await http.get(path)).content).digest()).decode() == digest, path


async def test_the_people_of_the_demo_are_offered_and_the_pages_of_the_server(
    http: httpx.AsyncClient, server: ServerProcess
) -> None:
    config = await http.get("/app/config.json")
    people = [{"name": name, "email": email, "password": DEMO_PASSWORD} for name, email in DEMO_PEOPLE]
    oauth = {"issuer": server.url, "clientId": str(WEB_APP_CLIENT_ID)}
    assert (config.json(), config.headers["cache-control"]) == ({"people": people, "oauth": oauth}, "no-store")


async def test_the_url_of_a_task_leads_to_its_page(http: httpx.AsyncClient) -> None:
    found = await http.get("/tasks/ENG-12")
    assert (found.status_code, found.headers["location"]) == (307, "/app/tasks/ENG-12")


@pytest.mark.parametrize(
    ("blobs_url", "origins"),
    [
        (None, ()),
        ("s3://files/prefix?region=eu-central-1&endpoint=http://127.0.0.1:9000/path", ("http://127.0.0.1:9000",)),
        ("s3://files?region=eu-central-1", ("https://files.s3.amazonaws.com", "https://files.s3.eu-central-1.amazonaws.com")),
        ("s3://key:secret@files", ("https://files.s3.amazonaws.com",)),
    ],
)
def test_files_in_a_bucket_are_sent_and_shown_past_the_server(blobs_url: str | None, origins: tuple[str, ...]) -> None:
    assert file_origins(Settings(blobs_url=blobs_url)) == origins
    policy = content_security_policy(origins)
    for directive in ("connect-src 'self'", "img-src 'self' data: blob:"):
        assert " ".join([directive, *origins]) + ";" in policy
