"""Who is measured: servers, how they are started, and what they need."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PEERS = ROOT / ".data" / "bench-collab-peers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A server. `acknowledges`: it is spoken to as Hocuspocus' provider speaks, else as y-websocket's. `kept`: where edits go,
    and when."""

    title: str
    command: list[str]
    durability: str
    acknowledges: bool = False
    ours: bool = False
    folder: Path = ROOT
    environment: dict[str, str] = field(default_factory=dict)


def contestants() -> dict[str, Contestant]:
    """By name; `@PORT@` and `@DATABASE@` are filled in."""
    node = HERE / "peers" / "node"
    api = [sys.executable, "server.py", "api"]
    hocuspocus = {"PORT": "@PORT@", "DATABASE_URL": "@DATABASE@", "NODE_ENV": "production"}
    stored = "Postgres, 2 to 10 s after"
    return {
        "ours": Contestant(title="PantheraHive", command=api, durability="Postgres, fsync, before", acknowledges=True, ours=True),
        "ours-y": Contestant(title="PantheraHive, y-websocket", command=api, durability="Postgres, fsync, before", ours=True),
        "hocuspocus": Contestant(
            title="Hocuspocus, 8 ms", command=["node", "hocuspocus.js"], durability=stored, acknowledges=True, folder=node,
            environment=hocuspocus | {"FLUSH_MS": "8"},
        ),
        "hocuspocus-at-once": Contestant(
            title="Hocuspocus, its default", command=["node", "hocuspocus.js"], durability=stored, acknowledges=True, folder=node,
            environment=hocuspocus | {"FLUSH_MS": "0"},
        ),
        "y-websocket": Contestant(
            title="@y/websocket-server", command=["node", "node_modules/@y/websocket-server/src/server.js"], durability="memory",
            folder=node, environment={"HOST": "127.0.0.1", "PORT": "@PORT@", "NODE_ENV": "production"},
        ),
        "pycrdt-websocket": Contestant(
            title="pycrdt-websocket", command=[str(PEERS / "bin" / "python"), "server.py", "@PORT@"], durability="memory",
            folder=HERE / "peers" / "python",
        ),
    }  # fmt: skip


def install_peers(names: list[str]) -> None:
    """Install what the peers need, once."""
    if any("hocuspocus" in name or name == "y-websocket" for name in names) and not (HERE / "peers/node/node_modules").exists():
        command = ["npm", "ci", "--ignore-scripts", "--no-progress", "--loglevel=error"]
        subprocess.run(command, cwd=HERE / "peers" / "node", stdout=sys.stderr, check=True)
    if "pycrdt-websocket" in names and not (PEERS / "bin" / "python").exists():
        uv = str(Path(sys.executable).parent / "uv")
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(PEERS)], check=True)
        required = str(HERE / "peers" / "python" / "requirements.txt")
        python = str(PEERS / "bin" / "python")
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "-r", required], check=True)
