"""Who is measured: how each server is started, and in which words it is asked."""

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.database import ROOT, libpq_environment
from benchmarks.sign_in import PUBLIC_URL, SECRET_KEY
from benchmarks.workloads import Dialect

PEERS = ROOT / "benchmarks" / "peers"
_MIN_NODE_VERSION = 22  # PostGraphile 5 asks for it


class ProgramMissing(Exception):
    """A program that is needed is not there; the message says how to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A server: `script` is run in `folder`. `only`: the workloads in which it takes part; empty for all.

    `writes_event`: its update writes the event too.
    """

    name: str
    title: str
    dialect: Dialect
    script: str
    folder: Path = ROOT
    environment: dict[str, str] = field(default_factory=dict)
    workloads: frozenset[str] = frozenset()
    writes_event: bool = False

    @property
    def on_node(self) -> bool:
        return self.script.endswith(".js")

    def takes_part(self, workload: str) -> bool:
        return not self.workloads or workload in self.workloads

    def command(self, *, url: str, port: int, node: str | None) -> list[str]:
        """The command line; `env` rather than an environment of our own, so that it inherits ours."""
        if self.on_node:
            assert node is not None
            given = {
                "NODE_ENV": "production",
                "GRAPHILE_ENV": "production",
                "PORT": str(port),
                "PEER_ISSUER": PUBLIC_URL,
                "HIVE_SECRET_KEY": SECRET_KEY.get_secret_value(),
            } | libpq_environment(url)
            return ["env", *_assignments(given | self.environment), node, self.script]
        if self.name == "limit":
            return [sys.executable, *self.script.split(), str(port), PUBLIC_URL, url]
        given = {
            "HIVE_DATABASE_URL": url,
            "HIVE_PORT": str(port),
            "HIVE_PUBLIC_URL": PUBLIC_URL,
            "HIVE_PRODUCTION": "true",
            "HIVE_COST_LIMITS": "report",
            "HIVE_SECRET_KEY": SECRET_KEY.get_secret_value(),
        }
        return ["env", *_assignments(given | self.environment), sys.executable, *self.script.split()]


_QUERIES = frozenset({"Q1", "Q2", "Q3"})

CONTESTANTS = {
    each.name: each
    for each in (
        Contestant(name="ours", title="PantheraHive", dialect=Dialect.OURS, script="server.py api", writes_event=True),
        Contestant(
            name="stock",
            title="stock Strawberry",
            dialect=Dialect.OURS,
            script="-m benchmarks.uncompiled_server",
            writes_event=True,
        ),
        Contestant(
            name="limit",
            title="limit: SQL by hand, orjson",
            dialect=Dialect.OURS,
            script="-m benchmarks.handwritten_server",
            writes_event=True,
        ),
        Contestant(
            name="postgraphile",
            title="PostGraphile 5",
            dialect=Dialect.POSTGRAPHILE,
            script="server.js",
            folder=PEERS / "postgraphile",
        ),
        Contestant(
            name="mercurius", title="Mercurius, jit", dialect=Dialect.PLAIN, script="server.js", folder=PEERS / "mercurius"
        ),
        Contestant(
            name="mercurius-event",
            title="Mercurius, jit, with the event",
            dialect=Dialect.PLAIN,
            script="server.js",
            folder=PEERS / "mercurius",
            environment={"PEER_EVENTS": "yes"},
            workloads=frozenset({"M1"}),
            writes_event=True,
        ),
        Contestant(
            name="postgraphile-unguarded",
            title="PostGraphile 5 without rights",
            dialect=Dialect.POSTGRAPHILE,
            script="server.js",
            folder=PEERS / "postgraphile",
            environment={"PEER_GUARDED": "no"},
            workloads=_QUERIES,
        ),
    )
}
DEFAULT = ("ours", "stock", "limit", "postgraphile", "mercurius", "mercurius-event")


def node_for(contestants: list[Contestant], chosen: str | None) -> str | None:
    """The Node that runs the peers, with their packages installed; None when nobody needs it. Raises PeerMissing."""
    folders = {each.folder for each in contestants if each.on_node}
    if not folders:
        return None
    if shutil.which("npm") is None:
        raise ProgramMissing(
            "npm is missing, which the peers need: install Node, or leave them out with --contestants ours,stock,limit."
        )
    for folder in sorted(folders):
        _install(folder)
    found = chosen or shutil.which("node")
    if found is not None and _major(found) >= _MIN_NODE_VERSION:
        return found
    _install(PEERS / "node")
    bundled = sorted((PEERS / "node" / "node_modules").glob("node-*/bin/node"))
    if not bundled:
        raise ProgramMissing(f"The peers need Node {_MIN_NODE_VERSION} or newer: name one with --node.")
    return str(bundled[0])


def _install(folder: Path) -> None:
    """Install a peer's locked packages unless that was done since the lock file last changed."""
    stamp = folder / "node_modules" / ".package-lock.json"
    lock = folder / "package-lock.json"
    if stamp.exists() and stamp.stat().st_mtime >= lock.stat().st_mtime:
        return
    print(f"Installing the packages of {folder.name}", file=sys.stderr)
    done = subprocess.run(["npm", "ci", "--no-progress", "--loglevel=error"], cwd=folder, stdout=sys.stderr, check=False)  # noqa: S607
    if done.returncode != 0:
        raise ProgramMissing(f"The packages of {folder.name} cannot be installed: see above.")


def _major(node: str) -> int:
    output = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return int(output.strip().lstrip("v").partition(".")[0])


def _assignments(environment: dict[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in environment.items()]
