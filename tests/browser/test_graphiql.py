"""GraphiQL in a browser, on a real server with the demo's data: what a newcomer sees first."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import migrate_template
from tests.support.server_process import ServerProcess, running_server

HERE = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


async def run(*command: str, **environment: str) -> tuple[int | None, str]:
    """A command's exit code and what it said, within two minutes."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=HERE, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(120):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, said.decode()


@pytest.fixture(scope="module")
async def browser() -> dict[str, str]:
    """Node with what drives a browser, installed from the lock file, and the browser: the environment that names them."""
    node, npm = shutil.which("node"), shutil.which("npm")
    chromium = next((found for each in BROWSERS if (found := shutil.which(each))), None)
    if node is None or npm is None or chromium is None:
        pytest.skip("GraphiQL is looked at with Node and Chromium; .ci/run installs both")
    path = {"PATH": f"{Path(node).parent}:/usr/bin:/bin", "HOME": str(Path.home())}
    if not (HERE / "node_modules" / "playwright-core").exists():
        code, said = await run(npm, "ci", "--no-audit", "--no-fund", **path)
        if code != 0:
            pytest.skip(f"npm ci could not install what drives the browser: {said[-300:]}")
    return {**path, "CHROMIUM": chromium}


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


@pytest.mark.slow
async def test_a_newcomer_queries_a_board_moves_a_task_and_sees_the_change_in_a_second_tab(
    browser: dict[str, str], demo: ServerProcess, tmp_path: Path
) -> None:
    code, said = await run("node", "graphiql.mjs", BASE_URL=demo.url, SCREENSHOT=str(tmp_path / "graphiql.png"), **browser)
    assert code == 0, said
    assert "Board of" in said
    assert "Change seen: MOVED" in said
    assert (tmp_path / "graphiql.png").stat().st_size > 10_000
