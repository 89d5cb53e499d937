"""Who is measured: how each server is started, and in which words it is asked."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.database import ROOT, libpq_environment
from benchmarks.sign_in import PUBLIC_URL, SECRET_KEY
from benchmarks.toolchains import CARGO, GO, Toolchain, find_node, install_packages
from benchmarks.workloads import Dialect

PEERS = ROOT / "benchmarks" / "peers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A server: `script` is run in `folder`, by Python, by Node, or by itself where a `toolchain` builds it.

    `workloads`: those in which it takes part; empty for all. `writes_event`: its update writes the event too.
    """

    name: str
    title: str
    dialect: Dialect
    script: str
    folder: Path = ROOT
    toolchain: Toolchain | None = None
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
        if self.on_node or self.toolchain is not None:
            given = {
                "NODE_ENV": "production",
                "GRAPHILE_ENV": "production",
                "PORT": str(port),
                "PEER_ISSUER": PUBLIC_URL,
                "HIVE_SECRET_KEY": SECRET_KEY.get_secret_value(),
            } | libpq_environment(url)
            program = [node or "node", self.script] if self.on_node else [str(self.folder / self.script)]
            return ["env", *_assignments(given | self.environment), *program]
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
            name="async-graphql",
            title="async-graphql, axum, sqlx",
            dialect=Dialect.PLAIN,
            script="target/release/peer-async-graphql",
            folder=PEERS / "async-graphql",
            toolchain=CARGO,
        ),
        Contestant(
            name="gqlgen", title="gqlgen, pgx", dialect=Dialect.PLAIN, script="build/peer", folder=PEERS / "gqlgen", toolchain=GO
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
DEFAULT = ("ours", "stock", "limit", "postgraphile", "mercurius", "mercurius-event", "async-graphql", "gqlgen")


def prepare(contestants: Sequence[Contestant], chosen_node: str | None) -> tuple[list[Contestant], str | None]:
    """Those who can run here, built and with their packages installed, and the Node that runs some of them, if it does.

    Who needs a toolchain that is missing is left out, which is said. Raises ProgramMissing.
    """
    ready = []
    for each in contestants:
        if each.toolchain is not None and not each.toolchain.is_there:
            print(f"{each.title} is left out: {each.toolchain.program} is missing.", file=sys.stderr)
        else:
            ready.append(each)
    for folder, toolchain in {each.folder: each.toolchain for each in ready if each.toolchain is not None}.items():
        toolchain.build(folder)
    packages = {each.folder for each in ready if each.on_node}
    for folder in sorted(packages):
        install_packages(folder)
    return ready, find_node(PEERS / "node", chosen_node) if packages else None


def _assignments(environment: dict[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in environment.items()]
