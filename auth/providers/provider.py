"""Speaks to an outside OpenID provider: discovery, the way there with PKCE, and who comes back (OpenID Connect Core 1.0).

By Authlib's client. What a provider says of itself and its keys are held for an hour; a key that is not known is looked for
again, once a minute at most. Whatever it sends is read up to 256 KiB, and it has ten seconds for a step, so a provider that hangs
costs whoever uses it an error page, and nobody else anything. Its endpoints may be in the operator's own network: its issuer
comes from the settings, and only TLS is asked for.

Rejected: Authlib's integration with Starlette, which holds metadata without end and needs sessions of Starlette.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import orjson
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet
from joserfc.jws import JWSRegistry

from auth.providers.port import ProviderRefused, ProviderSettings, ProviderUnavailable, is_secure
from domain.external_identity import MAX_SUBJECT_CHARS, ProvidedIdentity

TIMEOUT_SECONDS: Final = 10.0
CACHE_SECONDS: Final = 3600.0
KEY_REFRESH_SECONDS: Final = 60.0
MAX_RESPONSE_BYTES: Final = 256 * 1024
_MAX_CONNECTIONS: Final = 10
_MAX_KEYS: Final = 100
_LEEWAY_SECONDS: Final = 60
_MAX_NAME_CHARS: Final = 200
_SCOPE: Final = "openid profile email"
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
_DISCOVERY_PATH: Final = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class _Metadata:
    """What a provider says of itself."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    client_authentication: str
    algorithms: tuple[str, ...]
    returns_issuer: bool
    read_at: float


