"""Remembers in a cookie who signed in on the pages, and protects their forms from other sites (CSRF).

The cookie names a session of the kind BROWSER and holds its secret; it gets no tokens and ends after twelve hours, or with the
session. A form carries an HMAC over a random value of another cookie and over the request that the form is for: no other site
knows either, and a form of one request cannot be sent for another.
"""

import hmac
import secrets
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from auth.providers.flow import LIFETIME_SECONDS
from auth.server_secret import ServerSecret
from domain.session import BROWSER_LIFETIME, Session, SessionKind, is_current, parse_token
from domain.user import User, UserStatus
from persistence.unit_of_work import SqlUnitOfWork


@dataclass(frozen=True, slots=True)
class SignedInBrowser:
    """Who is signed in on the pages."""

    session: Session
    user: User


class BrowserSessions:
    """The cookies of the pages. Over https they are bound to this host, and never sent in clear."""

    def __init__(self, secret: ServerSecret, origin: str) -> None:
        self._key = secret.derive("forms of the authorization server")
        self.origin = origin
        self._secure = origin.startswith("https://")
        prefix: Final = "__Host-" if self._secure else ""
        self._session_cookie = f"{prefix}hive_sign_in"
        self._form_cookie = f"{prefix}hive_form"
        self._flow_cookie = f"{prefix}hive_provider"

    async def find(self, uow: SqlUnitOfWork, request: Request) -> SignedInBrowser | None:
        """Who is signed in; None for nobody."""
        parsed = parse_token(request.cookies.get(self._session_cookie, ""))
        held = None if parsed is None else await uow.sessions.lock(parsed[0])
        if parsed is None or held is None:
            return None
        session, user = held
        is_open = session.revoked_at is None and session.expires_at > uow.now and user.status is UserStatus.ACTIVE
        if session.kind is not SessionKind.BROWSER or not is_open or not is_current(session, parsed[1]):
            return None
        return SignedInBrowser(session, user)

    def remember(self, request: Request, response: Response, token: str) -> None:
        """Set the cookie of a session."""
        lifetime_seconds = int(BROWSER_LIFETIME.total_seconds())
        self._set(request, response, self._session_cookie, token, lifetime_seconds)

    def form_secret(self, request: Request) -> str:
        """The random value of the browser; a new one where it has none."""
        known = request.cookies.get(self._form_cookie, "")
        return known if 20 <= len(known) <= 100 else secrets.token_urlsafe(24)

    def form_token(self, form_secret: str, about: str) -> str:
        """What a form carries that is for this request, in this browser."""
        return hmac.new(self._key, f"{form_secret}\n{about}".encode(), "sha256").hexdigest()

    def set_form_secret(self, request: Request, response: Response, form_secret: str) -> None:
        """Set the cookie with the random value."""
        self._set(request, response, self._form_cookie, form_secret, None)

    def flow(self, request: Request) -> str:
        """The sealed flow of somebody who went to an outside provider; empty where there is none."""
        return request.cookies.get(self._flow_cookie, "")

    def set_flow(self, request: Request, response: Response, sealed: str | None) -> None:
        """Set the cookie with a flow, or delete it."""
        self._set(request, response, self._flow_cookie, sealed or "", 0 if sealed is None else LIFETIME_SECONDS)

    def is_own_form(self, request: Request, given: str, about: str) -> bool:
        """Whether a form came from a page of ours, for this request, in this browser."""
        origin = request.headers.get("origin", self.origin)
        page = urlsplit(origin)
        is_downgrade = page.scheme == "http" and request.url.scheme == "https"
        if origin != self.origin and (page.netloc != request.headers.get("host") or is_downgrade):
            return False
        known = request.cookies.get(self._form_cookie, "")
        return bool(known) and secrets.compare_digest(given.encode(), self.form_token(known, about).encode())

    def _set(self, request: Request, response: Response, name: str, value: str, max_age: int | None) -> None:
        secure = self._secure or request.url.scheme == "https"
        response.set_cookie(name, value, max_age=max_age, path="/", secure=secure, httponly=True, samesite="lax")
