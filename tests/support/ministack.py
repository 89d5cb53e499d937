"""ministack, a stand-in for AWS (S3, SES, SNS) that checks signatures, conditions and checksums, in a virtual environment that is made once and reused."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from embedded.child_process import tied_to_parent
from tests.support.backing_services import free_port

_REQUIREMENTS_LOCK = Path(__file__).parents[1] / "adapters" / "ministack.txt"
_START_TIMEOUT_SECONDS = 30.0
KEY, SECRET = "test", "test"


@contextmanager
def ministack(folder: Path, *, services: str = "s3") -> Iterator[str]:
    """The address of a running one, empty, which ends with the block. Skips the test where it cannot be installed."""
    python = _install_environment()
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


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/_ministack/ready", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def _install_environment() -> Path:
    """The Python of its environment, made by the first test that needs it and reused by later runs, of any checkout."""
    name = f"ministack-{sys.version_info.major}.{sys.version_info.minor}-{hashlib.sha256(_REQUIREMENTS_LOCK.read_bytes()).hexdigest()[:12]}"
    cache = Path.home() / ".cache" / "pantherahive"
    cache.mkdir(parents=True, exist_ok=True)
    home = cache / name
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "complete").exists():
            shutil.rmtree(home, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
            pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            done = subprocess.run(
                [*pip, "--retries", "1", "--timeout", "10", "--require-hashes", "-r", str(_REQUIREMENTS_LOCK)],
                capture_output=True,
                text=True,
            )
            if done.returncode:
                pytest.skip(f"ministack cannot be installed: {(done.stderr.strip().splitlines() or ['pip failed'])[-1]}")
            (home / "complete").touch()
    return home / "bin" / "python"
