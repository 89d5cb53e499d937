"""Makes reports of rows: the figures, the table and the chart of each kind."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from domain.report.chart import Series, bar_chart, line_chart

Row = Mapping[str, Any]
Names = Mapping[Any, str]
NOBODY: Final = "Nobody"
SERVER: Final = "The server"
_AGES: Final = (("1 to 7 days", 7), ("8 to 30 days", 30), ("31 to 90 days", 90), ("Over 90 days", None))


@dataclass(frozen=True, slots=True)
class Report:
    """A report. `figures` are its sums, as JSON; `table` all of it, of which `columns` are the header; `chart` an SVG."""

    title: str
    figures: dict[str, Any]
    columns: Sequence[str]
    table: Sequence[Sequence[Any]]
    chart: str


def progress(rows: Sequence[Row], since: date, until: date) -> Report:
    """How far projects are: the tasks of each by status, the share that is done, and how many were created and done meanwhile."""
    states = ("backlog", "todo", "in_progress", "in_review", "done", "canceled")
    spanned = ("overdue", "created_in_span", "done_in_span", "start_on", "end_on")
    table = [
        [
            *(row["name"], row["project_status"]),
            *(row[each] for each in states),
            *(row["total"], done_share(row)),
            *(row[each] for each in spanned),
        ]
        for row in rows
    ]
    columns = ["Project", "Status", "Backlog", "To do", "In progress", "In review", "Done", "Canceled", "Tasks", "Done share"]
    columns += ["Overdue", "Created in the span", "Done in the span", "Start", "End"]
    total = {each: sum(row[each] for row in rows) for each in (*states, "total", "overdue", "created_in_span", "done_in_span")}
    figures = {
        "projects": len(rows),
        "tasks": total["total"],
        "byStatus": {each.upper(): total[each] for each in states},
        "doneShare": done_share(total),
        "overdue": total["overdue"],
        "created": total["created_in_span"],
        "done": total["done_in_span"],
    }
    series = [
        Series("Done", [row["done"] for row in rows]),
        Series("In progress", [row["in_progress"] + row["in_review"] for row in rows]),
        Series("To do", [row["backlog"] + row["todo"] for row in rows]),
    ]
    title = "Progress of projects"
    return Report(title, figures, columns, table, bar_chart(title, _span(since, until), [row["name"] for row in rows], series))


def done_share(row: Row) -> float | None:
    """The share of tasks that are done, of those that were not canceled; None where there are none."""
    counted = row["total"] - row["canceled"]
    return round(row["done"] / counted, 4) if counted else None


def burn_down(rows: Sequence[Row], since: date, until: date) -> Report:
    """How many tasks there were at the end of each day, and how many of them were open; beside them an even way down to none."""
    first, last = rows[0]["open"], rows[-1]["open"]
    figures = {
        "openAtStart": first,
        "openAtEnd": last,
        "tasksAtEnd": rows[-1]["total"],
        "days": [{"day": row["day"].isoformat(), "open": row["open"], "tasks": row["total"]} for row in rows],
    }
    ideal = [first - first * index / max(1, len(rows) - 1) for index in range(len(rows))]
    series = [
        Series("Open", [row["open"] for row in rows]),
        Series("Even way to none", ideal),
        Series("All tasks", [row["total"] for row in rows]),
    ]
    title = "Burn-down"
    chart = line_chart(title, _span(since, until), [row["day"].isoformat() for row in rows], series)
    return Report(title, figures, ["Day", "Open", "Tasks"], [[row["day"], row["open"], row["total"]] for row in rows], chart)


def workload(rows: Sequence[Row], names: Names, since: date, until: date) -> Report:
    """What each assignee has open, and did in the span."""
    people = [(NOBODY if row["user_id"] is None else names.get(row["user_id"], NOBODY), row) for row in rows]
    numbers = ("open", "in_progress", "overdue", "estimate", "done_in_span")
    columns = ["Assignee", "Open", "In progress", "Overdue", "Estimate of open", "Done in the span"]
    table = [[name, *(row[each] for each in numbers)] for name, row in people]
    figures = {
        "assignees": sum(row["user_id"] is not None for row in rows),
        "open": sum(row["open"] for row in rows),
        "unassigned": sum(row["open"] for row in rows if row["user_id"] is None),
        "overdue": sum(row["overdue"] for row in rows),
        "estimate": sum(row["estimate"] for row in rows),
        "done": sum(row["done_in_span"] for row in rows),
    }
    series = [
        Series("In progress", [row["in_progress"] for row in rows]),
        Series("Open, not begun", [row["open"] - row["in_progress"] for row in rows]),
    ]
    title = "Workload"
    return Report(title, figures, columns, table, bar_chart(title, _span(since, until), [name for name, _ in people], series))


def cycle_time(rows: Sequence[Row], since: date, until: date, *, limit: int) -> Report:
    """How long tasks took that were done in the span: lead time from their creation, cycle time from when work on them began."""
    leads = sorted(row["lead_days"] for row in rows)
    cycles = sorted(row["cycle_days"] for row in rows if row["cycle_days"] is not None)
    figures = {
        "done": len(rows),
        "isComplete": len(rows) < limit,
        "leadDays": _distribution(leads),
        "cycleDays": _distribution(cycles),
    }
    columns = ["Key", "Title", "Created", "Completed", "Lead time in days", "Cycle time in days"]
    table = [
        [row["key"], row["title"], row["created_at"], row["completed_at"], _days(row["lead_days"]), _days(row["cycle_days"])]
        for row in rows
    ]
    weeks = _weeks(since, until)
    by_week: dict[date, list[Row]] = defaultdict(list)
    for row in rows:
        by_week[_monday(row["completed_at"].date())].append(row)
    series = [
        Series("Lead time, median days", [_median([row["lead_days"] for row in by_week[week]]) for week in weeks]),
        Series(
            "Cycle time, median days",
            [_median([row["cycle_days"] for row in by_week[week] if row["cycle_days"] is not None]) for week in weeks],
        ),
    ]
    title = "Cycle and lead time"
    labels = [week.isoformat() for week in weeks]
    return Report(title, figures, columns, table, bar_chart(title, _span(since, until), labels, series, stacked=False))


def overdue(rows: Sequence[Row], names: Names, until: date, *, limit: int) -> Report:
    """The open tasks that were due before a day."""
    ages = [_age(row["days"]) for row in rows]
    figures = {
        "overdue": len(rows),
        "isComplete": len(rows) < limit,
        "byAge": {name: ages.count(name) for name, _ in _AGES},
        "longestDays": max((row["days"] for row in rows), default=0),
    }
    columns = ["Key", "Title", "Project", "Status", "Assignee", "Due", "Days overdue"]
    table = [
        [row["key"], row["title"], row["project"], row["status"], names.get(row["user_id"], NOBODY), row["due_on"], row["days"]]
        for row in rows
    ]
    title = "Overdue tasks"
    series = [Series("Tasks", [ages.count(name) for name, _ in _AGES])]
    return Report(title, figures, columns, table, bar_chart(title, f"On {until}", [name for name, _ in _AGES], series))


def activity(rows: Sequence[Row], names: Names, since: date, until: date) -> Report:
    """What happened on each day of the span, and who did it."""
    kinds = ("created", "done", "comments", "changes")
    by_person: dict[str, dict[str, int]] = {}
    by_day: dict[date, dict[str, int]] = {day: dict.fromkeys(kinds, 0) for day in _days_of(since, until)}
    for row in rows:
        name = SERVER if row["user_id"] is None else names.get(row["user_id"], NOBODY)
        for counts in (by_day[row["day"]], by_person.setdefault(name, dict.fromkeys(kinds, 0))):
            for kind in kinds:
                counts[kind] += row[kind]
    busiest = sorted(by_person, key=lambda name: (-by_person[name]["changes"], name))
    figures = {
        **{kind: sum(counts[kind] for counts in by_day.values()) for kind in kinds},
        "people": [{"name": name, **by_person[name]} for name in busiest],
    }
    columns = ["Day", "Tasks created", "Tasks done", "Comments", "Changes"]
    table = [[day, *(counts[kind] for kind in kinds)] for day, counts in by_day.items()]
    series = [
        Series("Tasks created", [counts["created"] for counts in by_day.values()]),
        Series("Tasks done", [counts["done"] for counts in by_day.values()]),
        Series("Comments", [counts["comments"] for counts in by_day.values()]),
    ]
    title = "Activity"
    chart = line_chart(title, _span(since, until), [day.isoformat() for day in by_day], series)
    return Report(title, figures, columns, table, chart)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which a share of an ordered list lies, between its neighbours where it lies between two of them."""
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _distribution(ordered: Sequence[float]) -> dict[str, float | None]:
    if not ordered:
        return dict.fromkeys(("mean", "p50", "p85", "p95"))
    shares = {"p50": 0.5, "p85": 0.85, "p95": 0.95}
    found = {name: round(percentile(ordered, share), 2) for name, share in shares.items()}
    return {"mean": round(sum(ordered) / len(ordered), 2), **found}


def _median(values: Sequence[float]) -> float:
    return round(percentile(sorted(values), 0.5), 2) if values else 0.0


def _age(days: int) -> str:
    return next(name for name, most in _AGES if most is None or days <= most)


def _days(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _days_of(since: date, until: date) -> list[date]:
    return [since + timedelta(days=each) for each in range((until - since).days + 1)]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _weeks(since: date, until: date) -> list[date]:
    return sorted({_monday(day) for day in _days_of(since, until)})


def _span(since: date, until: date) -> str:
    return f"{since} to {until}"
