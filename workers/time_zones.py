"""The names of all time zones, for schedules that ask whose day it is."""

from functools import cache
from zoneinfo import available_timezones


@cache
def zone_names() -> tuple[str, ...]:
    """The IANA names that this machine knows, and UTC."""
    return tuple(sorted(available_timezones() | {"UTC"}))
