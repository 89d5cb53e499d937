"""Real yjs reads what the guard lets through as the server does: else one of the two would show people another document.

Nothing that is not XML is among the blocks then (`foreign`): pycrdt would end its walk there and read no block behind it.
"""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.content.test_editors import HERE, node

__all__ = ["node"]

ROOT = Path(__file__).parents[2]
BATCHES, BATCH = 20, 5_000
# Bytes that a guard lets through are few among broken ones, so a batch is reported at once.
_LIMITED = 'ulimit -v 4000000; exec "$@"'


@pytest.mark.slow
def test_yjs_reads_three_thousand_as_we_do(node: str) -> None:
    assert count_compared(node, 7, 3_000) > 50


@pytest.mark.fuzz
@pytest.mark.parametrize("batch", range(BATCHES))
def test_yjs_reads_a_hundred_thousand_as_we_do(node: str, batch: int) -> None:
    assert count_compared(node, random.Random(1_000 + batch).randrange(2**32), BATCH) > BATCH // 60


def count_compared(node: str, seed: int, count: int) -> int:
    """How many of so many broken updates were let through, each of which yjs applied and read as we do."""
    command = [sys.executable, "-m", "tests.support.corrupt_updates", str(seed), str(count), "print"]
    said = subprocess.run(["bash", "-c", _LIMITED, "fuzz", *command], cwd=ROOT, capture_output=True, check=True, timeout=600)
    questions = [line for line in said.stdout.decode().split("\n") if line.startswith("{")]
    asked = subprocess.run(
        [node, "editor.mjs"], input="\n".join(questions).encode(), cwd=HERE, capture_output=True, check=True, timeout=300
    )
    answers: list[Any] = [json.loads(line) for line in asked.stdout.decode().split("\n") if line]
    assert len(answers) == len(questions)
    alike = 0
    for question, answer in zip(map(json.loads, questions), answers, strict=True):
        alike += 1
        assert answer == question["expected"] | {"pending": False, "foreign": False}, (seed, question["updates"])
    return alike
