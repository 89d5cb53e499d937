"""What runs the peers: Node with their locked packages, and what cargo and go make of the sources of others."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_MIN_NODE_VERSION = 22  # PostGraphile 5 asks for it


class ProgramMissing(Exception):
    """A program that is needed is not there; the message says how to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """What makes a program of a peer's sources: `commands`, one after the other, in its folder."""

    program: str
    commands: tuple[tuple[str, ...], ...]

    @property
    def is_there(self) -> bool:
        return shutil.which(self.program) is not None

    def build(self, folder: Path) -> None:
        """Make the program anew where its sources have changed, which the toolchain knows. Raises ProgramMissing."""
        print(f"Building {folder.name}", file=sys.stderr)
        for command in self.commands:
            if subprocess.run(command, cwd=folder, stdout=sys.stderr, check=False).returncode != 0:
                raise ProgramMissing(f"{folder.name} cannot be built: see above, or leave it out with --contestants.")


CARGO = Toolchain(program="cargo", commands=(("cargo", "build", "--release", "--quiet"),))
GO = Toolchain(program="go", commands=(("go", "tool", "gqlgen"), ("go", "build", "-o", "build/peer", ".")))


def install_packages(folder: Path) -> None:
    """Install a peer's locked packages unless that was done since the lock file last changed. Raises ProgramMissing."""
    if shutil.which("npm") is None:
        raise ProgramMissing("npm is missing, which the peers need: install Node, or leave them out with --contestants.")
    stamp = folder / "node_modules" / ".package-lock.json"
    lock = folder / "package-lock.json"
    if stamp.exists() and stamp.stat().st_mtime >= lock.stat().st_mtime:
        return
    print(f"Installing the packages of {folder.name}", file=sys.stderr)
    done = subprocess.run(["npm", "ci", "--no-progress", "--loglevel=error"], cwd=folder, stdout=sys.stderr, check=False)  # noqa: S607
    if done.returncode != 0:
        raise ProgramMissing(f"The packages of {folder.name} cannot be installed: see above.")


def find_node(bundled: Path, chosen: str | None) -> str:
    """A Node that is new enough: the chosen one, the machine's own, or the one among the packages of `bundled`. Raises
    ProgramMissing."""
    found = chosen or shutil.which("node")
    if found is not None and _major_version(found) >= _MIN_NODE_VERSION:
        return found
    install_packages(bundled)
    programs = sorted((bundled / "node_modules").glob("node-*/bin/node"))
    if not programs:
        raise ProgramMissing(f"The peers need Node {_MIN_NODE_VERSION} or newer: name one with --node.")
    return str(programs[0])


def _major_version(node: str) -> int:
    output = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return int(output.strip().lstrip("v").partition(".")[0])
