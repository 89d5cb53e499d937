"""Reads recurrence rules (RRULE of RFC 5545) over calendar days, and finds the days of their series within a bounded effort.

A rule says on which days something recurs that begins on a day; there are no times and no zones. `FREQ` is DAILY, WEEKLY,
MONTHLY or YEARLY; with it go `INTERVAL`, `COUNT` or `UNTIL`, `BYMONTH`, `BYWEEKNO`, `BYYEARDAY`, `BYMONTHDAY`, `BYDAY`,
`BYSETPOS` and `WKST`. Days that do not exist, such as 30 February, are skipped.

Rejected: python-dateutil, which is what the tests compare with. For a rule that gives no day it looks on until the year 9999, a
second of CPU that no argument bounds; and by WEEKLY with BYSETPOS it selects from what is left of the week of the first day, so
that a series depends on where in it one begins.
"""

import re
from calendar import isleap, monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import MAXYEAR, date
from enum import StrEnum
from functools import lru_cache
from typing import Final

MAX_RULE_CHARS: Final = 500
MAX_EXAMINED_DAYS: Final = 5_000
"""How many days of its periods are looked at for the next day of a rule, at most: 13 years, where every day counts."""
MAX_PASSED_DAYS: Final = 1_000
"""How many days of a series are passed in one step."""
_MAX_INTERVAL: Final = 1_000
_MAX_COUNT: Final = 100_000
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WEEKDAY: Final = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?\d{1,6}", re.ASCII)
_Condition = Callable[[date], bool]
_UNTIL: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(T\d{6}Z?)?", re.ASCII)


