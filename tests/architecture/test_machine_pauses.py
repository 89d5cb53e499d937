"""A test that failed while the machine stood still is run again; no other is."""

import subprocess
import sys
from pathlib import Path

from tests.support.machine_pauses import MAX_RUNS, MIN_PAUSE_SECONDS, pause_seconds

_ROOT = Path(__file__).parents[2]
_TESTS = """
import os, pathlib, signal, subprocess
import pytest

def halt():
    subprocess.Popen(["sh", "-c", f"sleep 1.5; kill -CONT {os.getpid()}"], start_new_session=True)
    os.kill(os.getpid(), signal.SIGSTOP)

def count(name):
    with pathlib.Path(name).open("a") as runs:
        runs.write("x")
    return pathlib.Path(name).stat().st_size

@pytest.fixture(scope="session")
def server():
    if count("server") == 1:
        halt()
        raise TimeoutError("the server did not start")

def test_with_a_server(server):
    count("with a server")

def test_in_a_pause():
    if count("in a pause") == 1:
        halt()
        raise AssertionError("too late")

def test_wrong():
    count("wrong")
    raise AssertionError("wrong")
"""


def test_what_fails_in_a_pause_is_run_again_and_named_and_what_fails_without_one_fails(tmp_path: Path) -> None:
    (tmp_path / "test_paused.py").write_text(_TESTS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.support.machine_pauses",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
    ]
    ended = subprocess.run(
        [*command, "-c", "/dev/null", "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(_ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 2 passed" in ended.stdout, ended.stdout + ended.stderr
    runs = {name: len((tmp_path / name).read_text()) for name in ("server", "with a server", "in a pause", "wrong")}
    assert runs == {"server": 2, "with a server": 1, "in a pause": 2, "wrong": 1}
    _, _, named = ended.stdout.partition("run again, since the machine stood still")
    assert ("::test_in_a_pause" in named, "::test_with_a_server" in named) == (True, True)


def test_a_time_in_which_the_process_worked_or_that_is_short_is_no_pause() -> None:
    assert pause_seconds(0.1, 0.0) == 0
    assert pause_seconds(MIN_PAUSE_SECONDS, 0.0) == 0
    assert pause_seconds(12.1, 0.0) == 12.0
    assert pause_seconds(12.1, 11.5) == 0
    assert MAX_RUNS == 3
