"""The forms by which a person signs in, whatever page sent them there: a password, then perhaps the code of a second factor."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from auth.oauth.browser_session import BrowserSessions, SignedInBrowser
from auth.oauth.pages import Pages
from auth.oauth.token_endpoint import device_of
from domain import sign_in
from domain.errors import DomainError, RateLimited, Unauthenticated, Unavailable
from domain.session import SessionKind
from domain.sign_in import FactorRequired, SignedIn, SignIn, SignInResult
from persistence.engine.database import Database
from persistence.unit_of_work import Announcer, SqlUnitOfWork, run_in_unit_of_work

_STATUSES: Final[Mapping[type[DomainError], int]] = MappingProxyType({RateLimited: 429, Unavailable: 503})


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a person came for. `action` is the address of the forms, with its query; `continue_to` is where they go once they have
    signed in; `returns_to` the address of an app that a form may lead to in the end."""

    app_name: str
    action: str
    continue_to: str
    returns_to: str | None = None


StartProvider = Callable[[Request, Visit, str], Awaitable[Response]]
"""Sends somebody to the outside provider of an id."""


class SignInPages:
    """Shows the forms, and judges what was sent by them."""

    def __init__(
        self, database: Database, announcer: Announcer, service: SignIn, browsers: BrowserSessions, pages: Pages
    ) -> None:
        self._database = database
        self._announcer = announcer
        self._service = service
        self.browsers = browsers
        self._pages = pages
        self._providers: Mapping[str, str] = {}
        self._start_provider: StartProvider | None = None

    def offer_providers(self, names: Mapping[str, str], start: StartProvider) -> None:
        """Offer outside providers, by their ids, beside the password."""
        self._providers, self._start_provider = names, start

    async def find(self, request: Request) -> SignedInBrowser | None:
        """Who is signed in; None for nobody."""

        async def look(uow: SqlUnitOfWork) -> SignedInBrowser | None:
            return await self.browsers.find(uow, request)

        return await run_in_unit_of_work(self._database, self._announcer, look)

    def refuse_foreign(self, request: Request, visit: Visit, form: Mapping[str, str]) -> Response | None:
        """A refusal of a form that no page of ours, for this visit, in this browser, has sent; None for our own."""
        if self.browsers.is_own_form(request, form.get("csrf", ""), visit.action):
            return None
        return self._pages.error("This page is too old", "The form was not sent from a page of this browser.", status=403)

    async def submit(self, request: Request, visit: Visit, form: Mapping[str, str]) -> Response | None:
        """What follows a form for signing in; None for any other form."""
        if (provider_id := form.get("provider")) and self._start_provider is not None:
            return await self._start_provider(request, visit, provider_id)
        match form.get("step"):
            case "sign_in":
                return await self._submit_password(request, visit, form)
            case "factor":
                return await self._submit_factor(request, visit, form)
        return None

    def show_sign_in(self, request: Request, visit: Visit, *, email: str = "", error: DomainError | None = None) -> Response:
        """The form for address and password."""
        return self.show(
            request, visit, "sign_in.html", title="Sign in", error=error, providers=self._providers, email=email[:254]
        )

    def show(self, request: Request, visit: Visit, name: str, *, error: DomainError | None = None, **values: Any) -> Response:
        """A page with a form for this visit; `error`: what was wrong with what was sent before."""
        form_secret = self.browsers.form_secret(request)
        response = self._pages.render(
            name,
            status=200 if error is None else _STATUSES.get(type(error), 401),
            headers={"Retry-After": str(error.retry_after_seconds)} if isinstance(error, RateLimited) else None,
            returns_to=visit.returns_to,
            error=None if error is None else error.message,
            app_name=visit.app_name,
            action=visit.action,
            csrf=self.browsers.form_token(form_secret, visit.action),
            **values,
        )
        self.browsers.set_form_secret(request, response, form_secret)
        return response

    async def _submit_password(self, request: Request, visit: Visit, form: Mapping[str, str]) -> Response:
        email = form.get("email", "")
        device = device_of(request)
        try:
            result = await self._service.with_password(email, form.get("password", ""), address=device.ip_address)
            return await self.go_on(request, visit, result)
        except (Unauthenticated, RateLimited) as error:
            return self.show_sign_in(request, visit, email=email, error=error)

    async def go_on(self, request: Request, visit: Visit, result: SignInResult) -> Response:
        """What follows when somebody has shown who they are: the form for a second factor, or the way on. Raises
        Unauthenticated."""
        if isinstance(result, FactorRequired):
            return self._show_factor(request, visit, result.challenge)
        return await self._open(request, visit, result)

    async def _submit_factor(self, request: Request, visit: Visit, form: Mapping[str, str]) -> Response:
        challenge = form.get("challenge", "")
        device = device_of(request)
        try:
            signed_in = await self._service.with_code(challenge, form.get("code", ""), address=device.ip_address)
            return await self._open(request, visit, signed_in)
        except (Unauthenticated, RateLimited) as error:
            return self._show_factor(request, visit, challenge, error=error)

    def _show_factor(self, request: Request, visit: Visit, challenge: str, *, error: DomainError | None = None) -> Response:
        return self.show(request, visit, "factor.html", title="Enter your code", error=error, challenge=challenge)

    async def _open(self, request: Request, visit: Visit, signed_in: SignedIn) -> Response:
        """Remember who has signed in, and go on. Raises Unauthenticated."""

        async def run(uow: SqlUnitOfWork) -> str:
            return (await sign_in.open_session(uow, signed_in, device_of(request), kind=SessionKind.BROWSER))[1]

        token = await run_in_unit_of_work(self._database, self._announcer, run)
        response = RedirectResponse(visit.continue_to, 303, {"Cache-Control": "no-store"})
        self.browsers.remember(request, response, token)
        return response
