"""What is written as iCalendar is read back the same by the package icalendar, whatever the texts say."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from content.icalendar import CalendarEvent, fold, plain, write_calendar
from tests.support.examples import examples

AT = datetime(2026, 6, 1, 9, 30, 15, tzinfo=UTC)
HOSTILE = (
    "Lunch\r\nBEGIN:VEVENT\r\nSUMMARY:Mine\r\nEND:VEVENT",
    "a\nEND:VCALENDAR",
    "a\\nb \\; \\, ; , \\",
    "\\" * 200,
    ";" * 100 + "\n" * 100,
    "nul \x00 bell \x07 escape \x1b delete \x7f next line \x85 separators \u2028 \u2029 form feed \x0c",
    "half \ud800 of a character",
    "🪴" * 60,
    "x" * 74 + "é" + "x" * 72 + "👩‍👩‍👧‍👦" * 10,
    "שלום עולם " * 20,
    " leading and trailing ",
    "\ttabs\t",
    'quotes " and colons : and = signs',
    "",
)
texts = st.sampled_from(HOSTILE) | st.text(max_size=300) | st.text(alphabet="\\;,\n\r: éx🪴", max_size=200)


def event(**changes: Any) -> CalendarEvent:
    given: dict[str, Any] = {
        "uid": "1@example.com",
        "day": date(2026, 6, 8),
        "summary": "Water the plants",
        "url": "https://example.com/tasks/HOME-1",
        "created_at": AT,
        "updated_at": AT,
        "sequence": 0,
    }
    return CalendarEvent(**given | changes)


def events_in(content: bytes) -> list[Any]:
    return list(Calendar.from_ical(content).walk("VEVENT"))


@examples(40, many=1_500, database=None)
@given(summary=texts, description=texts, categories=st.lists(texts.filter(plain), max_size=3), day=st.dates())
@pytest.mark.parametrize("beside", [event(uid="2@example.com")])
def test_a_parser_reads_what_was_written(
    summary: str, description: str, categories: list[str], day: date, beside: CalendarEvent
) -> None:
    written = event(summary=summary, description=description, categories=categories, day=day)
    content = write_calendar("A; calendar,\r\nof mine", [written, beside], refresh_hours=1)
    found, other = events_in(content)
    assert str(found["summary"]) == plain(summary)
    assert str(found.get("description", "")) == plain(description)
    named = [str(each) for each in found["categories"].cats] if "categories" in found else []
    assert named == [plain(each) for each in categories]
    assert found["dtstart"].dt == day
    assert (found["dtstamp"].dt, found["last-modified"].dt, int(found["sequence"])) == (AT, AT, 0)
    assert (str(other["uid"]), str(other["summary"])) == ("2@example.com", "Water the plants")
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")
    content.decode()


@given(st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=400))
def test_a_folded_line_is_unfolded_to_what_it_was(line: str) -> None:
    folded = fold(line)
    assert folded.removesuffix(b"\r\n").replace(b"\r\n ", b"").decode() == line
    for part in folded.split(b"\r\n"):
        part.decode()  # no character is parted


def test_a_calendar_is_written_so() -> None:
    content = write_calendar(
        "PantheraHive", [event(description="Two\nlines", categories=["a,b", "c"], sequence=3)], refresh_hours=2
    )
    assert content.decode().split("\r\n") == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//PantheraHive//PantheraHive//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "NAME:PantheraHive",
        "X-WR-CALNAME:PantheraHive",
        "REFRESH-INTERVAL;VALUE=DURATION:PT2H",
        "X-PUBLISHED-TTL:PT2H",
        "BEGIN:VEVENT",
        "UID:1@example.com",
        "DTSTAMP:20260601T093015Z",
        "DTSTART;VALUE=DATE:20260608",
        "SUMMARY:Water the plants",
        "URL:https://example.com/tasks/HOME-1",
        "CREATED:20260601T093015Z",
        "LAST-MODIFIED:20260601T093015Z",
        "SEQUENCE:3",
        "TRANSP:TRANSPARENT",
        "DESCRIPTION:Two\\nlines",
        "CATEGORIES:a\\,b,c",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
