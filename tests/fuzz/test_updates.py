"""A hundred thousand broken updates: none ends the process, and no document that took one is anything but a document
afterwards."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.fuzz

ROOT = Path(__file__).parents[2]
BATCHES, BATCH = 20, 5_000


@pytest.mark.parametrize("batch", range(BATCHES))
def test_broken_updates_break_nothing(batch: int) -> None:
    seed = random.Random(batch).randrange(2**32)
    child = subprocess.run(
        [
            "bash",
            "-c",
            'ulimit -v 4000000; exec "$@"',
            "fuzz",
            sys.executable,
            "-m",
            "tests.support.corrupt_updates",
            str(seed),
            str(BATCH),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert child.returncode == 0, f"seed {seed}: {child.stderr[-2000:]}"
    taken, refused = map(int, child.stdout.split())
    assert taken + refused == BATCH
    assert taken > BATCH // 50
