"""What the TypeScript client knows of the graph (error codes, scalars, possible types) is what the graph is now."""

import shutil
import subprocess
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parents[2] / "clients"


def test_the_clients_know_the_graph_as_it_is() -> None:
    node = shutil.which("node")
    if node is None or not (CLIENTS / "node_modules").exists():
        pytest.skip("Node, or `npm ci` in clients, is missing.")
    command = [node, "scripts/schema.mjs", "--check"]
    done = subprocess.run(command, cwd=CLIENTS / "typescript", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
