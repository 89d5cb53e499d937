"""The medians of writing together as tables."""

from collections.abc import Mapping
from typing import Any


def table(medians: Mapping[str, Any], titles: Mapping[str, tuple[str, str]]) -> str:
    """The medians as Markdown; `titles`: how a contestant is called, and where edits are kept and when."""
    lines: list[str] = []
    for writers, named in medians.items():
        if writers == "appends":
            continue
        lines += [f"### {writers} writers of one document", ""]
        loads = [key for key, value in next(iter(named.values())).items() if isinstance(value, dict)]
        for load in loads:
            lines += [f"**{load}**", "", "| | CPU µs per delivery | delivery p50 / p99 ms "
                      "| acknowledged p50 / p99 ms | frames each "
                      "| missing |", "|---|--:|--:|--:|--:|--:|"]  # fmt: skip
            for name, each in named.items():
                one = each[load]
                answered = f"{one['ack_p50_ms']:.1f} / {one['ack_p99_ms']:.1f}" if one["answered"] else "never"
                lines.append(
                    f"| {titles[name][0]} | {one['cpu_us']:.2f} | {one['p50_ms']:.1f} / {one['p99_ms']:.1f} | {answered} "
                    f"| {one['frames'] / max(one['expected'], 1):.2f} | {one['missing']:.0f} |"
                )
            lines.append("")
        lines += ["| | KiB per connection | edits are kept |", "|---|--:|---|"]
        lines += [f"| {titles[name][0]} | {each['kib_per_connection']:.1f} | {titles[name][1]} |" for name, each in named.items()]
        lines.append("")
    if (found := medians.get("appends")) is not None:
        lines += [
            f"Durable appends over {found['documents']:.0f} documents: {found['per_second']:,.0f} a second, a transaction p50 "
            f"{found['p50_ms']:.1f} ms, p99 {found['p99_ms']:.1f} ms, documents with gaps: {found['gaps']:.0f}."
        ]
    return "\n".join(lines).rstrip()


def crowd_table(medians: Mapping[str, Mapping[str, Any]]) -> str:
    """Presence or a join storm as Markdown: a row for each figure, a column for each contestant."""
    names = list(medians)
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "--:|" * len(names)]
    lines += [
        f"| {figure} | " + " | ".join(f"{medians[name][figure]:.2f}" for name in names) + " |"
        for figure in next(iter(medians.values()))
    ]
    return "\n".join(lines)
