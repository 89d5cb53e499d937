"""Runs the tests that failed last again, by themselves: `python -m tests.support.failed_again`, for `.ci/run`.

A test that passes now is flaky: it is named, since it is to be mended, but says nothing against the commit. Who fails again does, and
so do more failures than `MAX_FAILED`: those are a fault that comes and goes. Rejected: running each test that fails again at once,
as plug-ins do, since it would have the same busy machine, and nobody would read of it.
"""

import json
import sys
from pathlib import Path
from subprocess import run
from typing import Final

MAX_FAILED: Final = 3
_FAILED: Final = Path(".pytest_cache/v/cache/lastfailed")


def main() -> int:
    """0 where all that failed pass now, else 1."""
    failed: list[str] = sorted(json.loads(_FAILED.read_text())) if _FAILED.exists() else []
    if not failed:
        sys.stdout.write("The run failed without naming a test.\n")
        return 1
    if len(failed) > MAX_FAILED:
        sys.stdout.write(f"{len(failed)} tests failed; of more than {MAX_FAILED} none is run again.\n")
        return 1
    ended = run([sys.executable, "-m", "pytest", "-n0", "-m", "", *failed], check=False)
    if ended.returncode != 0:
        return 1
    sys.stdout.write("".join(f"FLAKY, to be mended: {each}\n" for each in failed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
