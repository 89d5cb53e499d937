"""Asks OSV which locked dependencies have known vulnerabilities: `make audit`.

Sends the name and version of each package of each lock file that git knows, and nothing else. Prints a line for each vulnerability;
exits with 1 if there is one that is not in ACCEPTED, and with 2 where the service does not answer, as nothing is known then.
"""

import argparse
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx

ROOT: Final = Path(__file__).parents[2]
SERVICE: Final = "https://api.osv.dev"
ACCEPTED: Final[Mapping[str, str]] = {}
"""Identifiers of vulnerabilities that do not concern this program, and why."""

_BATCH: Final = 500
_TIMEOUT_SECONDS: Final = 30.0
_PINNED: Final = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)", re.MULTILINE)


class Package(NamedTuple):
    """A locked package. `ecosystem`: `PyPI` or `npm`."""

    ecosystem: str
    name: str
    version: str


def locked_packages(root: Path) -> set[Package]:
    """All packages of the lock files of a checkout."""
    found: set[Package] = set()
    for path in _tracked(root, "*requirements.lock", "tests/**/*.lock", "tests/adapters/ministack.txt", "tests/search/osmem.txt"):
        found.update(Package("PyPI", row["name"], row["version"]) for row in _PINNED.finditer(path.read_text()))
    for path in _tracked(root, "*package-lock.json"):
        found.update(_of_npm(json.loads(path.read_text())))
    return found


def _tracked(root: Path, *patterns: str) -> Iterator[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=root, capture_output=True, text=True, check=True).stdout
    return (root / name for name in listed.split("\0") if name)


def _of_npm(lock: Mapping[str, Any]) -> Iterator[Package]:
    for path, package in lock["packages"].items():
        _, is_installed, name = path.rpartition("node_modules/")
        if is_installed and not package.get("link"):
            yield Package("npm", package.get("name", name), package["version"])


def vulnerabilities(packages: Iterable[Package], service: str) -> dict[Package, list[str]]:
    """The identifiers of what is known of each package of which anything is. Raises httpx.HTTPError."""
    found: dict[Package, list[str]] = {}
    ordered = iter(sorted(packages))
    with httpx.Client(base_url=service, timeout=_TIMEOUT_SECONDS) as http:
        while batch := list(itertools.islice(ordered, _BATCH)):
            queries = [{"package": {"ecosystem": each.ecosystem, "name": each.name}, "version": each.version} for each in batch]
            answer = http.post("/v1/querybatch", json={"queries": queries}).raise_for_status().json()
            for package, result in zip(batch, answer["results"], strict=True):
                if known := sorted(each["id"] for each in result.get("vulns", ())):
                    found[package] = known
    return found


def main(arguments: list[str]) -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", default=SERVICE, help=f"whom to ask ({SERVICE})")
    asked = parser.parse_args(arguments)
    packages = locked_packages(ROOT)
    try:
        found = vulnerabilities(packages, asked.service)
    except httpx.HTTPError as error:
        sys.stderr.write(f"Not audited: {asked.service} does not answer ({error!r}).\n")
        return 2
    serious = 0
    for package, known in found.items():
        for each in known:
            serious += each not in ACCEPTED
            sys.stdout.write(f"{package.ecosystem} {package.name} {package.version}: {each} {ACCEPTED.get(each, '')}\n")
    sys.stdout.write(f"{len(packages)} packages, {serious} vulnerabilities that are not accepted\n")
    return 1 if serious else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
