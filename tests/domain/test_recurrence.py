"""Recurrence rules give the days that RFC 5545 says, as python-dateutil reads it, and no rule takes long."""

import time
from datetime import date, datetime, timedelta
from itertools import islice, takewhile

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from domain import recurrence
from domain.recurrence import Frequency, next_day, next_occurrence, parse, series
from tests.support.examples import examples

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_EASY = examples(20, many=400, database=None)
_DAYS = st.dates(date(1990, 1, 1), date(2060, 12, 31))


def _signed(high: int) -> st.SearchStrategy[int]:
    return st.integers(1, high) | st.integers(-high, -1)


def _listed(values: st.SearchStrategy[int]) -> st.SearchStrategy[str]:
    return st.lists(values, min_size=1, max_size=6).map(lambda numbers: ",".join(map(str, numbers)))


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Rules that python-dateutil reads as RFC 5545 does: it takes days with and without an ordinal in one rule for a contradiction."""
    frequency = draw(st.sampled_from(Frequency))
    parts = [f"FREQ={frequency}"]
    choices = {"INTERVAL": st.integers(1, 6).map(str), "BYMONTH": _listed(st.integers(1, 12)), "WKST": st.sampled_from(_WEEKDAYS)}
    if frequency is not Frequency.WEEKLY:
        choices["BYMONTHDAY"] = _listed(_signed(31))
    if frequency is Frequency.YEARLY:
        choices["BYYEARDAY"] = _listed(_signed(366))
        choices["BYWEEKNO"] = _listed(st.integers(1, 53))
    chosen = [name for name in choices if draw(st.booleans())]
    parts += [f"{name}={draw(choices[name])}" for name in chosen]
    if draw(st.booleans()):
        ordinal = st.just("")
        if frequency in (Frequency.MONTHLY, Frequency.YEARLY) and "BYWEEKNO" not in chosen and draw(st.booleans()):
            ordinal = _signed(5).map(str)
        days = draw(st.lists(st.tuples(ordinal, st.sampled_from(_WEEKDAYS)), min_size=1, max_size=5))
        parts.append("BYDAY=" + ",".join("".join(each) for each in days))
    if any(each.startswith("BY") for each in parts) and draw(st.booleans()):
        parts.append("BYSETPOS=" + draw(_listed(_signed(8))))
    return ";".join(parts)


def _by_dateutil(rule: str, start: date, count: int) -> list[date]:
    days = rrulestr(rule, dtstart=datetime.combine(start, datetime.min.time()))
    return [each.date() for each in islice(days, count)]


def _start_of(rule: str, start: date) -> date:
    """By WEEKLY with BYSETPOS, python-dateutil selects from what is left of the first week: so the first day is the first of one."""
    parsed = parse(rule)
    if parsed.frequency is Frequency.WEEKLY and parsed.positions:
        return start - timedelta(days=(start.weekday() - parsed.week_start) % 7)
    return start


@_EASY
@given(rules(), _DAYS)
def test_a_series_is_the_one_that_dateutil_gives(rule: str, start: date) -> None:
    start = _start_of(rule, start)
    days = list(islice(series(parse(rule), start), 5))
    assert days == _by_dateutil(rule, start, len(days))


@_EASY
@given(rules(), _DAYS, st.integers(1, 6))
def test_going_on_from_each_day_gives_the_same_series(rule: str, start: date, count: int) -> None:
    expected = [each for each in series(parse(f"{rule};COUNT={count}"), start) if each > start]
    found, at = [], recurrence.Occurrence(day=start, rule=f"{rule};COUNT={count}")
    while (following := next_occurrence(at.rule, at.day)) is not None:
        found.append(following.day)
        at = following
    assert found == expected


@_EASY
@given(rules(), _DAYS, st.integers(0, 800))
def test_of_the_days_that_have_passed_the_last_is_taken(rule: str, start: date, days: int) -> None:
    until = start + timedelta(days=days)
    later = (each for each in series(parse(rule), start) if each > start)
    first = next(later, None)
    passed = [] if first is None or first > until else [first, *takewhile(lambda day: day <= until, later)]
    found = next_occurrence(rule, start, until=until)
    assert (None if found is None else found.day) == (passed[-1] if passed else first)


@pytest.mark.parametrize(
    ("rule", "start", "expected"),
    [
        ("FREQ=DAILY", "2026-02-27", ["2026-02-28", "2026-03-01"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR", "2026-06-01", ["2026-06-05", "2026-06-15", "2026-06-19"]),
        ("FREQ=MONTHLY", "2026-01-31", ["2026-03-31", "2026-05-31"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-31", ["2026-02-28", "2026-03-31"]),
        ("FREQ=MONTHLY;BYDAY=-1FR", "2026-01-30", ["2026-02-27", "2026-03-27"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-01-30", ["2026-02-27", "2026-03-31"]),
        ("FREQ=MONTHLY;BYDAY=TU,1FR", "2026-06-01", ["2026-06-02", "2026-06-05", "2026-06-09"]),
        ("FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=2", "2026-06-03", ["2026-06-10", "2026-06-17"]),
        ("FREQ=YEARLY", "2096-02-29", ["2104-02-29", "2108-02-29"]),
        ("FREQ=YEARLY;BYWEEKNO=-1;BYDAY=MO", "2026-12-28", ["2027-12-27", "2028-12-25"]),
        ("FREQ=DAILY;COUNT=3", "2026-06-01", ["2026-06-02", "2026-06-03"]),
        ("FREQ=DAILY;UNTIL=20260603", "2026-06-01", ["2026-06-02", "2026-06-03"]),
        ("FREQ=DAILY;UNTIL=20260602T235959Z", "2026-06-01", ["2026-06-02"]),
        ("rrule:freq=daily;count=1;", "2026-06-01", []),
    ],
)
def test_series_that_are_written_down(rule: str, start: str, expected: list[str]) -> None:
    first = date.fromisoformat(start)
    later = (day.isoformat() for day in series(parse(rule), first) if day > first)
    assert list(islice(later, len(expected) or 1)) == expected


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "every day",
        "FREQ=SECONDLY",
        "FREQ=HOURLY;INTERVAL=24",
        "INTERVAL=2",
        "FREQ=DAILY;FREQ=WEEKLY",
        "FREQ=DAILY;COUNT=2;UNTIL=20270101",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=9999999999999999999999",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=٣",
        "FREQ=DAILY;UNTIL=20260230",
        "FREQ=DAILY;BYHOUR=9",
        "FREQ=DAILY;BYSETPOS=1",
        "FREQ=DAILY;BYDAY=1MO",
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "FREQ=MONTHLY;BYWEEKNO=1",
        "FREQ=MONTHLY;BYDAY=0MO",
        "FREQ=MONTHLY;BYDAY=54MO",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=MONTHLY;BYMONTHDAY=",
        "FREQ=MONTHLY;BYMONTH=-1",
        "FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO",
        "FREQ=DAILY\r\nATTENDEE:mailto:a@example.com",
        "FREQ=DAILY;X-NAME=1",
        "FREQ=MONTHLY;BYMONTHDAY=" + ",".join(["1"] * 300),
    ],
)
def test_what_is_no_rule_over_days_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        parse(rule)


@given(
    st.text(max_size=80)
    | st.lists(st.sampled_from(["FREQ=DAILY", "MONTHLY", "BYDAY=", ";", ",", "1", "-", "MO", "COUNT="])).map("".join)
)
def test_any_text_is_a_rule_or_is_refused(text: str) -> None:
    try:
        found = parse(text)
    except ValueError:
        found = None
    assert found is None or parse(recurrence.normalize(text)) == found


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=5",
        "FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1",
        "FREQ=YEARLY;BYDAY=53MO;BYMONTHDAY=-1;BYYEARDAY=1;BYWEEKNO=1".replace("53MO", "MO"),
    ],
)
def test_a_rule_that_gives_no_day_is_found_out_at_once(rule: str) -> None:
    before = time.process_time()
    assert not recurrence.gives_days(rule, date(2026, 1, 1))
    assert next_day(rule, date(2026, 1, 1)) is None
    assert time.process_time() - before < 0.2


@pytest.mark.parametrize("start", [date.min, date(1, 1, 5), date.max, date(9998, 12, 31)])
@pytest.mark.parametrize("week_start", _WEEKDAYS)
def test_weeks_are_numbered_up_to_the_ends_of_the_calendar(start: date, week_start: str) -> None:
    for rule in ("FREQ=YEARLY;BYWEEKNO=1,-1,52,53", "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=1", "FREQ=WEEKLY;INTERVAL=2"):
        found = next_day(f"{rule};WKST={week_start}", start)
        assert found is None or found > start


@pytest.mark.parametrize("start", [date.min, date.max, date(9998, 12, 31)])
@_EASY
@given(rule=rules())
def test_a_series_ends_where_the_calendar_does(start: date, rule: str) -> None:
    days = list(islice(series(parse(rule), start), 3))
    assert days == sorted(set(days))
    assert all(day >= start for day in days)
