"""Files that are two things at once are refused, or served as what no browser runs, under a name that holds no path."""

import re
from collections.abc import Iterable
from urllib.parse import unquote

import httpx
import pytest

from domain import media
from domain.blob import is_inline_type
from tests.support.app import App, Person
from tests.support.graph_actions import codes_and_paths, create_task
from tests.support.hostile_files import HostileFile, polyglots
from tests.support.teams import SampleTeam
from tests.support.uploads import ATTACHMENT_URL_QUERY, complete_upload, create_upload, put_content, signed_request

COUNT = 300
_FILES_A_TASK = 50
_NEVER_IN_A_NAME = re.compile(r"[/\\\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_DISPOSITION = re.compile(r"(inline|attachment); filename=\"([A-Za-z0-9 ._()-]+)\"; filename\*=UTF-8''([A-Za-z0-9_.~%-]+)")


async def store(app: App, person: Person, file: HostileFile, subject_id: str) -> tuple[str, str] | None:
    """Upload a file: its name and address; None where it was refused."""
    given = {"fileName": file.file_name, "contentType": file.content_type, "subjectId": subject_id}
    made = await create_upload(app, person, file.content, **given)
    if made["errors"]:
        ((code, path),) = codes_and_paths(made)
        assert (path, code in ("INVALID", "REQUIRED", "TOO_LONG")) == (["input", "fileName"], True), file.name
        return None
    assert await put_content(app, made["upload"], file.content) == 200
    done = await complete_upload(app, person, made["attachment"]["id"])
    (_, url) = (await app.run(person, ATTACHMENT_URL_QUERY, id=made["attachment"]["id"]))["node"].values()
    if done["errors"]:
        assert (codes_and_paths(done), done["attachment"]["state"], url) == ([("INVALID", ["input", "id"])], "REJECTED", None)
        return None
    return made["attachment"]["fileName"], url


def assert_harmless(file: HostileFile, file_name: str, response: httpx.Response) -> None:
    """The bytes as they were, of a type that is shown as what it is, or that is saved."""
    assert (response.status_code, response.content) == (200, file.content)
    headers = response.headers
    assert headers["x-content-type-options"] == "nosniff"
    found = _DISPOSITION.fullmatch(headers["content-disposition"])
    assert found is not None, headers["content-disposition"]
    assert unquote(found[3]) == file_name
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy
    assert policy.endswith("; sandbox") is (headers["content-type"] != "application/pdf")
    if is_inline_type(file.content_type):
        assert found[1] == "inline"
        assert headers["content-type"].partition(";")[0] == file.content_type
        assert media.matches_type(file.content_type, file.content)
    else:
        assert (found[1], headers["content-type"]) == ("attachment", "application/octet-stream")


async def store_and_read(app: App, team: SampleTeam, files: Iterable[HostileFile]) -> tuple[set[str], set[str]]:
    """Upload each file, and read what was not refused: what was stored, and the files' names."""
    stored, names = set(), set()
    card = await create_task(app, team)
    for number, file in enumerate(files):
        if number % _FILES_A_TASK == _FILES_A_TASK - 1:
            card = await create_task(app, team)
        uploader = (team.owner, team.admin, team.member, team.mate)[number % 4]  # what was refused waits to be deleted
        if (found := await store(app, uploader, file, card["id"])) is not None:
            file_name, url = found
            assert not _NEVER_IN_A_NAME.search(file_name)
            assert_harmless(file, file_name, await signed_request(app, "GET", url))
            stored.add(file.name)
            names.add(file_name)
    return stored, names


async def test_a_file_that_is_two_things_is_served_as_what_no_browser_runs(app: App, team: SampleTeam) -> None:
    stored, names = await store_and_read(app, team, list(polyglots())[::4])
    assert 20 < len(stored) < COUNT / 4
    assert len(names) > 5


@pytest.mark.fuzz
async def test_every_such_file_is(app: App, team: SampleTeam) -> None:
    files = list(polyglots())
    assert len(files) >= COUNT
    stored, names = await store_and_read(app, team, files)
    assert {"GIF and HTML as image/gif", "HTML before a PDF as application/pdf", "SVG as image/svg+xml"} <= stored
    assert not {"HTML as image/png", "SVG as image/gif", "PNG and HTML as image/jpeg", "HTML in UTF-16 as text/plain"} & stored
    assert {"CON", "x" * 255, "é.png", "a;b=c.png"} <= names
