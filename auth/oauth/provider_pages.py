"""Sends people to outside OpenID providers, and signs in whoever comes back."""

import logging
from collections.abc import Sequence
from typing import Final

from authlib.oauth2.rfc6749.errors import OAuth2Error
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from auth.oauth.pages import Pages
from auth.oauth.requests import parse_parameters
from auth.oauth.sign_in_pages import SignInPages, Visit
from auth.oauth.token_endpoint import device_of
from auth.providers.flow import SignInFlow, SignInFlows
from auth.providers.port import PROVIDERS_PATH, Provider, ProviderRefused, ProviderUnavailable
from domain.errors import DomainError, RateLimited, Unauthenticated, Unavailable
from domain.external_identity import ProvidedIdentity, find_or_link
from domain.registration import RegistrationMode
from domain.sign_in import SignIn
from domain.user import User
from persistence.engine.database import Database
from persistence.unit_of_work import Announcer, SqlUnitOfWork, run_in_unit_of_work

_MAX_QUERY_BYTES: Final = 16 * 1024
logger = logging.getLogger(__name__)


class ProviderPages:
    """The way to each provider and back."""

    def __init__(
        self,
        database: Database,
        announcer: Announcer,
        service: SignIn,
        flows: SignInFlows,
        pages: Pages,
        forms: SignInPages,
        *,
        providers: Sequence[Provider],
        registration: RegistrationMode,
    ) -> None:
        self._database = database
        self._announcer = announcer
        self._service = service
        self._flows = flows
        self._pages = pages
        self._forms = forms
        self._providers = {each.settings.id: each for each in providers}
        self._registration: RegistrationMode = registration
        forms.offer_providers({each.settings.id: each.settings.name for each in providers}, self._start)

    def routes(self) -> list[BaseRoute]:
        return [Route(f"{PROVIDERS_PATH}/{{provider_id}}/callback", self.answer, methods=["GET"])]

    async def answer(self, request: Request) -> Response:
        """Somebody comes back."""
        try:
            query = dict(parse_parameters(request.scope["query_string"][:_MAX_QUERY_BYTES]))
        except OAuth2Error as error:
            return self._pages.error("This answer cannot be read", str(error.description))
        flow = self._flows.unseal(self._forms.browsers.flow(request), state=query.get("state", ""))
        provider = self._providers.get(request.path_params["provider_id"])
        if flow is None or provider is None or flow.provider_id != provider.settings.id:
            return self._pages.error(
                "This sign-in is too old", "It was not begun in this browser within ten minutes.", status=400
            )
        visit = _visit(flow)
        try:
            response = await self._sign_in(request, visit, provider, flow, query)
        except (Unauthenticated, RateLimited, Unavailable) as error:
            response = self._forms.show_sign_in(request, visit, error=error)
        self._forms.browsers.set_flow(request, response, None)
        return response

    async def _start(self, request: Request, visit: Visit, provider_id: str) -> Response:
        """To a provider."""
        provider = self._providers.get(provider_id)
        if provider is None:
            return self._pages.error("This form cannot be read", "There is no such provider.")
        flow = self._flows.begin(
            provider_id,
            app_name=visit.app_name,
            action=visit.action,
            continue_to=visit.continue_to,
            returns_to=visit.returns_to,
        )
        sealed = self._flows.seal(flow)
        if sealed is None:
            return self._pages.error("This request is too long", "Sign in with your password instead.")
        try:
            address = await provider.authorization_url(state=flow.state, nonce=flow.nonce, code_verifier=flow.code_verifier)
        except ProviderUnavailable as error:
            return self._forms.show_sign_in(request, visit, error=_unavailable(provider, error))
        # No redirect: browsers hold those that follow a form to the page's `form-action`, and providers send people on.
        response = self._pages.render(
            "leave.html",
            title=f"Going to {provider.settings.name}",
            address=address,
            headers={"Referrer-Policy": "no-referrer"},
        )
        self._forms.browsers.set_flow(request, response, sealed)
        return response

    async def _sign_in(
        self, request: Request, visit: Visit, provider: Provider, flow: SignInFlow, query: dict[str, str]
    ) -> Response:
        """The next page for whoever a provider has signed in. Raises Unauthenticated, RateLimited and Unavailable."""
        address = device_of(request).ip_address
        await self._service.count_token(address)
        try:
            if "error" in query:
                provider.check_issuer(query.get("iss"))
                raise ProviderRefused(query["error"][:100])
            given = await provider.identify(
                code=query.get("code", ""), issuer=query.get("iss"), nonce=flow.nonce, code_verifier=flow.code_verifier
            )
        except ProviderRefused as error:
            logger.warning("%s has signed nobody in: %s", provider.settings.name, error)
            raise Unauthenticated(f"{provider.settings.name} did not sign you in. Try again, or sign in another way.") from error
        except ProviderUnavailable as error:
            raise _unavailable(provider, error) from error
        user = await self._find_user(given, address)
        return await self._forms.go_on(request, visit, await self._service.with_identity(user.id))

    async def _find_user(self, given: ProvidedIdentity, address: str | None) -> User:
        async def run(uow: SqlUnitOfWork) -> User:
            user = await find_or_link(uow, given, self._registration)
            if user.created_at == uow.now:
                await self._service.count_registration(address)
            return user

        return await run_in_unit_of_work(self._database, self._announcer, run)


def _visit(flow: SignInFlow) -> Visit:
    return Visit(app_name=flow.app_name, action=flow.action, continue_to=flow.continue_to, returns_to=flow.returns_to)


def _unavailable(provider: Provider, error: ProviderUnavailable) -> DomainError:
    logger.warning("%s cannot sign people in: %s", provider.settings.name, error)
    return Unavailable(f"{provider.settings.name} does not answer now. Try again later, or sign in another way.")