class Frequency(StrEnum):
    """How long the periods of a rule are."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecurrenceRule:
    """A rule. Weekdays count from Monday, 0; one in `weekdays` goes with its ordinal in the month or year, or 0 for every one."""

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: date | None = None
    months: frozenset[int] = frozenset()
    weeks: frozenset[int] = frozenset()
    year_days: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    weekdays: frozenset[tuple[int, int]] = frozenset()
    positions: tuple[int, ...] = ()
    week_start: int = 0


def series(rule: RecurrenceRule, start: date) -> Iterator[date]:
    """The days of the series that begins on `start`, in order; `start` itself only where the rule gives it. Ends after COUNT or
    UNTIL, or where MAX_EXAMINED_DAYS were looked at since the last one."""
    rule, left, examined = _completed(rule, start), rule.count, 0
    conditions = _conditions(rule)
    skips = rule.frequency in (Frequency.DAILY, Frequency.MONTHLY) and bool(rule.months)  # whole periods, by their month
    for first, days in _periods(rule, start):
        if rule.until is not None and first > rule.until:
            return
        examined += days
        if not skips or first.month in rule.months:
            for day in _chosen(rule, conditions, first, days):
                if day < start:
                    continue
                if (rule.until is not None and day > rule.until) or left == 0:
                    return
                left, examined = None if left is None else left - 1, 0
                yield day
        if examined >= MAX_EXAMINED_DAYS:
            return


def _completed(rule: RecurrenceRule, start: date) -> RecurrenceRule:
    """The rule with what it leaves to the first day."""
    if rule.weeks or rule.year_days or rule.month_days or rule.weekdays:
        return rule
    match rule.frequency:
        case Frequency.YEARLY:
            return replace(rule, months=rule.months or frozenset({start.month}), month_days=frozenset({start.day}))
        case Frequency.MONTHLY:
            return replace(rule, month_days=frozenset({start.day}))
        case Frequency.WEEKLY:
            return replace(rule, weekdays=frozenset({(0, start.weekday())}))
    return rule


def _periods(rule: RecurrenceRule, start: date) -> Iterator[tuple[date, int]]:
    """The first day and the number of days of each period, from that of `start` on."""
    match rule.frequency:
        case Frequency.YEARLY:
            for year in range(start.year, MAXYEAR, rule.interval):
                yield date(year, 1, 1), _days_in_year(year)
        case Frequency.MONTHLY:
            for month in range(start.year * 12 + start.month - 1, MAXYEAR * 12, rule.interval):
                first = date(month // 12, month % 12 + 1, 1)
                yield first, -_from_month_end(first)
        case Frequency.WEEKLY:
            first_ordinal = start.toordinal() - (start.weekday() - rule.week_start) % 7
            for ordinal in range(max(first_ordinal, 1), date.max.toordinal() - 7, 7 * rule.interval):
                yield date.fromordinal(ordinal), 7
        case Frequency.DAILY:
            for ordinal in range(start.toordinal(), date.max.toordinal(), rule.interval):
                yield date.fromordinal(ordinal), 1


def _chosen(rule: RecurrenceRule, conditions: Sequence[_Condition], first: date, days: int) -> list[date]:
    """The days of a period that the rule gives, in order."""
    origin = first.toordinal()
    found = []
    for day in map(date.fromordinal, range(origin, origin + days)):
        for condition in conditions:
            if not condition(day):
                break
        else:
            found.append(day)
    if not rule.positions:
        return found
    size = len(found)
    indices = {each - 1 if each > 0 else size + each for each in rule.positions}
    return [found[each] for each in sorted(indices) if 0 <= each < size]


def _conditions(rule: RecurrenceRule) -> list[_Condition]:
    """What each BY part asks of a day, the cheapest first."""
    parts: tuple[tuple[object, _Condition], ...] = (
        (rule.months, lambda day: day.month in rule.months),
        (rule.month_days, lambda day: day.day in rule.month_days or _from_month_end(day) in rule.month_days),
        (rule.weekdays, _weekday_condition(rule)),
        (rule.year_days, lambda day: not rule.year_days.isdisjoint(_year_days(day))),
        (rule.weeks, lambda day: not rule.weeks.isdisjoint(_weeks(day, rule.week_start))),
    )
    return [condition for values, condition in parts if values]


def _weekday_condition(rule: RecurrenceRule) -> _Condition:
    """Whether BYDAY names a day, alone or by its ordinal from the start or the end of its month or year."""
    weekdays, in_year = rule.weekdays, rule.frequency is Frequency.YEARLY and not rule.months

    def by_ordinal(day: date) -> bool:
        weekday = day.weekday()
        from_start, from_end = _year_days(day) if in_year else (day.day, _from_month_end(day))
        ordinals = (0, (from_start + 6) // 7, -((6 - from_end) // 7))
        return any((ordinal, weekday) in weekdays for ordinal in ordinals)

    has_ordinals = any(ordinal for ordinal, _ in weekdays)
    return by_ordinal if has_ordinals else lambda day: (0, day.weekday()) in weekdays


def parse(rule: str) -> RecurrenceRule:
    """
    A rule such as `FREQ=MONTHLY;BYDAY=-1FR`.

    Raises ValueError with a message for people.
    """
    if len(rule) > MAX_RULE_CHARS:
        raise ValueError(f"A rule has at most {MAX_RULE_CHARS} characters.")
    parts: dict[str, str] = {}
    for part in normalize(rule).split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value or name not in _KNOWN_PARTS:
            raise ValueError(f"This part of the rule is not known: {part[:40] or '(empty)'}.")
        if name in parts:
            raise ValueError(f"{name} is given twice.")
        parts[name] = value
    if parts.get("FREQ") not in tuple(Frequency):
        raise ValueError("FREQ is one of DAILY, WEEKLY, MONTHLY, YEARLY.")
    found = RecurrenceRule(
        frequency=Frequency(parts["FREQ"]),
        interval=_number("INTERVAL", parts.get("INTERVAL", "1"), 1, _MAX_INTERVAL),
        count=_number("COUNT", parts["COUNT"], 1, _MAX_COUNT) if "COUNT" in parts else None,
        until=_until(parts["UNTIL"]) if "UNTIL" in parts else None,
        months=frozenset(_numbers(parts, "BYMONTH", 12, negative=False)),
        weeks=frozenset(_numbers(parts, "BYWEEKNO", 53)),
        year_days=frozenset(_numbers(parts, "BYYEARDAY", 366)),
        month_days=frozenset(_numbers(parts, "BYMONTHDAY", 31)),
        weekdays=frozenset(_weekdays(parts["BYDAY"])) if "BYDAY" in parts else frozenset(),
        positions=tuple(_numbers(parts, "BYSETPOS", 366)),
        week_start=_week_start(parts.get("WKST", "MO")),
    )
    _require_combination(found)
    return found


def normalize(rule: str) -> str:
    """The rule in upper case, without spaces around it and without `RRULE:` before it; its parts stay in their order."""
    return rule.strip().upper().removeprefix("RRULE:").rstrip(";")


def gives_days(rule: str, start: date) -> bool:
    """Whether a series that begins on a day has a later one, if COUNT and UNTIL are left aside."""
    endless = replace(parse(rule), count=None, until=None)
    return any(day > start for day in _first(series(endless, start), 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """A later day of a series, and the rule by which it goes on from there."""

    day: date
    rule: str


@lru_cache(maxsize=4_096)
def next_day(rule: str, start: date) -> date | None:
    """The first day after `start` in the series that begins there; None where it ends, or none is found."""
    found = next_occurrence(rule, start)
    return None if found is None else found.day


def next_occurrence(rule: str, start: date, *, until: date | None = None) -> Occurrence | None:
    """
    The first day after `start` in the series that begins there; where there are several until the day `until`, the last of those.

    None where the series ends, or none is found. At most MAX_PASSED_DAYS days are passed.
    """
    parsed = parse(rule)
    found: date | None = None
    counted = 0
    for counted, day in enumerate(_first(series(parsed, start), MAX_PASSED_DAYS)):
        if day > start:
            if found is not None and (until is None or day > until):
                counted -= 1
                break
            found = day
    if found is None:
        return None
    return Occurrence(day=found, rule=rule if parsed.count is None else _with_count(rule, parsed.count - counted))


def _first(days: Iterator[date], limit: int) -> Iterator[date]:
    for _, day in zip(range(limit), days, strict=False):
        yield day


def _with_count(rule: str, count: int) -> str:
    parts = rule.split(";")
    return ";".join(f"COUNT={count}" if part.startswith("COUNT=") else part for part in parts)


def _days_in_year(year: int) -> int:
    return 366 if isleap(year) else 365


def _from_month_end(day: date) -> int:
    """-1 for the last day of a month."""
    return day.day - 1 - monthrange(day.year, day.month)[1]


def _year_days(day: date) -> tuple[int, int]:
    """The number of a day in its year from 1, and from the end of the year from -1."""
    number = day.toordinal() - date(day.year, 1, 1).toordinal() + 1
    return number, number - 1 - _days_in_year(day.year)


def _weeks(day: date, week_start: int) -> tuple[int, int]:
    """The number of the week of a day in the year that has most of it, from 1, and from the end of that year from -1."""
    decisive = day.toordinal() - (day.weekday() - week_start) % 7 + 3
    within_calendar = min(max(decisive, date.min.toordinal()), date.max.toordinal())
    number, from_end = _year_days(date.fromordinal(within_calendar))
    return (number + 6) // 7, -((6 - from_end) // 7)


_KNOWN_PARTS: Final = frozenset(
    {
        "FREQ",
        "INTERVAL",
        "COUNT",
        "UNTIL",
        "BYMONTH",
        "BYWEEKNO",
        "BYYEARDAY",
        "BYMONTHDAY",
        "BYDAY",
        "BYSETPOS",
        "WKST",
    }
)


def _number(name: str, value: str, low: int, high: int) -> int:
    if not _NUMBER.fullmatch(value) or not low <= int(value) <= high:
        raise ValueError(f"{name} takes numbers from {low} to {high}.")
    return int(value)


def _numbers(parts: Mapping[str, str], name: str, high: int, *, negative: bool = True) -> Iterator[int]:
    for value in parts[name].split(",") if name in parts else ():
        number = _number(name, value, -high if negative else 1, high)
        if number == 0:
            raise ValueError(f"{name} does not take 0.")
        yield number


def _weekdays(value: str) -> Iterator[tuple[int, int]]:
    for each in value.split(","):
        found = _WEEKDAY.fullmatch(each)
        ordinal = int(found[1]) if found and found[1] else 0
        if found is None or abs(ordinal) > 53 or (found[1] and not ordinal):
            raise ValueError("BYDAY takes days such as MO, or 1MO and -1FR.")
        yield ordinal, _WEEKDAYS.index(found[2])


def _week_start(value: str) -> int:
    if value not in _WEEKDAYS:
        raise ValueError("WKST is a day such as MO.")
    return _WEEKDAYS.index(value)


def _until(value: str) -> date:
    found = _UNTIL.fullmatch(value)
    try:
        if found:
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    raise ValueError("UNTIL is a day such as 20261231.")


def _require_combination(rule: RecurrenceRule) -> None:
    """Refuse what RFC 5545 does."""
    frequency, has_ordinals = rule.frequency, any(ordinal for ordinal, _ in rule.weekdays)
    refusals = (
        (rule.count is not None and rule.until is not None, "COUNT and UNTIL do not go together."),
        (rule.weeks and frequency is not Frequency.YEARLY, "BYWEEKNO goes with FREQ=YEARLY."),
        (rule.year_days and frequency is not Frequency.YEARLY, "BYYEARDAY goes with FREQ=YEARLY."),
        (rule.month_days and frequency is Frequency.WEEKLY, "BYMONTHDAY does not go with FREQ=WEEKLY."),
        (
            has_ordinals and frequency not in (Frequency.MONTHLY, Frequency.YEARLY),
            "Numbers before days go with FREQ=MONTHLY or FREQ=YEARLY.",
        ),
        (has_ordinals and rule.weeks, "Numbers before days do not go with BYWEEKNO."),
        (
            rule.positions and not (rule.months or rule.weeks or rule.year_days or rule.month_days or rule.weekdays),
            "BYSETPOS selects from what another BY part gives.",
        ),
    )
    for applies, message in refusals:
        if applies:
            raise ValueError(message)
