"""The medians of live subscriptions as a table."""

import argparse
from typing import Any


def table(medians: dict[str, Any], titles: dict[str, str], arguments: argparse.Namespace) -> str:
    """The medians as Markdown."""
    lines = [
        f"{arguments.size} subscribers; bursts of {arguments.deliveries:,} deliveries, then {arguments.rate:,.0f} a second.",
        "",
    ]
    for groups, named in medians.items():
        lines += [f"### Groups: {groups}", "", "| | deliveries/s | burst p50 / p99 ms | CPU µs each "
                  "| paced p50 / p99 ms | paced CPU µs | "
                  "connect ms CPU | KiB each | missing |", "|---|--:|--:|--:|--:|--:|--:|--:|--:|"]  # fmt: skip
        for name, each in sorted(named.items(), key=lambda item: -item[1]["deliveries_per_second"]):
            lines.append(
                f"| {titles[name]} | {each['deliveries_per_second']:,.0f} "
                f"| {each['burst_p50_ms']:.1f} / {each['burst_p99_ms']:.1f} "
                f"| {each['burst_cpu_us']:.1f} "
                f"| {each['paced_p50_ms']:.2f} / {each['paced_p99_ms']:.2f} | {each['paced_cpu_us']:.1f} "
                f"| {each['connect_cpu_ms']:.2f} | {each['kib_per_connection']:.1f} | {each['missing']:.0f} |"
            )
        lines.append("")
    return "\n".join(lines)
