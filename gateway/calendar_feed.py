"""Serves calendar feeds: `GET /calendar/{token}.ics` gives the open tasks of its person that have a due day, as all-day events.

The address is the right itself: neither cookie nor token is read. What it shows is what its person may see at that moment. All
addresses that show nothing are the same answer: those that were never made here, those that were replaced, and those of accounts
that are suspended or closed.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from content.icalendar import CalendarEvent, write_calendar
from domain.calendar_feed import MAX_EVENTS, CalendarFeedTokens
from domain.errors import Unavailable
from domain.notification.timing import zone_of
from domain.rate_limit import LimitedUse, RateLimit, RateLimiter
from gateway.http.compression import compress_body
from persistence.engine.database import Database
from persistence.stores import calendar_feed

PATH: Final = "/calendar"
_READS: Final = RateLimit(name="calendar feed", max_uses=30, window_seconds=600)
_REFRESH_HOURS: Final = 1
_HEADERS: Final = {
    "Cache-Control": "private, no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


class CalendarFeeds:
    """The route, over open services. `origin`: the public URL of the server, of which links and ids are made."""

    def __init__(
        self, database: Database, tokens: CalendarFeedTokens, limiter: RateLimiter, *, origin: str, compress: bool
    ) -> None:
        self._database, self._tokens, self._limiter = database, tokens, limiter
        self._origin, self._compress = origin, compress

    def routes(self) -> list[BaseRoute]:
        """The route of all feeds."""
        return [Route(PATH + "/{token}.ics", self._answer, methods=["GET"])]

    async def _answer(self, request: Request) -> Response:
        key = self._tokens.decode(request.path_params["token"])
        if key is None:
            return _refusal(404, "Not found.")
        try:
            wait_seconds = await self._limiter.take(LimitedUse(_READS, key.hex))
            if wait_seconds is not None:
                return _refusal(429, "Too many requests.", retry_after_seconds=wait_seconds)
            owner = await calendar_feed.owner(self._database, key)
            if owner is None:
                return _refusal(404, "Not found.")
            today = datetime.now(UTC).astimezone(zone_of(owner["time_zone"])).date()
            rows = await calendar_feed.due_tasks(self._database, owner["id"], today, MAX_EVENTS)
        except Unavailable as error:
            return _refusal(503, error.message, retry_after_seconds=60)
        content = await asyncio.to_thread(self._write, rows)
        etag = f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'
        if _is_known(etag, request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers={**_HEADERS, "ETag": etag})
        more: Sequence[tuple[bytes, bytes]] = ()
        if self._compress:
            accepted = request.headers.get("accept-encoding")
            content, more = await compress_body(content, None if accepted is None else accepted.encode("latin-1"))
        headers = {
            **_HEADERS,
            "ETag": etag,
            "Content-Type": "text/calendar; charset=utf-8",
            "Content-Disposition": 'inline; filename="tasks.ics"',
            **{name.decode(): value.decode() for name, value in more},
        }
        return Response(content, headers=headers)

    def _write(self, rows: Sequence[Any]) -> bytes:
        ordered = sorted(rows, key=lambda row: (row["due_on"], row["id"]))
        return write_calendar("PantheraHive", map(self._event, ordered), refresh_hours=_REFRESH_HOURS)

    def _event(self, row: Any) -> CalendarEvent:
        about = f"{row['key']} · {row['project']}"
        return CalendarEvent(
            uid=f"{row['id']}@{self._origin.partition('//')[2]}",
            day=row["due_on"],
            summary=row["title"],
            description=f"{about}\n\n{row['description']}" if row["description"] else about,
            url=f"{self._origin}/tasks/{row['key']}",
            categories=row["labels"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            sequence=row["version"] - 1,
        )


def _is_known(etag: str, if_none_match: str) -> bool:
    """Whether a client has this content, by weak comparison."""
    given = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return "*" in given or etag.removeprefix("W/") in given


def _refusal(status: int, message: str, *, retry_after_seconds: float | None = None) -> Response:
    headers = dict(_HEADERS)
    if retry_after_seconds is not None:
        headers["Retry-After"] = str(max(1, round(retry_after_seconds)))
    return Response(message, status_code=status, headers=headers, media_type="text/plain")
