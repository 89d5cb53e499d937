"""Draws charts as SVG that is readable on light and on dark ground: bars side by side or stacked, and lines over days.

Colours are custom properties that `prefers-color-scheme` changes; their contrast with the ground is 3:1 at least, that of text
4.5:1. Series differ by more than colour: a line has a dash pattern, and each has a legend. An example of a bar:

    <rect class="s0" x="92.0" y="40.0" width="31.2" height="120.0"><title>Done, Website: 12</title></rect>
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 960.0, 440.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 96.0, 24.0, 84.0, 96.0
_MAX_BARS: Final = 40
_MAX_LABEL_CHARS: Final = 16
_TICKS: Final = 5
_NOT_XML: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")
_DASHES: Final = ("none", "8 5", "2 4", "12 4 2 4")
_LIGHT: Final = "#ffffff #1f2328 #59636e #d1d9e0 #0969da #bc4c00 #1a7f37 #8250df #bf3989 #6e7781"
_DARK: Final = "#0d1117 #f0f6fc #9198a1 #3d444d #58a6ff #f0883e #3fb950 #bc8cff #f778ba #8b949e"
_PROPERTIES: Final = "ground text quiet grid s0 s1 s2 s3 s4 s5"
_MAX_SERIES: Final = 6
_RULES: Final = (
    ".ground{fill:var(--ground)}",
    "text{fill:var(--text);font:13px system-ui,sans-serif}",
    ".title{font-size:18px;font-weight:600}",
    ".quiet{fill:var(--quiet)}",
    ".grid{stroke:var(--grid);stroke-width:1}",
    ".line{fill:none;stroke-width:2.5;stroke-linejoin:round}",
    *(f".s{number}{{fill:var(--s{number})}}.l{number}{{stroke:var(--s{number})}}" for number in range(_MAX_SERIES)),
)


def _root(colours: str) -> str:
    values = zip(_PROPERTIES.split(), colours.split(), strict=True)
    return ":root{" + ";".join(f"--{name}:{colour}" for name, colour in values) + "}"


_STYLE: Final = _root(_LIGHT) + "@media (prefers-color-scheme:dark){" + _root(_DARK) + "}" + "".join(_RULES)


@dataclass(frozen=True, slots=True)
class Series:
    """One row of numbers, a number for each label of the chart."""

    name: str
    values: Sequence[float]


def line_chart(title: str, subtitle: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """Lines over days, from the left to the right."""
    top = _round_up(max((value for each in series for value in each.values), default=0.0))
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(labels) - 1)
    body = [_axis(top), _x_labels(labels, lambda index: _LEFT + step * index)]
    for number, each in enumerate(series):
        points = " ".join(f"{_LEFT + step * index:.1f},{_y(value, top):.1f}" for index, value in enumerate(each.values))
        dash = _DASHES[number % len(_DASHES)]
        line = f'<polyline class="line l{number}" stroke-dasharray="{dash}" points="{points}">'
        body.append(f"{line}<title>{_text(each.name)}</title></polyline>")
    return _svg(title, subtitle, series, "".join(body))


def bar_chart(title: str, subtitle: str, labels: Sequence[str], series: Sequence[Series], *, stacked: bool = True) -> str:
    """Bars for each label: the numbers of the series above each other, or side by side. The first 40 labels are drawn."""
    shown = labels[:_MAX_BARS]
    if len(labels) > len(shown):
        subtitle = f"{subtitle} (the first {_MAX_BARS} of {len(labels)})"
    heights = [[max(0.0, each.values[index]) for each in series] for index in range(len(shown))]
    top = _round_up(max((sum(each) if stacked else max(each, default=0.0) for each in heights), default=0.0))
    slot = (_WIDTH - _LEFT - _RIGHT) / max(1, len(shown))
    width = min(64.0, slot * 0.72)
    body = [_axis(top), _x_labels(shown, lambda index: _LEFT + slot * (index + 0.5))]
    for index, label in enumerate(shown):
        left, below = _LEFT + slot * (index + 0.5) - width / 2, 0.0
        for number, value in enumerate(heights[index]):
            own = width if stacked else width / len(series)
            x = left if stacked else left + own * number
            y = _y(below + value, top)
            height = _y(below, top) - y
            name = f"{series[number].name}, {label}: {_number(value)}"
            if value:
                body.append(_bar(number, x, y, own, height, name))
            below += value if stacked else 0.0
    return _svg(title, subtitle, series, "".join(body))


def _bar(number: int, x: float, y: float, width: float, height: float, name: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="s{number}" {place}><title>{_text(name)}</title></rect>'


def _svg(title: str, subtitle: str, series: Sequence[Series], body: str) -> str:
    legend, x = [], _LEFT
    for number, each in enumerate(series):
        legend.append(f'<rect class="s{number}" x="{x:.1f}" y="62" width="12" height="12" rx="2"/>')
        legend.append(f'<text x="{x + 18:.1f}" y="73">{_text(each.name)}</text>')
        x += 18 + 7.4 * len(each.name) + 22
    size = f'viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" width="{_WIDTH:.0f}" height="{_HEIGHT:.0f}"'
    parts = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{_text(title)}">',
        f"<title>{_text(title)}</title><style>{_STYLE}</style>",
        '<rect class="ground" width="100%" height="100%"/>',
        f'<text class="title" x="{_LEFT}" y="28">{_text(title)}</text>',
        f'<text class="quiet" x="{_LEFT}" y="48">{_text(subtitle)}</text>',
    )
    return "".join([*parts, *legend, body, "</svg>"])


def _axis(top: float) -> str:
    lines = []
    for tick in range(_TICKS + 1):
        value = top * tick / _TICKS
        y = _y(value, top)
        lines.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text class="quiet" text-anchor="end" x="{_LEFT - 8}" y="{y + 4:.1f}">{_number(value)}</text>')
    return "".join(lines)


def _x_labels(labels: Sequence[str], x_of: Callable[[int], float]) -> str:
    """Labels below the axis: as many as have room, slanted."""
    every = max(1, -(-len(labels) // 20))
    parts = []
    for index, label in enumerate(labels):
        if index % every == 0:
            x, y = x_of(index), _HEIGHT - _BOTTOM + 18
            shown = label if len(label) <= _MAX_LABEL_CHARS else label[: _MAX_LABEL_CHARS - 1] + "…"
            turned = f'text-anchor="end" transform="rotate(-32 {x:.1f} {y:.1f})" x="{x:.1f}" y="{y:.1f}"'
            parts.append(f'<text class="quiet" {turned}>{_text(shown)}</text>')
    return "".join(parts)


def _y(value: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * value / top


def _round_up(value: float) -> float:
    """A top for the axis that divides into even ticks."""
    power = 1.0
    while True:
        for step in (1.0, 2.0, 2.5, 4.0, 5.0) if power >= 10 else (1.0, 2.0, 4.0, 5.0):
            if step * power * _TICKS >= value:
                return step * power * _TICKS
        power *= 10


def _number(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"


def _text(value: str) -> str:
    """Text inside XML, without characters that XML cannot hold."""
    allowed = "".join(each if each >= " " and not _NOT_XML.fullmatch(each) else " " for each in value)
    return escape(allowed, {'"': "&quot;"})
