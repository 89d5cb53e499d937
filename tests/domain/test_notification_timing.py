"""When mails are sent: quiet hours by the wall clock, on days when it is set too, and the times of digests."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.notification import DigestFrequency, QuietHours, after_quiet, day_in_zone, due_at, is_quiet, zone_of
from tests.support.examples import examples

NEW_YORK, BERLIN, LORD_HOWE = ZoneInfo("America/New_York"), ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Lord_Howe")
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)


def quiet(start: str, end: str, days: tuple[int, ...] = EVERY_DAY) -> QuietHours:
    return QuietHours(start=time.fromisoformat(start), end=time.fromisoformat(end), days=days)


def local(zone: ZoneInfo, text: str, fold: int = 0) -> datetime:
    """An instant by the wall clock, such as `2026-03-08 01:30`."""
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("zone", "hours", "now", "until"),
    [
        # Not quiet: at once.
        (NEW_YORK, quiet("22:00", "07:00"), local(NEW_YORK, "2026-06-01 12:00"), local(NEW_YORK, "2026-06-01 12:00")),
        (NEW_YORK, quiet("22:00", "07:00"), local(NEW_YORK, "2026-06-01 07:00"), local(NEW_YORK, "2026-06-01 07:00")),
        # Before and after midnight.
        (NEW_YORK, quiet("22:00", "07:00"), local(NEW_YORK, "2026-06-01 22:00"), local(NEW_YORK, "2026-06-02 07:00")),
        (NEW_YORK, quiet("22:00", "07:00"), local(NEW_YORK, "2026-06-02 06:59"), local(NEW_YORK, "2026-06-02 07:00")),
        (NEW_YORK, quiet("12:00", "13:00"), local(NEW_YORK, "2026-06-02 12:30"), local(NEW_YORK, "2026-06-02 13:00")),
        # Only from Friday to Saturday: 2026-06-05 is a Friday.
        (BERLIN, quiet("22:00", "07:00", (5,)), local(BERLIN, "2026-06-06 03:00"), local(BERLIN, "2026-06-06 07:00")),
        (BERLIN, quiet("22:00", "07:00", (5,)), local(BERLIN, "2026-06-05 03:00"), local(BERLIN, "2026-06-05 03:00")),
        (BERLIN, quiet("22:00", "07:00", (7,)), local(BERLIN, "2026-06-08 03:00"), local(BERLIN, "2026-06-08 07:00")),
        # Clocks are set forward at 2:00: the night is an hour shorter.
        (NEW_YORK, quiet("22:00", "07:00"), local(NEW_YORK, "2026-03-07 23:00"), local(NEW_YORK, "2026-03-08 07:00")),
        # … and past the end: it ends when they are set, at 7:00 UTC.
        (NEW_YORK, quiet("22:00", "02:30"), local(NEW_YORK, "2026-03-08 01:00"), datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
        # Clocks are set back at 2:00: the end comes twice, and the second counts from within the repeated hour.
        (NEW_YORK, quiet("22:00", "07:00"), local(NEW_YORK, "2026-10-31 23:00"), local(NEW_YORK, "2026-11-01 07:00")),
        (NEW_YORK, quiet("00:00", "01:30"), local(NEW_YORK, "2026-11-01 01:10"), local(NEW_YORK, "2026-11-01 01:30")),
        (NEW_YORK, quiet("00:00", "01:30"), local(NEW_YORK, "2026-11-01 01:10", 1), local(NEW_YORK, "2026-11-01 01:30", 1)),
        # By half an hour.
        (LORD_HOWE, quiet("22:00", "02:15"), local(LORD_HOWE, "2026-10-04 01:00"), datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ],
)
def test_what_is_due_in_quiet_hours_waits_for_their_end(
    zone: ZoneInfo, hours: QuietHours, now: datetime, until: datetime
) -> None:
    assert after_quiet(now, zone, hours) == until


def instants(first: datetime, days: int) -> st.SearchStrategy[datetime]:
    """Instants of so many days, to the tenth of a second."""
    return st.integers(0, days * 24 * 36_000).map(lambda tenths: first + timedelta(seconds=tenths / 10))


MINUTES = st.integers(0, 24 * 60 - 1).map(lambda minutes: time(minutes // 60, minutes % 60))


@examples(100, many=4_000, derandomize=True, database=None)
@given(
    zone=st.sampled_from(
        ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"]
    ),
    start=MINUTES,
    end=MINUTES,
    days=st.sets(st.integers(1, 7), min_size=1).map(lambda days: tuple(sorted(days))),
    instant=instants(datetime(2026, 3, 1, tzinfo=UTC), 31) | instants(datetime(2026, 10, 1, tzinfo=UTC), 36),
    share=st.floats(0, 1, exclude_max=True),
)
def test_it_waits_until_quiet_hours_end_and_not_longer(
    zone: str, start: time, end: time, days: tuple[int, ...], instant: datetime, share: float
) -> None:
    if start == end:
        return
    hours = QuietHours(start=start, end=end, days=days)
    where = ZoneInfo(zone)
    until = after_quiet(instant, where, hours)
    assert not is_quiet(until, where, hours)
    assert instant <= until <= instant + timedelta(hours=25, minutes=1)
    if until > instant:
        assert is_quiet(instant, where, hours)
        between = min(instant + (until - instant) * share, until - timedelta(microseconds=1))  # the product is rounded
        assert is_quiet(between, where, hours)
        assert is_quiet(until - timedelta(microseconds=1), where, hours)


@pytest.mark.parametrize(
    ("digest", "now", "due"),
    [
        (DigestFrequency.HOURLY, local(BERLIN, "2026-06-01 12:00"), local(BERLIN, "2026-06-01 13:00")),
        (DigestFrequency.HOURLY, local(BERLIN, "2026-06-01 12:59"), local(BERLIN, "2026-06-01 13:00")),
        (DigestFrequency.DAILY, local(BERLIN, "2026-06-01 08:59"), local(BERLIN, "2026-06-01 09:00")),
        (DigestFrequency.DAILY, local(BERLIN, "2026-06-01 09:00"), local(BERLIN, "2026-06-02 09:00")),
        # Clocks are set at 2:00: it stays 9:00 by the wall.
        (DigestFrequency.DAILY, local(BERLIN, "2026-03-28 10:00"), datetime(2026, 3, 29, 7, 0, tzinfo=UTC)),
        (DigestFrequency.DAILY, local(BERLIN, "2026-10-24 10:00"), datetime(2026, 10, 25, 8, 0, tzinfo=UTC)),
        # Mondays: 2026-06-01 is one.
        (DigestFrequency.WEEKLY, local(BERLIN, "2026-06-01 08:00"), local(BERLIN, "2026-06-01 09:00")),
        (DigestFrequency.WEEKLY, local(BERLIN, "2026-06-01 09:00"), local(BERLIN, "2026-06-08 09:00")),
    ],
)
def test_digests_come_at_their_times(digest: DigestFrequency, now: datetime, due: datetime) -> None:
    assert due_at(now, BERLIN, digest, None) == due
    assert due_at(now, BERLIN, digest, quiet("08:00", "10:30")) >= due


@given(now=instants(datetime(2026, 1, 1, tzinfo=UTC), 365))
@examples(25, many=1_000, derandomize=True, database=None)
def test_a_mail_without_digest_waits_for_20_seconds_at_most(now: datetime) -> None:
    due = due_at(now, BERLIN, DigestFrequency.OFF, None)
    assert now < due <= now + timedelta(seconds=20)
    assert due_at(due - timedelta(microseconds=1), BERLIN, DigestFrequency.OFF, None) == due


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Pacific/Kiritimati", date(2026, 6, 2)),
        ("UTC", date(2026, 6, 1)),
        ("Pacific/Pago_Pago", date(2026, 5, 31)),
        ("Nowhere", date(2026, 6, 1)),
    ],
)
def test_a_day_begins_at_nine_by_the_clock_of_the_zone(zone: str, day: date) -> None:
    assert day_in_zone(datetime(2026, 6, 1, 19, 0, tzinfo=UTC), zone) == day
    assert day_in_zone(datetime(2026, 6, 1, 8, 59, tzinfo=UTC), "UTC") == date(2026, 5, 31)
    assert zone_of("Nowhere").key == "UTC"
