"""What front ends install (`clients/`) type-checks, and keeps its promises against real servers: `make test-clients`.

The tests are Vitest's, beside each package. They start servers of their own, on free ports and with everything embedded.
"""

import asyncio
import shutil
import sys
from pathlib import Path

import orjson
import pytest

CLIENTS = Path(__file__).parents[2] / "clients"
MAX_PACKED_BYTES = {"typescript": 25_000, "sync": 20_000}
"""By package: what `npm pack` makes of it, gzipped, without its peers."""

pytestmark = pytest.mark.clients


async def _run(*command: str, folder: Path, timeout_seconds: float) -> str:
    """What a command said; it must succeed."""
    npm = shutil.which("npm")
    assert npm, "The clients need Node 20.19 or newer, with npm."
    process = await asyncio.create_subprocess_exec(
        npm,
        *command,
        cwd=folder,
        env={
            "PATH": f"{Path(npm).parent}:/usr/bin:/bin",
            "HOME": str(Path.home()),
            "NO_COLOR": "1",
            "HIVE_PYTHON": sys.executable,
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(timeout_seconds):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    assert process.returncode == 0, said.decode()
    return said.decode()


@pytest.fixture(scope="module")
async def installed() -> None:
    """Packages as the lock file names them."""
    lock, stamp = CLIENTS / "package-lock.json", CLIENTS / "node_modules" / ".package-lock.json"
    if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
        await _run("ci", "--no-audit", "--no-fund", "--prefer-offline", folder=CLIENTS, timeout_seconds=300)
        stamp.touch()


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("package", MAX_PACKED_BYTES)
async def test_package(package: str) -> None:
    await _run("run", "--silent", "check", folder=CLIENTS / package, timeout_seconds=600)
    said = await _run("test", "--silent", folder=CLIENTS / package, timeout_seconds=1_800)
    assert "failed" not in said
    assert "skipped" not in said


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("package", MAX_PACKED_BYTES)
async def test_a_package_is_small(package: str) -> None:
    await _run("run", "--silent", "build", folder=CLIENTS / package, timeout_seconds=300)
    said = await _run(
        "pack", "--dry-run", "--json", "--ignore-scripts", "--silent", folder=CLIENTS / package, timeout_seconds=120
    )
    (packed,) = orjson.loads(said)
    assert packed["size"] <= MAX_PACKED_BYTES[package]
    assert [each["path"] for each in packed["files"] if each["path"].startswith(("src/", "tests/"))] == []
