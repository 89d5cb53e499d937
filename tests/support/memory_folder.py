"""Puts the files of a test run into memory where there is room: a pytest plugin.

Postgres copies 660 files for each database of a test's own, which takes a disk's file system ten times as long as `/dev/shm`. No test
takes the power away, so none can see the difference: what a killed process has written stays, here as there.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

_FOLDER = Path("/dev/shm")
_MIN_FREE_BYTES = 4 * 1024**3
_PREFIX = "pantherahive-tests-"
_PYTEST_FOLDER = "PYTEST_DEBUG_TEMPROOT"


def memory_folder() -> Path | None:
    """Where files are kept in memory; None where there is no such place, or little room in it."""
    try:
        return _FOLDER if os.access(_FOLDER, os.W_OK) and shutil.disk_usage(_FOLDER).free >= _MIN_FREE_BYTES else None
    except OSError:
        return None


def make_folder() -> Path:
    """A new folder for the files of this process, in memory where there is room; what processes that were killed have left goes."""
    parent = memory_folder()
    if parent is not None:
        for left in parent.glob(f"{_PREFIX}*-*"):
            if not Path("/proc", left.name.removeprefix(_PREFIX).partition("-")[0]).exists():
                shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Called by pytest at its start: `tmp_path` is there too, unless its place is given."""
    if (folder := memory_folder()) is not None:
        os.environ.setdefault(_PYTEST_FOLDER, str(folder))  # noqa: TID251 (pytest reads it of there only)