class OpenIDProvider:
    """Implements `auth.providers.port.Provider`. `transport`: how it is reached, by default over the network."""

    def __init__(
        self,
        settings: ProviderSettings,
        *,
        redirect_uri: str,
        tls: ssl.SSLContext | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self.settings = settings
        self.redirect_uri = redirect_uri
        self._transport = _BoundedTransport(
            transport
            or httpx2.AsyncHTTPTransport(
                verify=tls or ssl.create_default_context(), limits=httpx2.Limits(max_connections=_MAX_CONNECTIONS)
            )
        )
        self._timeout_seconds = timeout_seconds
        self._metadata: _Metadata | None = None
        self._keys: KeySet | None = None
        self._keys_read_at = 0.0
        self._reading = asyncio.Lock()

    async def aclose(self) -> None:
        """Close the connections to it."""
        await self._transport.inner.aclose()

    async def authorization_url(self, *, state: str, nonce: str, code_verifier: str) -> str:
        """The authorization endpoint, with a request."""
        async with self._deadline():
            metadata = await self._read_metadata()
        url, _ = self._client(metadata).create_authorization_url(
            metadata.authorization_endpoint, state=state, nonce=nonce, code_verifier=code_verifier
        )
        return str(url)

    async def identify(self, *, code: str, issuer: str | None, nonce: str, code_verifier: str) -> ProvidedIdentity:
        """Redeems the code, and verifies the ID token."""
        async with self._deadline():
            metadata = await self._read_metadata()
            self.check_issuer(issuer, is_required=metadata.returns_issuer)
            client = self._client(metadata)
            try:
                token = await client.fetch_token(
                    metadata.token_endpoint, grant_type="authorization_code", code=code, code_verifier=code_verifier
                )
            except AuthlibBaseError as error:
                raise ProviderRefused(f"it does not redeem the code: {error.error}") from error
            claims = await self._verify(metadata, token, nonce)
            if "email" not in claims and metadata.userinfo_endpoint is not None:
                claims = await self._add_userinfo(metadata.userinfo_endpoint, token, claims)
        return self._to_identity(claims)

    def check_issuer(self, issuer: str | None, *, is_required: bool = False) -> None:
        """Raises ProviderRefused where an answer names another issuer, or none though this provider names itself."""
        if (issuer is None and is_required) or issuer not in (None, self.settings.issuer):
            raise ProviderRefused(f"the answer is of another issuer: {issuer}")

    # ── what it says of itself ────────────────────────────────────────────────────────────────────────────────────────

    async def _read_metadata(self) -> _Metadata:
        async with self._reading:
            held = self._metadata
            if held is None or held.read_at + CACHE_SECONDS < time.monotonic():
                held = self._metadata = self._parse_metadata(
                    await self._get_json(self.settings.issuer.rstrip("/") + _DISCOVERY_PATH)
                )
            return held

    def _parse_metadata(self, given: Mapping[str, Any]) -> _Metadata:
        if given.get("issuer") != self.settings.issuer:
            raise ProviderUnavailable(f"its issuer is {given.get('issuer')!r}, not {self.settings.issuer!r}")
        offered = given.get("id_token_signing_alg_values_supported")
        algorithms = tuple(each for each in _ALGORITHMS if isinstance(offered, list) and each in offered) or ("RS256",)
        userinfo = given.get("userinfo_endpoint")
        return _Metadata(
            authorization_endpoint=self._endpoint(given.get("authorization_endpoint")),
            token_endpoint=self._endpoint(given.get("token_endpoint")),
            jwks_uri=self._endpoint(given.get("jwks_uri")),
            userinfo_endpoint=None if userinfo is None else self._endpoint(userinfo),
            client_authentication=self._client_authentication(given.get("token_endpoint_auth_methods_supported")),
            algorithms=algorithms,
            returns_issuer=given.get("authorization_response_iss_parameter_supported") is True,
            read_at=time.monotonic(),
        )

    def _endpoint(self, value: object) -> str:
        """An address by which secrets may be sent."""
        parts = urlsplit(value) if isinstance(value, str) else None
        if parts is None or not parts.hostname or not is_secure(parts.scheme, parts.hostname):
            raise ProviderUnavailable(f"it names an endpoint that is no https address: {value!r}")
        return parts.geturl()

    def _client_authentication(self, offered: object) -> str:
        if self.settings.client_secret is None:
            return "none"
        is_post_only = isinstance(offered, list) and "client_secret_basic" not in offered and "client_secret_post" in offered
        return "client_secret_post" if is_post_only else "client_secret_basic"

    async def _read_keys(self, metadata: _Metadata, *, unless_read_after: float) -> KeySet:
        async with self._reading:
            if self._keys is None or self._keys_read_at <= unless_read_after:
                self._keys = _parse_keys(await self._get_json(metadata.jwks_uri))
                self._keys_read_at = time.monotonic()
            return self._keys

    async def _get_json(self, url: str) -> Mapping[str, Any]:
        async with httpx2.AsyncClient(transport=self._transport.lent(), timeout=None) as http:
            answer = await http.get(url, headers={"Accept": "application/json"})
        return _to_object(answer)

    # ── who somebody is ───────────────────────────────────────────────────────────────────────────────────────────────

    def _client(self, metadata: _Metadata) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self.settings.client_id,
            self.settings.client_secret,
            token_endpoint_auth_method=metadata.client_authentication,
            redirect_uri=self.redirect_uri,
            scope=_SCOPE,
            code_challenge_method="S256",
            transport=self._transport.lent(),
            timeout=None,
        )

    async def _verify(self, metadata: _Metadata, token: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        """The claims of an ID token that is this provider's, for us, for this request."""
        id_token = token.get("id_token")
        if not isinstance(id_token, str):
            raise ProviderRefused("it gives no ID token")
        now = time.monotonic()
        keys = await self._read_keys(metadata, unless_read_after=now - CACHE_SECONDS)
        registry = JWSRegistry(algorithms=list(metadata.algorithms), strict_check_header=False)
        try:
            try:
                decoded = jwt.decode(id_token, keys, registry=registry)
            except (JoseError, ValueError):  # perhaps its keys have changed
                keys = await self._read_keys(metadata, unless_read_after=now - KEY_REFRESH_SECONDS)
                decoded = jwt.decode(id_token, keys, registry=registry)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self.settings.issuer},
                    "aud": {"essential": True, "value": self.settings.client_id},
                },
                {"nonce": nonce, "client_id": self.settings.client_id, "access_token": token.get("access_token")},
            )
            claims.validate(leeway=_LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError) as error:
            raise ProviderRefused(f"its ID token is none: {error}") from error
        return dict(claims)

    async def _add_userinfo(self, url: str, token: Mapping[str, Any], claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """The claims with those of the userinfo endpoint, where it speaks of the same person."""
        authorization = {"Authorization": f"Bearer {token.get('access_token')}", "Accept": "application/json"}
        async with httpx2.AsyncClient(transport=self._transport.lent(), timeout=None) as http:
            more = _to_object(await http.get(url, headers=authorization))
        if more.get("sub") != claims["sub"]:
            raise ProviderRefused("its userinfo endpoint speaks of somebody else")
        return {**more, **claims}

    def _to_identity(self, claims: Mapping[str, Any]) -> ProvidedIdentity:
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_CHARS or not subject.isprintable():
            raise ProviderRefused("its subject is none")
        is_verified = claims.get("email_verified")
        given_name, family_name = _text(claims, "given_name"), _text(claims, "family_name")
        if not given_name:
            given_name, _, family_name = _text(claims, "name").partition(" ")
        return ProvidedIdentity(
            provider=self.settings.name,
            issuer=self.settings.issuer,
            subject=subject,
            email=_text(claims, "email") or None,
            is_email_verified=is_verified is True or is_verified == "true",  # a string is what Cognito's userinfo has
            first_name=given_name,
            last_name=family_name,
        )

    @asynccontextmanager
    async def _deadline(self) -> AsyncIterator[None]:
        """Bounds a step in time, and words what goes wrong on the way."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                yield
        except TimeoutError as error:
            raise ProviderUnavailable("it took too long") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise ProviderUnavailable(str(error) or type(error).__name__) from error


class _BoundedTransport(httpx2.AsyncBaseTransport):
    """Reads no more of an answer than its bound."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self.inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self.inner.handle_async_request(request)
        stream = _BoundedStream(answer.stream) if isinstance(answer.stream, httpx2.AsyncByteStream) else answer.stream
        return httpx2.Response(answer.status_code, headers=answer.headers, stream=stream, extensions=answer.extensions)

    def lent(self) -> "_BoundedTransport":
        """Itself for one client, which does not close it."""
        return _BoundedTransport(self.inner)


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MAX_RESPONSE_BYTES
        async for chunk in self._inner:
            left -= len(chunk)
            if left < 0:
                raise httpx2.ReadError("its answer is far too long")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def _to_object(answer: httpx2.Response) -> Mapping[str, Any]:
    if answer.status_code != httpx2.codes.OK:
        raise ProviderUnavailable(f"{answer.request.url} answers {answer.status_code}")
    found = orjson.loads(answer.content)
    if not isinstance(found, dict):
        raise ProviderUnavailable(f"{answer.request.url} answers no JSON object")
    return found


def _parse_keys(given: Mapping[str, Any]) -> KeySet:
    """The keys of a set that are of a kind that is known."""
    listed = given.get("keys")
    keys: list[Key] = []
    for each in (listed if isinstance(listed, list) else [])[:_MAX_KEYS]:
        try:
            keys.append(JWKRegistry.import_key(each))
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    if not keys:
        raise ProviderUnavailable("it has no keys")
    return KeySet(keys)


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value.strip()[:_MAX_NAME_CHARS] if isinstance(value, str) else ""
