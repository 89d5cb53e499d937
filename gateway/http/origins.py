"""Which web pages may talk to the graph: CORS for HTTP, the Origin check for websockets, the cross-site rule for GET.

The bearer token is the only credential and never ambient, so a foreign page can't act as somebody; what is left is a foreign
page that reaches a server only the visitor's machine can reach. A POST must be `application/json`, which no browser sends
across sites without a preflight, and the preflight is answered by the allow-list. A GET runs queries only, and one that a
browser marks as coming from another site must carry a header that forces a preflight; browsers add `Sec-Fetch-Site` themselves
and pages can't remove it.

Rejected: that header on every GET (the GraphQL-over-HTTP audits, caches and curl send plain GETs, and are no browsers);
Starlette's CORSMiddleware (wraps every send, allows by pattern what we allow by name).
"""

import logging
import time
from collections.abc import Collection, Mapping
from typing import Final

from gateway.http.request import BadRequest
from transport.http_response import Header

logger = logging.getLogger(__name__)

_REPORT_INTERVAL_SECONDS: Final = 60.0
_MAX_REPORTED_ORIGINS: Final = 100
_MAX_REPORTED_CHARACTERS: Final = 200

_PREFLIGHT_HEADERS = (
    b"x-hive-csrf",
    b"apollo-require-preflight",
    b"x-apollo-operation-name",
    b"graphql-require-preflight",
)
_ALLOWED_HEADERS = b", ".join(
    (b"authorization", b"content-type", b"x-request-id", b"traceparent", b"tracestate", *_PREFLIGHT_HEADERS)
)


class AllowedOrigins:
    """An allow-list of origins such as `https://app.example.com`, or "*" for all. The server's own pages are always allowed:
    those of `own`, its public address, and those of the host that was asked."""

    def __init__(self, allowed: Collection[str] = (), *, own: str = "") -> None:
        self._reported = RefusedOrigins()
        self._own = own.lower().encode("latin-1")
        self._allow_all = "*" in allowed
        self._allowed = frozenset(origin.lower().rstrip("/").encode("latin-1") for origin in allowed)

    def allows(self, headers: Mapping[bytes, bytes], scheme: str = "ws") -> bool:
        """Whether the page, if it is one, may open a websocket by this scheme. Clients that are no browsers send no Origin."""
        origin = headers.get(b"origin")
        if origin is None or self._is_allowed(origin) or origin.lower() == self._own:
            return True
        page_scheme, _, host = origin.lower().partition(b"://")
        schemes = (b"https",) if scheme == "wss" else (b"http", b"https")  # a proxy that is not trusted may end TLS
        if page_scheme in schemes and host == headers.get(b"host", b"").lower():
            return True
        self._reported.report(origin)
        return False

    def response_headers(self, headers: Mapping[bytes, bytes]) -> tuple[Header, ...]:
        """What lets an allowed page read the response."""
        origin = headers.get(b"origin")
        if origin is None:
            return ()
        if not self._is_allowed(origin):
            return ((b"vary", b"origin"),)
        return (
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", b"x-request-id, ratelimit, ratelimit-policy, retry-after"),
            (b"vary", b"origin"),
        )

    def preflight_headers(self, headers: Mapping[bytes, bytes]) -> tuple[Header, ...]:
        """The answer to OPTIONS: nothing but the methods for a page that isn't allowed."""
        allow = (b"allow", b"GET, POST, OPTIONS")
        origin = headers.get(b"origin")
        if origin is None or not self._is_allowed(origin):
            if origin is not None:
                self._reported.report(origin)
            return (allow, (b"vary", b"origin"))
        return (
            allow,
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", b"GET, POST"),
            (b"access-control-allow-headers", _ALLOWED_HEADERS),
            (b"access-control-max-age", b"7200"),
            (b"vary", b"origin"),
        )

    def require_same_site_get(self, headers: Mapping[bytes, bytes]) -> None:
        """Raises `BadRequest` for a GET that another site's page could have sent without a preflight."""
        if headers.get(b"sec-fetch-site", b"none") in (b"none", b"same-origin"):
            return
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind == b"application/json" or any(name in headers for name in _PREFLIGHT_HEADERS):
            return
        raise BadRequest(403, "FORBIDDEN", "A GET from another site needs the header X-Hive-Csrf.")

    def _is_allowed(self, origin: bytes) -> bool:
        return self._allow_all or origin.lower() in self._allowed


class RefusedOrigins:
    """Logs origins that were refused, so that a forgotten setting is found: each once a minute, and 100 in a minute at most."""

    def __init__(self) -> None:
        self._reported_at: dict[bytes, float] = {}

    def __len__(self) -> int:
        return len(self._reported_at)

    def report(self, origin: bytes) -> None:
        """An origin was refused."""
        origin = origin[:_MAX_REPORTED_CHARACTERS]
        now = time.monotonic()
        if origin in self._reported_at and now - self._reported_at[origin] < _REPORT_INTERVAL_SECONDS:
            return
        if len(self._reported_at) >= _MAX_REPORTED_ORIGINS:
            self._reported_at = {each: at for each, at in self._reported_at.items() if now - at < _REPORT_INTERVAL_SECONDS}
            if len(self._reported_at) >= _MAX_REPORTED_ORIGINS:
                return
        self._reported_at[origin] = now
        logger.warning(
            "Refused the origin %r: pages of other origins must be listed in HIVE_ALLOWED_ORIGINS.", origin.decode("latin-1")
        )
