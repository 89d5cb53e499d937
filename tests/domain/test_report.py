"""Reports as pure functions: their figures against a naive count, and charts that are whole SVG whatever is in them."""

import statistics
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from domain.report import activity, burn_down, cycle_time, overdue, progress, workload
from domain.report.build import percentile
from domain.report.chart import Series, bar_chart, line_chart

DAY = date(2026, 11, 2)
NUMBERS = st.floats(0, 1e6, allow_nan=False)
NAMES = st.text(max_size=30)


@given(st.lists(NUMBERS, min_size=1, max_size=50), st.floats(0, 1))
def test_a_percentile_lies_among_the_values_and_the_middle_one_is_the_median(values: list[float], share: float) -> None:
    ordered = sorted(values)
    assert ordered[0] <= percentile(ordered, share) <= ordered[-1] * (1 + 1e-9)
    assert abs(percentile(ordered, 0.5) - statistics.median(ordered)) < 1e-6


@given(NAMES, st.lists(st.tuples(NAMES, NUMBERS, NUMBERS), max_size=60), st.booleans())
def test_every_chart_is_xml_that_names_its_title(title: str, rows: list[tuple[str, float, float]], stacked: bool) -> None:
    labels = [each[0] for each in rows]
    series = [Series("one <&>", [each[1] for each in rows]), Series("two", [each[2] for each in rows])]
    for chart in (bar_chart(title, "", labels, series, stacked=stacked), line_chart(title, "", labels, series)):
        root = ET.fromstring(chart)  # noqa: S314 (our own text)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "prefers-color-scheme:dark" in chart
        assert all(each.tag != "{http://www.w3.org/2000/svg}script" for each in root.iter())


def test_nothing_of_a_chart_is_drawn_outside_of_it() -> None:
    root = ET.fromstring(bar_chart("T", "", ["a", "b"], [Series("x", [3, 7]), Series("y", [90, 0])]))  # noqa: S314
    bars = [each for each in root.iter("{http://www.w3.org/2000/svg}rect") if each.get("y") and each.get("rx") is None]
    lines = [float(each.attrib["y1"]) for each in root.iter("{http://www.w3.org/2000/svg}line")]
    top, ground = min(lines), max(lines)
    assert len(bars) == 3  # a value of zero has no bar
    for bar in bars:
        assert float(bar.attrib["y"]) >= top
        assert float(bar.attrib["y"]) + float(bar.attrib["height"]) <= ground + 0.2


def project_row(**numbers: int) -> dict[str, object]:
    states = dict.fromkeys(("backlog", "todo", "in_progress", "in_review", "done", "canceled"), 0) | numbers
    more = {"overdue": 0, "created_in_span": 0, "done_in_span": 0, "start_on": None, "end_on": None}
    return {"name": "P", "project_status": "ACTIVE", "total": sum(states.values())} | states | more


def test_canceled_tasks_do_not_count_against_progress() -> None:
    made = progress([project_row(done=3, canceled=4, todo=1), project_row(done=1, todo=3)], DAY, DAY)
    assert made.figures["doneShare"] == 0.5
    assert [row[9] for row in made.table] == [0.75, 0.25]
    assert progress([project_row(canceled=2)], DAY, DAY).figures["doneShare"] is None


def test_a_burn_down_ends_where_its_last_day_does() -> None:
    rows = [{"day": DAY + timedelta(days=each), "open": 10 - each, "total": 10 + each} for each in range(5)]
    figures = burn_down(rows, DAY, DAY + timedelta(days=4)).figures
    assert (figures["openAtStart"], figures["openAtEnd"], figures["tasksAtEnd"]) == (10, 6, 14)


def test_a_report_on_nothing_has_its_columns_and_its_chart() -> None:
    made = (
        progress([], DAY, DAY),
        workload([], {}, DAY, DAY),
        cycle_time([], DAY, DAY, limit=10),
        overdue([], {}, DAY, limit=10),
        activity([], {}, DAY, DAY),
    )
    for each in made:
        assert ET.fromstring(each.chart).tag.endswith("svg")  # noqa: S314
        assert all(len(row) == len(each.columns) for row in each.table)
    assert made[2].figures["cycleDays"] == {"mean": None, "p50": None, "p85": None, "p95": None}


def test_a_report_that_lists_only_some_says_so() -> None:
    at = datetime(2026, 11, 3, tzinfo=UTC)
    row = {"key": "A-1", "title": "=1", "created_at": at, "completed_at": at, "lead_days": 2.0, "cycle_days": None}
    made = cycle_time([row, row], DAY, DAY, limit=2)
    assert (made.figures["done"], made.figures["isComplete"]) == (2, False)
    assert made.figures["leadDays"] == {"mean": 2.0, "p50": 2.0, "p85": 2.0, "p95": 2.0}
