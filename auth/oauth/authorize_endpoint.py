"""Answers `/oauth/authorize`: a person signs in, consents, and returns to the app with a code.

Every step is a form for the same address, so that the request of the app is all the state there is, and a page can be loaded
again; a request that an app posts is sent to that address first. A request is judged by Authlib's grant before anything is shown;
what is wrong with client or redirect URI is shown here, anything else is told to the app.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749.errors import InvalidRequestError, OAuth2Error
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from auth.oauth.browser_session import BrowserSessions, SignedInBrowser
from auth.oauth.client_documents import ClientDocuments, InvalidDocument, is_document_url
from auth.oauth.grants import authorization_server
from auth.oauth.pages import Pages, destination, scope_texts
from auth.oauth.requests import Parameters, ParsedRequest, parse_parameters, read_form
from auth.oauth.server import Answer, LoadedRequest, RequestServer
from auth.oauth.sign_in_pages import SignInPages, Visit
from auth.oauth.token_endpoint import client_by_id, device_of
from auth.tokens import AccessTokens
from domain.errors import RateLimited, Unavailable
from domain.oauth_client import OAuthClient
from domain.oauth_grant import issue_code
from domain.session import FIRST_PARTY_PATHS
from domain.sign_in import SignIn
from persistence.engine.database import Database
from persistence.unit_of_work import Announcer, SqlUnitOfWork, run_in_unit_of_work

AUTHORIZE_PATH: Final = "/oauth/authorize"
_MAX_QUERY_BYTES: Final = 8 * 1024
_SIGN_IN_AGAIN: Final = frozenset({"login", "select_account"})


class _Refused(Exception):
    """The request is answered with this."""

    def __init__(self, response: Response) -> None:
        self.response = response


class _Authorization:
    """One request for authorization that is valid, whoever will answer it."""

    def __init__(self, parsed: ParsedRequest, loaded: LoadedRequest, server: RequestServer, grant: Any) -> None:
        self.parsed = parsed
        self.loaded = loaded
        self.server = server
        self.grant = grant
        self.redirect_uri: str = grant.redirect_uri
        self.scopes: tuple[str, ...] = tuple(parsed.scope.split())
        self.prompts = frozenset(parsed.payload.data.get("prompt", "").split())
        self.id_token_hint: str | None = parsed.payload.data.get("id_token_hint")
        assert loaded.client is not None
        self.client: OAuthClient = loaded.client

    def needs_sign_in(self, browser: SignedInBrowser | None) -> bool:
        """Whether the person has to show who they are, for the first time or again."""
        if browser is None or self.prompts & _SIGN_IN_AGAIN:
            return True
        if self.id_token_hint is not None and browser.user.id != self._hinted_user():
            return True
        max_age = self.parsed.payload.data.get("max_age", "")
        if not max_age.isdecimal() or len(max_age) > 9:
            return False
        return browser.session.authenticated_at + timedelta(seconds=int(max_age)) < self.loaded.now

    def _hinted_user(self) -> UUID | None:
        """Whom the app expects, by an ID token that it was given before; None for one that is not this server's for this app."""
        return self.loaded.tokens.subject_of(self.id_token_hint or "", self.client.client_id)

    def needs_consent(self, granted: set[str]) -> bool:
        """Whether the person has to consent. An app that anybody can pretend to be always asks (RFC 8252, section 8.6)."""
        if self.client.id in FIRST_PARTY_PATHS and "consent" not in self.prompts:
            return False  # nothing else can be one of the server's own pages
        impersonable = self.client.is_public and not self.redirect_uri.startswith("https://")
        return impersonable or "consent" in self.prompts or not granted.issuperset(self.scopes)


