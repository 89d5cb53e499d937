"""Weakens each rule about rights in turn, and runs the tests that are to notice: `make mutants`.

Prints a line for each; exits with 1 if the tests pass without one of the rules.
"""

import subprocess
import sys
from collections.abc import Sequence

from tests.support.mutants import mutants, tests_of

_TIMEOUT_SECONDS = 600


def main(wanted: Sequence[str]) -> int:
    """Run the mutants whose names contain one of the words, or all."""
    survivors = []
    for name in mutants():
        if wanted and not any(word in name for word in wanted):
            continue
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.support.mutants",
            "-n0",
            "-x",
            "-q",
            "--mutant",
            name,
            tests_of(name),
        ]
        try:
            ended = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            sys.stdout.write(f"noticed  {name}: the tests did not end\n")
            continue
        failed = [line for line in ended.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        if ended.returncode == 0:
            survivors.append(name)
        sys.stdout.write(f"{'SURVIVED' if ended.returncode == 0 else 'noticed '} {name}: {failed[0] if failed else ''}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(survivors)} survived\n")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
