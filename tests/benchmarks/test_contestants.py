"""Who takes part in the benchmark on a machine that lacks what they need."""

from pathlib import Path

import pytest

from benchmarks.contestants import CONTESTANTS, DEFAULT, prepare
from benchmarks.toolchains import ProgramMissing

OF_TOOLCHAINS = [each for each in CONTESTANTS.values() if each.toolchain is not None]


def test_whoever_needs_a_toolchain_that_is_missing_is_left_out_with_a_word(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert prepare([CONTESTANTS["ours"], *OF_TOOLCHAINS], None) == ([CONTESTANTS["ours"]], None)
    assert capsys.readouterr().err.splitlines() == [
        "async-graphql, axum, sqlx is left out: cargo is missing.",
        "gqlgen, pgx is left out: go is missing.",
    ]


def test_peers_on_node_ask_for_npm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramMissing, match="npm is missing"):
        prepare([CONTESTANTS["mercurius"]], None)


def test_a_peer_with_a_toolchain_is_started_by_its_own_program() -> None:
    url = "postgresql://postgres@/bench?host=/run/socket&port=5432"
    for each in OF_TOOLCHAINS:
        command = each.command(url=url, port=8001, node=None)
        assert command[-1] == str(each.folder / each.script)
        assert {"PORT=8001", "PGHOST=/run/socket", "PGDATABASE=bench"} <= set(command)
        assert each.name in DEFAULT
