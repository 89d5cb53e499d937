"""Weakens each rule about rights in turn, and runs the tests that are to notice: `make mutants`.

The table in docs/security/mutants.md names for each rule a test that notices. That one runs first, and the others only where it
passes; `--write` puts what was found into the table. A test has noticed nothing if it fails with the rule as well, because the
machine is busy, say. Two rules are tried at a time, over one Postgres. Prints a line for each; exits with 1 if the tests pass
without one of the rules.
"""

import argparse
import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Final

from embedded import embedded_postgres
from tests.support.memory_folder import make_folder
from tests.support.mutants import mutants, tests_of

TABLE: Final = Path(__file__).parents[2] / "docs" / "security" / "mutants.md"
_ROW: Final = re.compile(r"^\| `(?P<mutant>[^`]+)` \| `(?P<test>[^`]+)` \|$", re.MULTILINE)
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (tests/\S+?\.py(?:::\w+)?)", re.MULTILINE)
_TIMEOUT_SECONDS: Final = 900
_AT_A_TIME: Final = 2
_TESTS_FAILED: Final = 1
"""The exit code of pytest where tests ran and some failed."""
_ALL: Final = ("-m", "long or not long")


def noticing_tests() -> dict[str, str]:
    """What the table says: by mutant the test that notices it."""
    return {row["mutant"]: row["test"] for row in _ROW.finditer(TABLE.read_text())}


def main() -> int:
    """Run the mutants whose names contain one of the words, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="of the names of mutants")
    parser.add_argument("--write", action="store_true", help="put what is found into the table")
    asked = parser.parse_args()
    wanted = [name for name in mutants() if not asked.words or any(word in name for word in asked.words)]
    survived = asyncio.run(_run_all(wanted, writes=asked.write))
    sys.stdout.write(f"{survived} of {len(wanted)} survived\n")
    return 1 if survived else 0


async def _run_all(wanted: Sequence[str], *, writes: bool) -> int:
    """How many mutants no test noticed."""
    folder, found, survived = make_folder(), noticing_tests(), 0
    try:
        async with embedded_postgres(folder, durable=False) as address:
            with ThreadPoolExecutor(_AT_A_TIME) as threads:
                loop = asyncio.get_running_loop()
                runs = [loop.run_in_executor(threads, partial(_run, each, found.get(each), address)) for each in wanted]
                for run in asyncio.as_completed(runs):
                    mutant, noticed = await run
                    survived += not noticed
                    found[mutant] = noticed
                    if writes:
                        _write_table(found)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return survived


def _run(mutant: str, known: str | None, address: str) -> tuple[str, str]:
    """The mutant, and the test that notices it, or nothing."""
    began, noticed = perf_counter(), ""
    for arguments in [*([[known, *_ALL]] if known else []), *tests_of(mutant)]:
        noticed = _failure(["--mutant", mutant, *arguments], address)
        if noticed and (failed := _failure([noticed, *_ALL], address)):
            sys.stdout.write(f"{mutant}: {failed} fails without it too\n")
            noticed = ""
        if noticed:
            break
    took = f"{perf_counter() - began:4.0f} s"
    sys.stdout.write(f"{'noticed ' if noticed else 'SURVIVED'} {took} {mutant}: {noticed}\n")
    sys.stdout.flush()
    return mutant, noticed


def _failure(arguments: Sequence[str], address: str) -> str:
    """The first test that fails, or does not end; nothing where all pass."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.support.mutants",
        "-n0",
        "-x",
        "-q",
        "--postgres",
        address,
        *arguments,
    ]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return next(each for each in arguments if each.startswith("tests/"))
    if ended.returncode == 0:
        return ""
    failed = _FAILED.search(ended.stdout)
    if ended.returncode == _TESTS_FAILED and failed is not None:
        return failed[1]
    sys.stdout.write(f"The tests did not run ({arguments}):\n{ended.stdout[-2_000:]}{ended.stderr[-2_000:]}\n")
    return ""


def _write_table(found: Mapping[str, str]) -> None:
    text = TABLE.read_text()
    rows = [f"| `{name}` | `{found[name]}` |\n" for name in mutants() if found.get(name)]
    head, _, rest = text.partition("|---|---|\n")
    TABLE.write_text(f"{head}|---|---|\n{''.join(rows)}{_ROW.sub('', rest).lstrip(chr(10))}")


if __name__ == "__main__":
    sys.exit(main())
