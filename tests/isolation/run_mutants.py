"""Weakens each rule about rights in turn, and runs the tests that are to notice: `make mutants`.

Prints a line for each; exits with 1 if the tests pass without one of the rules.
"""

import subprocess
import sys
from collections.abc import Sequence
from time import perf_counter

from tests.support.mutants import mutants, tests_of

_TIMEOUT_SECONDS = 600


def main(wanted: Sequence[str]) -> int:
    """Run the mutants whose names contain one of the words, or all."""
    survivors = []
    for name in mutants():
        if wanted and not any(word in name for word in wanted):
            continue
        began = perf_counter()
        noticed = next(filter(None, (_failure(name, arguments) for arguments in tests_of(name))), None)
        if noticed is None:
            survivors.append(name)
        took = f"{perf_counter() - began:4.0f} s"
        sys.stdout.write(f"{'SURVIVED' if noticed is None else 'noticed '} {took} {name}: {noticed or ''}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(survivors)} survived\n")
    return 1 if survivors else 0


def _failure(mutant: str, arguments: Sequence[str]) -> str | None:
    """The first test that fails with a rule weakened; None where they pass."""
    command = [sys.executable, "-m", "pytest", "-p", "tests.support.mutants", "-n0", "-x", "-q", "--mutant", mutant, *arguments]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "the tests did not end"
    if ended.returncode == 0:
        return None
    return next((line for line in ended.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))), "the tests did not begin")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
