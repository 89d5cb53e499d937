"""Says when mails and pushes are sent: outside of quiet hours, and in digests, by the clock on the person's wall."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.notification.settings import DigestFrequency, QuietHours

MAIL_WINDOW: Final = timedelta(seconds=20)
"""What happens to a person in this time becomes one mail."""
PUSH_WINDOW: Final = timedelta(seconds=2)
"""The same for pushes."""
DIGEST_TIME: Final = time(9)
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its IANA name; UTC where this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def due_at(
    now: datetime, zone: ZoneInfo, digest: DigestFrequency, quiet: QuietHours | None, *, window: timedelta = MAIL_WINDOW
) -> datetime:
    """When the message about what happens at `now` is sent, UTC. `window`: what is one message where there are no digests."""
    match digest:
        case DigestFrequency.OFF:
            windows = int(now.timestamp() // window.total_seconds()) + 1
            due = datetime.fromtimestamp(windows * window.total_seconds(), UTC)
        case DigestFrequency.HOURLY:
            due = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        case DigestFrequency.DAILY:
            due = _next(now, zone, weekday=None)
        case _:
            due = _next(now, zone, weekday=1)
    return after_quiet(due, zone, quiet)


def after_quiet(instant: datetime, zone: ZoneInfo, quiet: QuietHours | None) -> datetime:
    """
    The first instant from this one on that is not in quiet hours, to the minute.

    Hours are those of the wall clock: a night on which clocks are set back is an hour longer, and when they are set forward past
    the end, quiet hours end there.
    """
    if quiet is None or not is_quiet(instant, zone, quiet):
        return instant
    today = instant.astimezone(zone).date()
    ends = sorted(end for days in range(-1, 3) for end in _instants(today + days * _DAY, quiet.end, zone))
    return next(end for end in ends if end > instant and not is_quiet(end, zone, quiet))


def is_quiet(instant: datetime, zone: ZoneInfo, quiet: QuietHours) -> bool:
    """Whether an instant lies in quiet hours."""
    local = instant.astimezone(zone)
    now, weekday = local.time(), local.isoweekday()
    if quiet.start < quiet.end:
        return quiet.start <= now < quiet.end and weekday in quiet.days
    before = 7 if weekday == 1 else weekday - 1
    return (now >= quiet.start and weekday in quiet.days) or (now < quiet.end and before in quiet.days)


def _next(now: datetime, zone: ZoneInfo, *, weekday: int | None) -> datetime:
    """The next time of digests, on a day of the week or on any."""
    today = now.astimezone(zone).date()
    days = (today + days * _DAY for days in range(9))
    times = (_instants(day, DIGEST_TIME, zone)[0] for day in days if weekday is None or day.isoweekday() == weekday)
    return next(each for each in times if each > now)


def _instants(day: date, wall: time, zone: ZoneInfo) -> list[datetime]:
    """When the wall clock shows a time on a day: once; twice when clocks are set back; when they are set forward past it, the
    minute at which they are."""
    first, second = (datetime.combine(day, wall, zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return [first]
    if first < second:
        return [first, second]
    minutes = int((first - second) / _MINUTE)
    steps = (second + step * _MINUTE for step in range(minutes + 1))
    return [next(each for each in steps if each.astimezone(zone).replace(tzinfo=None) >= datetime.combine(day, wall))]
