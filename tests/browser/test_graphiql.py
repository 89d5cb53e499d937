"""GraphiQL in a browser, on a real server with the demo's data: each test runs a script of this folder."""

import asyncio
import gzip
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.graphiql import BUILD
from tests.conftest import migrate_template
from tests.support.server_process import ServerProcess, running_server

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
SOURCE = BUILD.parent / "source"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT_SECONDS = 240


async def run(*command: str, cwd: Path, environment: dict[str, str]) -> tuple[int | None, str]:
    """A command's exit code and output."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, output.decode()


async def install_packages(folder: Path, environment: dict[str, str]) -> None:
    """Install what the folder's lock file names, unless it is there; skip the test where that cannot be."""
    installed, lock = folder / "node_modules" / ".package-lock.json", folder / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    code, output = await run("npm", "ci", "--no-audit", "--no-fund", cwd=folder, environment=environment)
    if code != 0:
        pytest.skip(f"npm ci could not install the packages of {folder.name}: {output[-300:]}")


@pytest.fixture(scope="module")
def node() -> dict[str, str]:
    """The environment that finds Node."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        pytest.skip("GraphiQL is tested with Node; .ci/run installs it")
    return {"PATH": f"{Path(found).parent}:/usr/bin:/bin", "HOME": str(Path.home())}


@pytest.fixture(scope="module")
async def browser(node: dict[str, str]) -> dict[str, str]:
    """The environment that finds Node and a browser, with what drives it installed."""
    chromium = next((found for each in BROWSERS if (found := shutil.which(each))), None)
    if chromium is None:
        pytest.skip("GraphiQL is looked at with Chromium; .ci/run installs it")
    await install_packages(HERE, node)
    return {**node, "CHROMIUM": chromium}


@pytest.fixture(scope="module")
async def demo(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """A server over a database of its own, filled as on a first start."""
    from tests.support.backing_services import database_from_template

    folder = tmp_path_factory.mktemp("demo")
    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        running_server(folder, database_url=url, seed_size="demo") as server,
    ):
        yield server


async def look(script: str, browser: dict[str, str], demo: ServerProcess, pictures: Path, **more: str) -> str:
    """What a script of this folder says, which ends well."""
    environment = {**browser, "BASE_URL": demo.url, "SCREENSHOTS": str(pictures), **more}
    code, output = await run("node", script, cwd=HERE, environment=environment)
    assert code == 0, output
    return output


async def test_a_newcomer_queries_a_board_and_sees_every_move_of_a_second_person_in_another_window(
    browser: dict[str, str], demo: ServerProcess, tmp_path: Path
) -> None:
    output = await look("graphiql.mjs", browser, demo, tmp_path)
    assert "Signed in as Dana Whitfield" in output
    assert "Board of" in output
    assert output.count("MOVED · Task") == 3
    assert (tmp_path / "graphiql.png").stat().st_size > 10_000


@pytest.mark.browser
async def test_a_reload_shows_the_same_tabs_with_the_same_texts(
    browser: dict[str, str], demo: ServerProcess, tmp_path: Path
) -> None:
    output = await look("reload.mjs", browser, demo, tmp_path)
    assert output.count("The same after a reload") == 6


@pytest.mark.browser
async def test_a_subscription_outlives_tab_changes_and_lost_servers_and_misses_nothing(
    browser: dict[str, str], demo: ServerProcess, tmp_path: Path
) -> None:
    output = await look("streams.mjs", browser, demo, tmp_path)
    assert "While another tab was shown: MOVED" in output
    for loss in ("cut", "stalled"):
        assert f"After it was {loss}: Connection lost. Trying again" in output


FORMS = ("curl", "fetch", "Apollo Client", "urql")
OUTCOMES = {"query": "gives the same answer", "mutation": "renames the task", "subscription": "prints an event"}


@pytest.mark.browser
async def test_what_is_copied_runs_in_a_shell_in_node_and_with_apollo_and_urql(
    browser: dict[str, str], demo: ServerProcess, tmp_path: Path
) -> None:
    output = await look("copy.mjs", browser, demo, tmp_path)
    printed = {f"The {kind} copied as {form} {OUTCOMES[kind]}." for kind in OUTCOMES for form in FORMS}
    assert printed == {line for line in output.splitlines() if " copied as " in line}


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["1440", "480"])
async def test_no_screen_breaks_a_rule_of_axe_or_is_wider_than_the_window(
    browser: dict[str, str], demo: ServerProcess, tmp_path: Path, scheme: str, width: str
) -> None:
    output = await look("accessibility.mjs", browser, demo, tmp_path, COLOR_SCHEME=scheme, WIDTH=width)
    assert output.count("axe: 0 violations") == 16
    assert len(list(tmp_path.glob("*.png"))) == 16


@pytest.mark.browser
async def test_the_page_signs_in_by_the_code_flow_and_stays_signed_in(
    browser: dict[str, str], demo: ServerProcess, tmp_path: Path
) -> None:
    output = await look("graphiql_sign_in.mjs", browser, demo, tmp_path)
    for line in ("Signed in on the pages", "Still signed in after a reload", "Asked who signs in", "Refused the answer"):
        assert line in output
    assert (tmp_path / "graphiql-signed-in.png").stat().st_size > 10_000


@pytest.mark.browser
async def test_little_is_loaded_before_the_editor_and_the_schema_only_once(
    browser: dict[str, str], demo: ServerProcess, tmp_path: Path
) -> None:
    output = await look("speed.mjs", browser, demo, tmp_path)
    assert output.count("The editor takes a key after") == 2


@pytest.mark.browser
async def test_the_parts_of_the_page_do_what_their_own_tests_say(node: dict[str, str]) -> None:
    await install_packages(SOURCE, node)
    code, output = await run("npm", "test", cwd=SOURCE, environment=node)
    assert code == 0, output
    assert "# fail 0" in output


@pytest.mark.browser
async def test_the_build_is_made_of_this_source(node: dict[str, str], tmp_path: Path) -> None:
    await install_packages(SOURCE, node)
    code, output = await run("npm", "run", "build", "--", "--outDir", str(tmp_path), cwd=SOURCE, environment=node)
    assert code == 0, output
    assert contents(tmp_path) == contents(BUILD), "run `make graphiql`"


def contents(folder: Path) -> dict[str, bytes]:
    """Files by name; without compression, which another version of Node may do in another way."""
    return {
        str(path.relative_to(folder)): gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
