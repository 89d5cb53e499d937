"""Answers `/oauth/device`: a person enters the code that a program shows, signs in, and allows it or not (RFC 8628)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from authlib.oauth2.rfc6749.errors import OAuth2Error
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from auth.oauth.browser_session import SignedInBrowser
from auth.oauth.pages import Pages, scope_texts
from auth.oauth.requests import parse_parameters, read_form
from auth.oauth.sign_in_pages import SignInPages, Visit
from auth.oauth.token_endpoint import DEVICE_PATH, device_of
from domain.device_code import DeviceCode, decided, entered, is_open, shown
from domain.errors import RateLimited, Unavailable
from domain.oauth_client import OAuthClient
from domain.sign_in import SignIn
from persistence.engine.database import Database
from persistence.stores import oauth_client
from persistence.unit_of_work import Announcer, SqlUnitOfWork, run_in_unit_of_work

_UNKNOWN: Final = "There is no such code, or its ten minutes are over. Look again at what your program shows."


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a program asks for by its code."""

    code: DeviceCode
    client: OAuthClient
    team_name: str


class DeviceEndpoint:
    """Answers people who were sent here by a program."""

    def __init__(self, database: Database, announcer: Announcer, service: SignIn, pages: Pages, forms: SignInPages) -> None:
        self._database = database
        self._announcer = announcer
        self._service = service
        self._pages = pages
        self._forms = forms

    def routes(self) -> list[BaseRoute]:
        return [Route(DEVICE_PATH, self.answer, methods=["GET", "POST"])]

    async def answer(self, request: Request) -> Response:
        """The next page."""
        try:
            query = dict(parse_parameters(request.scope["query_string"][:1000]))
            form = dict(await read_form(request)) if request.method == "POST" else {}
            return await self._answer(request, entered(query.get("user_code", "")), form)
        except OAuth2Error as error:
            return self._pages.error("This request cannot be read", str(error.description))
        except Unavailable as error:
            return self._pages.error("Not now", error.message, status=503)

    async def _answer(self, request: Request, user_code: str, form: dict[str, str]) -> Response:
        visit = _visit(user_code, "a program of yours")
        if form and (refused := self._forms.refuse_foreign(request, visit, form)) is not None:
            return refused
        if form.get("step") == "code":
            return RedirectResponse(_address(entered(form.get("user_code", ""))), 303, {"Cache-Control": "no-store"})
        if not user_code:
            return self._show_form(request, visit)
        if form and (answer := await self._forms.submit(request, visit, form)) is not None:
            return answer
        browser = await self._forms.find(request)
        if browser is None:
            return self._forms.show_sign_in(request, visit)
        try:
            # Only those who are signed in learn whether a code is one, and may not try many.
            await self._service.count_token(device_of(request).ip_address)
        except RateLimited as error:
            return self._show_form(request, visit, error=error)
        if form.get("step") == "consent":
            return await self._decide(user_code, browser, approved=form.get("decision") == "allow")
        asked = await self._find(user_code)
        if asked is None:
            return self._pages.error("This code is none", _UNKNOWN, status=404)
        return self._forms.show(
            request,
            _visit(user_code, asked.client.name),
            "consent.html",
            title=f"Allow {asked.client.name}?",
            team_name=asked.team_name,
            host="",
            user_name=browser.user.display_name,
            email=browser.user.email_address,
            scopes=scope_texts(asked.code.scopes),
            switch_address=None,
            destination=f"Your program shows the code {shown(user_code)}; allow no other.",
        )

    async def _find(self, user_code: str) -> _Asked | None:
        async def look(uow: SqlUnitOfWork) -> _Asked | None:
            code = await uow.device_codes.lock_by_user_code(user_code)
            if code is None or not is_open(code, uow.now):
                return None
            client = await oauth_client.get(self._database, code.client_id)
            team = None if client is None or client.team_id is None else await uow.teams.get(client.team_id)
            return None if client is None or team is None else _Asked(code, client, team.name)

        return await run_in_unit_of_work(self._database, self._announcer, look)

    async def _decide(self, user_code: str, browser: SignedInBrowser, *, approved: bool) -> Response:
        async def run(uow: SqlUnitOfWork) -> bool:
            code = await uow.device_codes.lock_by_user_code(user_code)
            if code is None or not is_open(code, datetime.now(UTC)):
                return False
            signed_in_at = browser.session.authenticated_at
            await uow.device_codes.save(decided(code, browser.user, approved=approved, authenticated_at=signed_in_at))
            return True

        if not await run_in_unit_of_work(self._database, self._announcer, run):
            return self._pages.error("This code is none", _UNKNOWN, status=404)
        text = "Go back to your program: it is signed in." if approved else "The program was not signed in."
        return self._pages.render("done.html", title="Thank you" if approved else "Denied", text=text)

    def _show_form(self, request: Request, visit: Visit, *, error: RateLimited | None = None) -> Response:
        return self._forms.show(request, visit, "device.html", title="Enter the code", error=error)


def _address(user_code: str) -> str:
    return f"{DEVICE_PATH}?{urlencode({'user_code': user_code})}" if user_code else DEVICE_PATH


def _visit(user_code: str, app_name: str) -> Visit:
    return Visit(app_name=app_name, action=_address(user_code), continue_to=_address(user_code))
