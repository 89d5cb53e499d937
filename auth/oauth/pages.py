"""Renders the pages on which people sign in and consent: plain HTML that works without JavaScript, and loads only its own CSS.

Passkeys alone need a script, which pages load that offer them.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from auth.tokens import OPENID_SCOPES
from domain.actor import Scope

_TEMPLATES: Final = Path(__file__).parent / "templates"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",  # with less, browsers send no Origin with a form
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
SCOPE_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "profile": "see your name, language and time zone",
        "email": "see your e-mail address",
        Scope.PROFILE_READ: "see your profile and your sessions",
        Scope.PROFILE_WRITE: "change your profile and your account",
        Scope.TEAMS_READ: "see your teams, their members and labels",
        Scope.TEAMS_WRITE: "change your teams, their members and labels",
        Scope.PROJECTS_READ: "see your projects",
        Scope.PROJECTS_WRITE: "change your projects",
        Scope.TASKS_READ: "see tasks, comments and files",
        Scope.TASKS_WRITE: "change tasks, comments and files",
        Scope.DOCUMENTS_READ: "see documents",
        Scope.DOCUMENTS_WRITE: "change documents",
        Scope.NOTIFICATIONS_READ: "see your notifications, and how and where you want them",
        Scope.NOTIFICATIONS_WRITE: "mark your notifications as read",
        Scope.SEARCH: "search",
        Scope.WEBHOOKS_MANAGE: "manage webhooks of your teams",
        Scope.AUDIT_READ: "see the audit log of your teams",
        Scope.ADMIN: "manage API tokens and apps in your name",
    }
)


class Pages:
    """The pages."""

    def __init__(self) -> None:
        self._templates = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)

    def routes(self) -> list[BaseRoute]:
        """The CSS of the pages, and the script of passkeys."""
        return [_file_route("style.css", "text/css"), _file_route("passkey.js", "text/javascript")]

    def render(
        self,
        name: str,
        *,
        status: int = 200,
        returns_to: str | None = None,
        headers: Mapping[str, str] | None = None,
        passkey_options: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> Response:
        """A page. `returns_to`: the address to which a form of the page may lead in the end; `passkey_options`: of WebAuthn, with
        which the page asks for a passkey."""
        options = None if passkey_options is None else orjson.dumps(passkey_options).decode()
        page = self._templates.get_template(name).render(values | {"passkey_options": options})
        policy = {"Content-Security-Policy": _content_security_policy(returns_to, has_script=options is not None)}
        return HTMLResponse(page, status, {**_HEADERS, **policy, **(headers or {})})

    def error(self, title: str, text: str, *, status: int = 400) -> Response:
        """A page for whoever cannot be sent back to an app."""
        return self.render("error.html", status=status, title=title, text=text)


def scope_texts(scopes: Iterable[str]) -> list[str]:
    """What scopes allow, in words; `openid` alone allows nothing that the page does not say."""
    return [SCOPE_TEXTS[each] for each in scopes if each != OPENID_SCOPES[0]]


def destination(redirect_uri: str) -> str:
    """Where a redirect URI leads, as people read it."""
    parts = urlsplit(redirect_uri)
    return parts.hostname or f"the app {parts.scheme}"


def _file_route(name: str, media_type: str) -> Route:
    content = (_TEMPLATES / name).read_bytes()
    headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}

    async def answer(request: Request) -> Response:
        return Response(content, headers=headers, media_type=media_type)

    return Route(f"/oauth/{name}", answer, methods=["GET"])


def _content_security_policy(returns_to: str | None, *, has_script: bool) -> str:
    """The policy of a page. Browsers hold the redirects that follow a form to `form-action`."""
    targets = "'self'"
    if returns_to is not None:
        parts = urlsplit(returns_to)
        targets += f" {parts.scheme}://{parts.netloc}" if parts.netloc else f" {parts.scheme}:"
    script = " script-src 'self';" if has_script else ""
    return f"default-src 'none';{script} style-src 'self'; form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
