"""Virtual environments for programs whose pins are not ours: made by the first test that needs one, and reused by later runs."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CACHE = Path.home() / ".cache" / "pantherahive"


def install_environment(name: str, lock: Path) -> Path:
    """The Python of the environment of a lock file, of any checkout. Skips the test where it cannot be installed."""
    folder = f"{name}-{sys.version_info.major}.{sys.version_info.minor}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    home = CACHE / folder
    with (CACHE / f"{folder}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (home / "complete").exists():
            shutil.rmtree(home, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
            pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            done = subprocess.run(
                [*pip, "--retries", "1", "--timeout", "10", "--require-hashes", "-r", str(lock)], capture_output=True, text=True
            )
            if done.returncode:
                pytest.skip(f"{name} cannot be installed: {(done.stderr.strip().splitlines() or ['pip failed'])[-1]}")
            (home / "complete").touch()
    return home / "bin" / "python"
