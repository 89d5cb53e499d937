"""ministack, a stand-in for AWS (S3, SES, SNS) that checks signatures, conditions and checksums, in a virtual environment that is
made once and reused: a pytest plugin."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from embedded.child_process import tied_to_parent
from tests.support.backing_services import free_port
from tests.support.memory_folder import make_folder
from tests.support.virtual_environment import install_environment

_REQUIREMENTS_LOCK = Path(__file__).parents[1] / "adapters" / "ministack.txt"
_START_TIMEOUT_SECONDS = 30.0
KEY, SECRET = "test", "test"


@contextmanager
def ministack(folder: Path, *, services: str = "s3") -> Iterator[str]:
    """The address of a running one, empty, which ends with the block. Skips the test where it cannot be installed."""
    python = install_environment("ministack", _REQUIREMENTS_LOCK)
    port = free_port()
    environment = {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SERVICES": services,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    with (folder / "ministack.txt").open("wb") as output:
        server = subprocess.Popen(
            tied_to_parent([str(python), "-m", "ministack"]),
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        until = time.monotonic() + _START_TIMEOUT_SECONDS
        while not _is_ready(url):
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"ministack did not start: {(folder / 'ministack.txt').read_text()[-2000:]}")
            time.sleep(0.05)
        yield url
    finally:
        server.kill()
        server.wait(timeout=10)


_running = ExitStack()
_addresses: list[str] = []


def shared_ministack() -> str:
    """The address of this worker's, started when first asked for, which takes a second of the processor.

    Whoever uses it makes buckets, queues and topics of names that nobody else has.
    """
    if not _addresses:
        folder = make_folder()
        _running.callback(shutil.rmtree, folder, ignore_errors=True)
        _addresses.append(_running.enter_context(ministack(folder, services="s3,sqs,sns")))
    return _addresses[0]


def pytest_unconfigure() -> None:
    """Called by pytest at its end."""
    _running.close()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/_ministack/ready", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
