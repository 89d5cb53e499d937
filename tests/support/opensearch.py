"""OpenSearch for tests: the one of HIVE_TEST_OPENSEARCH_URL; a real one that Maven brings, where HIVE_TEST_OPENSEARCH is `real`; else a
stand-in (osmem-server), which keeps everything in memory and starts at once.

Where the stand-in and the real one differ, the real one is right: `make test-opensearch` runs the same tests on it.
"""

import fcntl
import hashlib
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from embedded.child_process import tied_to_parent
from tests.support.backing_services import free_port
from tests.support.virtual_environment import CACHE, install_environment

_FOLDER = Path(__file__).parents[1] / "search"
_POM, _LOCK = _FOLDER / "opensearch.pom.xml", _FOLDER / "osmem.txt"
_START_TIMEOUT_SECONDS = 120.0
_HEAP = "1g"
_RUNNER_PORTS = range(9_210, 9_299)  # it takes no others
_SETTINGS = """
network.host: 127.0.0.1
discovery.type: single-node
cluster.routing.allocation.disk.threshold_enabled: false
"""


@contextmanager
def opensearch(folder: Path) -> Iterator[str]:
    """The address of an OpenSearch, with a prefix of one's own. Skips the test where none can be had."""
    prefix = f"test{uuid4().hex[:10]}"
    if given := os.environ.get("HIVE_TEST_OPENSEARCH_URL", "").rstrip("/"):  # noqa: TID251
        yield f"{given}/{prefix}"
        return
    is_real = os.environ.get("HIVE_TEST_OPENSEARCH") == "real"  # noqa: TID251
    with (real_node if is_real else stand_in)(folder) as url:
        yield f"{url}/{prefix}"


@contextmanager
def stand_in(folder: Path) -> Iterator[str]:
    """A running osmem-server."""
    python = install_environment("osmem", _LOCK)
    (program,) = python.parents[1].glob("lib/python*/site-packages/osmem_server/bin/osmem-server")
    port = free_port()
    with _running([str(program), "--addr", f"127.0.0.1:{port}"], folder, port) as url:
        yield url


@contextmanager
def real_node(folder: Path) -> Iterator[str]:
    """A running node of OpenSearch with 1 GiB of memory, on loopback."""
    jars = _fetch_jars()
    java = shutil.which("java")
    assert java is not None
    port = _runner_port()
    config = folder / "config"
    config.mkdir()
    (config / "opensearch.yml").write_text(_SETTINGS)
    command = [java, f"-Xms{_HEAP}", f"-Xmx{_HEAP}", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-cp", f"{jars}/*"]
    runner = ["org.codelibs.opensearch.runner.OpenSearchRunner", "-basePath", str(folder / "node"), "-confPath", str(config)]
    options = ["-numOfNode", "1", "-baseHttpPort", str(port - 1), "-disableESLogger"]
    with _running([*command, *runner, *options], folder, port) as url:
        yield url


@contextmanager
def _running(command: list[str], folder: Path, port: int) -> Iterator[str]:
    """A server that answers at a port, and ends with the block."""
    log = folder / "opensearch.txt"
    with log.open("wb") as output:
        server = subprocess.Popen(
            tied_to_parent(command),
            cwd=folder,
            stdin=subprocess.PIPE,  # the stand-in ends with it
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        until = time.monotonic() + _START_TIMEOUT_SECONDS
        while not _is_ready(url):
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"OpenSearch did not start: {log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield url
    finally:
        server.kill()
        server.wait(timeout=10)
        assert server.stdin is not None
        server.stdin.close()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/_cluster/health", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def _runner_port() -> int:
    for port in random.sample(_RUNNER_PORTS, len(_RUNNER_PORTS)):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    pytest.skip("OpenSearch finds no free port.")


def _fetch_jars() -> Path:
    """The folder with the jars, fetched by the first test that needs them."""
    maven = shutil.which("mvn")
    name = f"opensearch-{hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    jars = CACHE / name
    with (CACHE / f"{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (jars / "complete").exists():
            if maven is None or shutil.which("java") is None:
                pytest.skip("A real OpenSearch needs Maven and Java.")
            shutil.rmtree(jars, ignore_errors=True)
            goal = ["-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={jars}", "-DincludeScope=runtime"]
            done = subprocess.run([maven, "-f", str(_POM), *goal], capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"OpenSearch cannot be fetched: {(done.stdout.strip().splitlines() or ['Maven failed'])[-1]}")
            (jars / "complete").touch()
    return jars
