"""The application at /app in a browser, on real servers with the demo's data: each test runs a script of this folder."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.web_app import BUILD
from tests.browser.test_graphiql import HERE, browser, contents, demo, install_packages, look, node, run
from tests.conftest import migrate_template
from tests.support.machine import allowed_seconds
from tests.support.server_process import ROOT, ServerProcess, running_process

pytestmark = pytest.mark.slow
__all__ = ["browser", "demo", "node"]  # fixtures

SOURCE = ROOT / "clients" / "app"
MAX_BYTES = 350_000
"""Of all files of the build, the editor among them."""
MAX_FIRST_LOAD_BYTES = 170_000
"""Of what the page names, before a document is opened."""
TIMEOUT_SECONDS = 240


@pytest.fixture
async def mortal(postgres_server: str, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server that may be killed and started again, over a database of its own with the demo's data."""
    from tests.support.backing_services import database_from_template

    async with database_from_template(postgres_server, "migrated", migrate_template) as url:
        with running_process(folder=tmp_path, database_url=url, seed_size="demo", log_level="warning") as server:
            await server.wait_until_ready()
            yield server


@pytest.mark.browser
async def test_two_people_move_cards_at_once_and_nothing_is_lost_by_a_cut_line_or_a_killed_server(
    browser: dict[str, str], mortal: ServerProcess, tmp_path: Path
) -> None:
    environment = {**browser, "BASE_URL": mortal.url, "SCREENSHOTS": str(tmp_path)}
    script = await asyncio.create_subprocess_exec(
        "node", "app_board.mjs", cwd=HERE, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert script.stdout is not None
    said: list[str] = []
    try:
        async with asyncio.timeout(allowed_seconds(TIMEOUT_SECONDS)):
            async for line in script.stdout:
                said.append(line.decode())
                if line == b"kill the server\n":
                    mortal.kill()
                    await asyncio.sleep(1)
                    mortal.start()
            code = await script.wait()
    finally:
        if script.returncode is None:
            script.kill()
            await script.wait()
    output = "".join(said)
    assert code == 0, output
    for sentence in (
        "moved six cards at once",
        "see the same",
        "p95",
        "Five changes arrived once",
        "nothing was lost or doubled",
    ):
        assert sentence in output


@pytest.mark.browser
async def test_two_people_write_one_document_and_who_comes_back_sees_what_changed(
    browser: dict[str, str], demo: ServerProcess, tmp_path: Path
) -> None:
    output = await look("app_document.mjs", browser, demo, tmp_path)
    for sentence in ("every word is there once", "arrived once", "sees what changed", "restored under both"):
        assert sentence in output


@pytest.mark.browser
async def test_the_app_opens_without_the_server_leaves_nothing_of_who_signed_out_and_is_replaced_whole(
    browser: dict[str, str], demo: ServerProcess, tmp_path: Path
) -> None:
    output = await look("app_offline.mjs", browser, demo, tmp_path)
    for sentence in ("what was done in it arrived once", "left nothing behind", "nothing was mixed"):
        assert sentence in output


@pytest.mark.browser
async def test_a_person_signs_in_on_the_pages_of_the_server_and_with_a_passkey(
    browser: dict[str, str], demo: ServerProcess, tmp_path: Path
) -> None:
    output = await look("app_sign_in.mjs", browser, demo, tmp_path)
    for sentence in ("Came back to the page that was left", "Refused the answer to a request of another window"):
        assert sentence in output
    assert output.count("Signed in with a passkey on a ") == 2
    assert output.count("axe finds nothing on ") == 4


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "width"), [("light", "1440"), ("dark", "390")])
async def test_a_person_writes_documents_and_comments_and_takes_back_what_was_done(
    browser: dict[str, str], demo: ServerProcess, tmp_path: Path, scheme: str, width: str
) -> None:
    output = await look("app_editing.mjs", browser, demo, tmp_path, COLOR_SCHEME=scheme, WIDTH=width)
    for sentence in (
        "Wrote a document that names a person and a task",
        "Renamed, moved and removed a document, and took back what was done",
        "Edited, resolved, reopened and removed comments",
        "Linked tasks, and let one repeat",
        "Began a project with a template",
    ):
        assert sentence in output
    assert output.count("axe: 0 violations") == 6


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["1440", "390"])
async def test_no_screen_of_the_app_breaks_a_rule_of_axe_or_is_wider_than_the_window(
    browser: dict[str, str], demo: ServerProcess, tmp_path: Path, scheme: str, width: str
) -> None:
    output = await look("app_screens.mjs", browser, demo, tmp_path, COLOR_SCHEME=scheme, WIDTH=width)
    assert output.count("axe: 0 violations") == 14
    assert len(list(tmp_path.glob("*.png"))) == 14


def test_all_of_the_app_is_little_to_load() -> None:
    files = [path for path in (BUILD / "assets").iterdir() if not path.name.startswith("licenses")]
    sizes = {path.name: len(gzip.compress(path.read_bytes())) if path.suffix != ".gz" else path.stat().st_size for path in files}
    assert 100_000 < sum(sizes.values()) < MAX_BYTES, sizes
    page = (BUILD / "index.html").read_text()
    first = {name: size for name, size in sizes.items() if name.removesuffix(".gz") in page}
    assert 50_000 < sum(first.values()) < MAX_FIRST_LOAD_BYTES, first


@pytest.mark.browser
async def test_the_build_of_the_app_is_made_of_this_source(node: dict[str, str], tmp_path: Path) -> None:
    await install_packages(SOURCE.parent, node)
    code, output = await run("npm", "run", "build", "--", "--outDir", str(tmp_path), cwd=SOURCE, environment=node)
    assert code == 0, output
    assert contents(tmp_path) == contents(BUILD), "run `make web-app`"
