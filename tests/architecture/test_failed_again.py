"""CI runs few failed tests again: one that passes then is named and refuses nothing, one that fails again does."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server_process import ROOT

FLAKY = """
from pathlib import Path

def test_flaky():
    mark = Path(__file__).with_name("mark")
    was_there = mark.exists()
    mark.touch()
    assert was_there
"""
BROKEN = "def test_broken():\n    assert False\n"
MANY = "import pytest\n@pytest.mark.parametrize('n', range(4))\ndef test_many(n):\n    assert False\n"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tests", "code", "said"),
    [
        (FLAKY, 0, "FLAKY, to be mended: test_it.py::test_flaky"),
        (BROKEN, 1, "1 failed"),
        (FLAKY + BROKEN, 1, "1 failed, 1 passed"),
        (MANY, 1, "4 tests failed; of more than 3 none is run again."),
    ],
)
def test_what_failed_is_run_again_by_itself(tmp_path: Path, tests: str, code: int, said: str) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text(tests)
    assert run(tmp_path, "pytest", "-q").returncode == 1
    again = run(tmp_path, "tests.support.failed_again")
    assert (again.returncode, said in again.stdout) == (code, True), again.stdout
