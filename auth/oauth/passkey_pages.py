"""Answers `/oauth/passkeys`: people who have just signed in see, add and remove their passkeys, as mutations do."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from authlib.oauth2.rfc6749.errors import OAuth2Error
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from auth.oauth.browser_session import SignedInBrowser
from auth.oauth.pages import Pages
from auth.oauth.requests import read_form
from auth.oauth.sign_in_pages import SignInPages, Visit, read_credential
from domain import factor as factors
from domain.actor import Actor
from domain.errors import DomainError, NotFound, Unavailable
from domain.factor import Factor, FactorKind
from domain.passkey import Options, RelyingParty, creation_audience
from domain.session import RECENT
from persistence.engine.database import Database
from persistence.unit_of_work import Announcer, SqlUnitOfWork, run_in_unit_of_work

PASSKEYS_PATH: Final = "/oauth/passkeys"
_VISIT: Final = Visit(app_name="your passkeys", action=PASSKEYS_PATH, continue_to=PASSKEYS_PATH)


class PasskeyPages:
    """Answers people about their passkeys."""

    def __init__(
        self, database: Database, announcer: Announcer, relying_party: RelyingParty, pages: Pages, forms: SignInPages
    ) -> None:
        self._database = database
        self._announcer = announcer
        self._relying_party = relying_party
        self._pages = pages
        self._forms = forms

    def routes(self) -> list[BaseRoute]:
        return [Route(PASSKEYS_PATH, self.answer, methods=["GET", "POST"])]

    async def answer(self, request: Request) -> Response:
        """The next page."""
        if not self._relying_party.is_available:
            return self._pages.error("No passkeys here", "Passkeys need a server with a name.", status=404)
        try:
            form = dict(await read_form(request)) if request.method == "POST" else {}
            return await self._answer(request, form)
        except OAuth2Error as error:
            return self._pages.error("This form cannot be read", str(error.description))
        except Unavailable as error:
            return self._pages.error("Not now", error.message, status=503)

    async def _answer(self, request: Request, form: Mapping[str, str]) -> Response:
        if request.method == "POST":
            if (refused := self._forms.refuse_foreign(request, _VISIT, form)) is not None:
                return refused
            if (answer := await self._forms.submit(request, _VISIT, form)) is not None:
                return answer
        browser, passkeys = await self._find(request)
        if browser is None:
            return self._forms.show_sign_in(request, _VISIT)
        try:
            match form.get("step"):
                case "start":
                    return await self._start(request, browser, form.get("label", ""))
                case "confirm":
                    return await self._confirm(browser, _id_of(form), read_credential(form.get("credential", "")))
                case "remove":
                    return await self._remove(browser, passkeys, _id_of(form))
        except DomainError as error:
            return self._show(request, browser, passkeys, error=error)
        return self._show(request, browser, passkeys)

    async def _find(self, request: Request) -> tuple[SignedInBrowser | None, list[Factor]]:
        """Who has signed in a moment ago, and their passkeys."""

        async def look(uow: SqlUnitOfWork) -> tuple[SignedInBrowser | None, list[Factor]]:
            browser = await self._forms.browsers.find(uow, request)
            if browser is None or browser.session.authenticated_at + RECENT <= uow.now:
                return None, []
            found = await uow.factors.list_for_user(browser.user.id)
            return browser, [each for each in found if each.kind is FactorKind.PASSKEY and each.confirmed_at is not None]

        return await run_in_unit_of_work(self._database, self._announcer, look)

    async def _start(self, request: Request, browser: SignedInBrowser, label: str) -> Response:
        actor = _actor(browser)

        async def run(uow: SqlUnitOfWork) -> tuple[Factor, Options]:
            started, owner, existing = await factors.start_passkey(uow, actor, label)
            return started, self._relying_party.creation_options(owner, existing, audience=creation_audience(actor, started.id))

        started, options = await run_in_unit_of_work(self._database, self._announcer, run)
        values: dict[str, Any] = {
            "title": "Add a passkey",
            "label": started.label,
            "id": str(started.id),
            "passkey_options": options,
        }
        return self._forms.show(request, _VISIT, "passkey_create.html", **values)

    async def _confirm(self, browser: SignedInBrowser, factor_id: UUID, credential: object) -> Response:
        actor = _actor(browser)
        made = await self._relying_party.verify_creation(credential, audience=creation_audience(actor, factor_id))

        async def run(uow: SqlUnitOfWork) -> list[str] | None:
            return (await factors.confirm(uow, actor, factor_id, made))[1]

        codes = await run_in_unit_of_work(self._database, self._announcer, run)
        if codes is None:
            return _back()
        return self._pages.render("recovery_codes.html", title="Keep these codes", codes=codes, action=PASSKEYS_PATH)

    async def _remove(self, browser: SignedInBrowser, passkeys: list[Factor], factor_id: UUID) -> Response:
        if factor_id not in {each.id for each in passkeys}:
            raise NotFound(("input", "id"))

        async def run(uow: SqlUnitOfWork) -> None:
            await factors.remove(uow, _actor(browser), factor_id)

        await run_in_unit_of_work(self._database, self._announcer, run)
        return _back()

    def _show(
        self, request: Request, browser: SignedInBrowser, passkeys: list[Factor], *, error: DomainError | None = None
    ) -> Response:
        values: dict[str, Any] = {"title": "Your passkeys", "email": browser.user.email_address}
        return self._forms.show(request, _VISIT, "passkeys.html", error=error, passkeys=[*map(_shown, passkeys)], **values)


def _actor(browser: SignedInBrowser) -> Actor:
    return Actor(user_id=browser.user.id, session_id=browser.session.id)


def _id_of(form: Mapping[str, str]) -> UUID:
    try:
        return UUID(form.get("id", ""))
    except ValueError:
        raise NotFound(("input", "id")) from None


def _back() -> Response:
    return RedirectResponse(PASSKEYS_PATH, 303, {"Cache-Control": "no-store"})


def _shown(passkey: Factor) -> Mapping[str, str]:
    """A passkey as the page shows it."""
    used = "never used" if passkey.last_used_at is None else f"last used {_day(passkey.last_used_at)}"
    return {"id": str(passkey.id), "label": passkey.label or "Passkey", "added": _day(passkey.created_at), "used": used}


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"