class AuthorizeEndpoint:
    """Answers requests for authorization."""

    def __init__(
        self,
        database: Database,
        announcer: Announcer,
        tokens: AccessTokens,
        browsers: BrowserSessions,
        pages: Pages,
        forms: SignInPages,
        service: SignIn,
        documents: ClientDocuments,
        *,
        issuer: str,
    ) -> None:
        self._database = database
        self._announcer = announcer
        self._tokens = tokens
        self._browsers = browsers
        self._issuer = issuer
        self._pages = pages
        self._forms = forms
        self._service = service
        self._documents = documents

    def routes(self) -> list[BaseRoute]:
        return [Route(AUTHORIZE_PATH, self.answer, methods=["GET", "POST"])]

    async def answer(self, request: Request) -> Response:
        """A page, or the way back to the app."""
        try:
            if request.method == "POST" and not request.scope["query_string"]:
                return await self._redirect_posted(request)
            asked = await self._validate(request)
            if request.method == "POST":
                return await self._submit(request, asked)
            return await self._show(request, asked)
        except _Refused as refused:
            return refused.response
        except Unavailable as error:
            return self._pages.error("Not now", error.message, status=503)

    async def _redirect_posted(self, request: Request) -> Response:
        """To the address that stands for a request which an app has posted (OpenID Connect Core, section 3.1.2.1)."""
        try:
            form = await read_form(request)
        except OAuth2Error as error:
            return self._pages.error("This request cannot be read", str(error.description))
        if not form:
            return self._pages.error("This request cannot be read", "It is empty.")
        return RedirectResponse(f"{AUTHORIZE_PATH}?{urlencode(form)}", 303, {"Cache-Control": "no-store"})

    async def _validate(self, request: Request) -> _Authorization:
        """The request, judged by its grant. Raises _Refused."""
        query: bytes = request.scope["query_string"]
        try:
            if len(query) > _MAX_QUERY_BYTES:
                raise InvalidRequestError("The request is too long.")
            parsed = ParsedRequest("GET", self._issuer + AUTHORIZE_PATH, parse_parameters(query), {})
        except OAuth2Error as error:
            raise _Refused(self._pages.error("This request cannot be read", str(error.description))) from error
        loaded = LoadedRequest(
            now=datetime.now(UTC),
            tokens=self._tokens,
            device=device_of(request),
            client=await self._find_client(request, parsed.payload.client_id or ""),
        )
        server = authorization_server(loaded)
        try:
            grant = server.get_consent_grant(parsed)
        except OAuth2Error as error:
            raise _Refused(self._to_response(error, parsed)) from error
        except ValueError as error:  # Authlib words an error with characters that errors may not have
            raise _Refused(
                self._to_response(InvalidRequestError("A parameter holds characters that it cannot."), parsed)
            ) from error
        asked = _Authorization(parsed, loaded, server, grant)
        if "none" in asked.prompts and len(asked.prompts) > 1:
            raise _Refused(self._return(asked, "invalid_request", "The prompt none stands alone."))
        return asked

    async def _find_client(self, request: Request, client_id: str) -> OAuthClient | None:
        """The client that is registered, or that its document describes; None when there is none. Raises _Refused."""
        if not is_document_url(client_id):
            return await client_by_id(self._database, client_id, issuer=self._issuer)
        try:
            if self._documents.held(client_id) is None:
                await self._service.count_token(device_of(request).ip_address)
            return await self._documents.read(client_id)
        except InvalidDocument as error:
            raise _Refused(self._pages.error("This app cannot sign you in", str(error))) from error
        except RateLimited as error:
            raise _Refused(self._pages.error("Not now", error.message, status=429)) from error

    async def _show(self, request: Request, asked: _Authorization) -> Response:
        """The next page; or the code, where nothing is left to ask."""

        async def look(uow: SqlUnitOfWork) -> tuple[SignedInBrowser | None, set[str], str]:
            browser = await self._browsers.find(uow, request)
            team = None if asked.client.team_id is None else await uow.teams.get(asked.client.team_id)
            granted = set() if browser is None else set(await uow.oauth_grants.consented_scopes(browser.user.id, asked.client.id))
            return browser, granted, "" if team is None else team.name

        browser, granted, team_name = await run_in_unit_of_work(self._database, self._announcer, look)
        if asked.needs_sign_in(browser):
            if "none" in asked.prompts:
                return self._return(asked, "login_required", "The person is not signed in.")
            hint = asked.parsed.payload.data.get("login_hint", "")
            return self._forms.show_sign_in(request, _visit(request, asked), email=hint)
        assert browser is not None
        if asked.needs_consent(granted):
            if "none" in asked.prompts:
                return self._return(asked, "consent_required", "The person has not consented.")
            return self._show_consent(request, asked, browser, team_name)
        return await self._grant(asked, browser)

    async def _submit(self, request: Request, asked: _Authorization) -> Response:
        """What a form of ours asks for."""
        try:
            form = dict(await read_form(request))
        except OAuth2Error as error:
            return self._pages.error("This form cannot be read", str(error.description))
        visit = _visit(request, asked)
        if (refused := self._forms.refuse_foreign(request, visit, form)) is not None:
            return refused
        if (answer := await self._forms.submit(request, visit, form)) is not None:
            return answer
        if form.get("step") == "consent":
            return await self._submit_consent(request, asked, allowed=form.get("decision") == "allow")
        return self._pages.error("This form cannot be read", "It is none of this page.")

    async def _submit_consent(self, request: Request, asked: _Authorization, *, allowed: bool) -> Response:
        if not allowed:
            return self._return(asked, "access_denied", "The person denied the request.")
        browser = await self._forms.find(request)
        if browser is None or asked.needs_sign_in(browser):
            return RedirectResponse(_visit(request, asked).action, 303, {"Cache-Control": "no-store"})
        return await self._grant(asked, browser)

    async def _grant(self, asked: _Authorization, browser: SignedInBrowser) -> Response:
        """The way back to the app, with a code."""

        async def run(uow: SqlUnitOfWork) -> Answer:
            answer: Answer = asked.server.create_authorization_response(asked.parsed, grant_user=browser.user, grant=asked.grant)
            data = asked.parsed.payload.data
            if asked.loaded.new_code is not None:
                if asked.client.document_url is not None:
                    await uow.oauth_clients.put_described(asked.client)
                await issue_code(
                    uow,
                    browser.user,
                    asked.client,
                    code=asked.loaded.new_code,
                    redirect_uri=asked.redirect_uri,
                    scopes=asked.loaded.new_code_scopes,
                    code_challenge=data["code_challenge"],
                    nonce=data.get("nonce"),
                    resource=asked.loaded.audience(asked.parsed),
                    authenticated_at=browser.session.authenticated_at,
                )
            return answer

        answer = await run_in_unit_of_work(self._database, self._announcer, run)
        assert answer.location is not None
        return self._redirect(answer.location)

    # pages and ways back

    def _show_consent(self, request: Request, asked: _Authorization, browser: SignedInBrowser, team_name: str) -> Response:
        switch = [*_parameters(asked.parsed, leaving_out=("prompt",)), ("prompt", "select_account")]
        return self._forms.show(
            request,
            _visit(request, asked),
            "consent.html",
            title=f"Allow {asked.client.name}?",
            team_name=team_name,
            host="" if asked.client.document_url is None else destination(asked.client.document_url),
            user_name=browser.user.display_name,
            email=browser.user.email_address,
            scopes=scope_texts(asked.scopes),
            switch_address=f"{AUTHORIZE_PATH}?{urlencode(switch)}",
            destination=f"You return to {destination(asked.redirect_uri)}.",
        )

    def _return(self, asked: _Authorization, error: str, description: str) -> Response:
        """Back to the app with an error."""
        problem = OAuth2Error(description, error=error, redirect_uri=asked.redirect_uri, state=asked.parsed.payload.state)
        return self._to_response(problem, asked.parsed)

    def _to_response(self, error: OAuth2Error, parsed: ParsedRequest) -> Response:
        """Back to the app with an error, where client and redirect URI are known; else a page."""
        if not error.redirect_uri:
            return self._pages.error("This app cannot sign you in", str(error.get_error_description() or error.error))
        error.state = parsed.payload.state
        _, _, headers = error()
        return self._redirect(dict(headers)["Location"])

    def _redirect(self, location: str) -> Response:
        """To the app; `iss` says which server answered (RFC 9207)."""
        address = add_params_to_uri(location, [("iss", self._issuer)])
        return RedirectResponse(address, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


def _visit(request: Request, asked: _Authorization) -> Visit:
    """What the person came for; forms are bound to the request as the browser sent it."""
    query: bytes = request.scope["query_string"]
    return Visit(
        app_name=asked.client.name,
        action=f"{AUTHORIZE_PATH}?{query.decode('ascii')}",
        continue_to=_without_prompt(asked.parsed),
        returns_to=asked.redirect_uri,
    )


def _parameters(parsed: ParsedRequest, *, leaving_out: tuple[str, ...]) -> Parameters:
    listed = parsed.payload.datalist.items()
    return [(name, value) for name, values in listed for value in values if name not in leaving_out]


def _without_prompt(parsed: ParsedRequest) -> str:
    """The address of the request, once the person has signed in: it asks for that no more, nor how long ago it was, nor who."""
    prompts = [each for each in parsed.payload.data.get("prompt", "").split() if each not in _SIGN_IN_AGAIN]
    kept = [
        *_parameters(parsed, leaving_out=("prompt", "max_age", "id_token_hint")),
        *([("prompt", " ".join(prompts))] if prompts else []),
    ]
    return f"{AUTHORIZE_PATH}?{urlencode(kept)}"
