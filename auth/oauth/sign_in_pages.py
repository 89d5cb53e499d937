"""The forms by which a person signs in, whatever page sent them there: a password, then perhaps a second factor; or a passkey."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from auth.oauth.browser_session import BrowserSessions, SignedInBrowser
from auth.oauth.pages import Pages
from auth.oauth.token_endpoint import device_of
from domain import sign_in
from domain.errors import DomainError, RateLimited, Unauthenticated, Unavailable
from domain.origin import origin_of
from domain.passkey import Assertion, Options, RelyingParty
from domain.session import SessionKind
from domain.sign_in import FactorRequired, SignedIn, SignIn, SignInResult
from persistence.engine.database import Database
from persistence.unit_of_work import Announcer, SqlUnitOfWork, run_in_unit_of_work


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
        self,
        database: Database,
        announcer: Announcer,
        service: SignIn,
        relying_party: RelyingParty,
        browsers: BrowserSessions,
        pages: Pages,
    ) -> None:
        self._database = database
        self._announcer = announcer
        self._service = service
        self._relying_party = relying_party
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
            case "passkey":
                return await self._submit_passkey(request, visit, form)
        return None

    def show_sign_in(self, request: Request, visit: Visit, *, email: str = "", error: DomainError | None = None) -> Response:
        """The form for address and password, that for a passkey, and the outside providers."""
        values = {"title": "Sign in", "providers": self._providers, "email": email[:254]}
        return self.show(request, visit, "sign_in.html", error=error, asks_passkey=True, **values)

    def show(
        self,
        request: Request,
        visit: Visit,
        name: str,
        *,
        error: DomainError | None = None,
        asks_passkey: bool = False,
        **values: Any,
    ) -> Response:
        """A page with a form for this visit; `error`: what was wrong with what was sent before; `asks_passkey`: it has a form for
        a passkey too."""
        form_secret = self.browsers.form_secret(request)
        if asks_passkey:
            values["passkey_options"] = self._passkey_options(form_secret)
        response = self._pages.render(
            name,
            status=_status_of(error),
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
            result = await self._service.with_password(
                email, form.get("password", ""), address=device.ip_address, user_agent=device.user_agent
            )
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
            credential = form.get("credential")
            factor = form.get("code", "") if credential is None else self._assertion(request, credential)
            signed_in = await self._service.with_factor(
                challenge, factor, address=device.ip_address, user_agent=device.user_agent
            )
            return await self._open(request, visit, signed_in)
        except (Unauthenticated, RateLimited) as error:
            return self._show_factor(request, visit, challenge, error=error)

    async def _submit_passkey(self, request: Request, visit: Visit, form: Mapping[str, str]) -> Response:
        device = device_of(request)
        try:
            assertion = self._assertion(request, form.get("credential", ""))
            signed_in = await self._service.with_passkey(assertion, address=device.ip_address, user_agent=device.user_agent)
            return await self._open(request, visit, signed_in)
        except (Unauthenticated, RateLimited) as error:
            return self.show_sign_in(request, visit, error=error)

    def _passkey_options(self, form_secret: str) -> Options | None:
        """Options for a passkey to sign in this browser; None where the server can have none."""
        if not self._relying_party.is_available:
            return None
        return self._relying_party.request_options(audience=_browser_audience(form_secret))

    def _assertion(self, request: Request, credential: str) -> Assertion:
        """What a script of ours has put into a form."""
        return Assertion(credential=read_credential(credential), audience=_browser_audience(self.browsers.form_secret(request)))

    def _show_factor(self, request: Request, visit: Visit, challenge: str, *, error: DomainError | None = None) -> Response:
        values = {"title": "Enter your code", "challenge": challenge}
        return self.show(request, visit, "factor.html", error=error, asks_passkey=True, **values)

    async def _open(self, request: Request, visit: Visit, signed_in: SignedIn) -> Response:
        """Remember who has signed in, and go on. Raises Unauthenticated."""

        async def run(uow: SqlUnitOfWork) -> str:
            return (await sign_in.open_session(uow, signed_in, device_of(request), kind=SessionKind.BROWSER))[1]

        origin = origin_of(None, device_of(request))
        token = await run_in_unit_of_work(self._database, self._announcer, run, origin=origin)
        response = RedirectResponse(visit.continue_to, 303, {"Cache-Control": "no-store"})
        self.browsers.remember(request, response, token)
        return response


def _status_of(error: DomainError | None) -> int:
    match error:
        case None:
            return 200
        case RateLimited():
            return 429
        case Unauthenticated():
            return 401
        case Unavailable():
            return 503
    return 400


def read_credential(text: str) -> object:
    """The JSON of a credential in a form; None for what is no JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _browser_audience(form_secret: str) -> str:
    return f"browser {form_secret}"
