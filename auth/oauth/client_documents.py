"""Reads documents in which OAuth clients describe themselves: the client id is their address (OAuth Client ID Metadata Document).

Tools and agents that nobody has registered sign people in by them. Such a client is public, uses the authorization code flow, and
asks for no more than apps of a team have for themselves. The host is the only thing that is known of it, so pages name it. A
document is read when a person is sent here, by `outgoing.safe_http`, and held in memory for as long as it says, within bounds;
the client is stored when somebody has consented, so strangers fill no table.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson

from domain.actor import Scope
from domain.errors import DomainError
from domain.oauth_client import MAX_REDIRECT_URIS, NOT_FOR_APPS, OAuthClient, OAuthGrant
from domain.outgoing_url import UnsafeUrl
from domain.redirect_uri import validate_redirect_uri
from domain.text import validate_name
from outgoing.safe_http import OutgoingError, OutgoingResponse, SafeHttpClient
from persistence.engine.lru_cache import LruCache

TIMEOUT_SECONDS: Final = 5.0
MAX_DOCUMENT_BYTES: Final = 8 * 1024
MIN_HELD_SECONDS: Final = 60
MAX_HELD_SECONDS: Final = 24 * 3600
DEFAULT_HELD_SECONDS: Final = 300
MAX_CACHE_BYTES: Final = 4 * 1024 * 1024
_MAX_NAME_CHARS: Final = 100
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})")
_SCOPES: Final = tuple(each for each in Scope if each not in NOT_FOR_APPS)
_GRANTS: Final = {"authorization_code": OAuthGrant.AUTHORIZATION_CODE, "refresh_token": OAuthGrant.REFRESH_TOKEN}


class InvalidDocument(Exception):
    """A client id that is the address of no document of a client; the message says why, for whoever made it."""


class ClientDocuments:
    """The clients of documents."""

    def __init__(self, http: SafeHttpClient) -> None:
        self._http = http
        self._held: LruCache[str, tuple[OAuthClient, datetime]] = LruCache("client_documents", MAX_CACHE_BYTES)

    def held(self, url: str) -> OAuthClient | None:
        """The client of a document that was read lately."""
        found = self._held.get(url)
        return found[0] if found is not None and found[1] > datetime.now(UTC) else None

    async def read(self, url: str) -> OAuthClient:
        """The client of a document. Raises InvalidDocument."""
        if (known := self.held(url)) is not None:
            return known
        _check_url(url)
        try:
            answer = await self._http.request(
                "GET",
                url,
                headers={"Accept": "application/json"},
                timeout_seconds=TIMEOUT_SECONDS,
                max_body_bytes=MAX_DOCUMENT_BYTES,
            )
        except (UnsafeUrl, OutgoingError) as error:
            raise InvalidDocument(f"The document of the client cannot be read. {error}") from error
        now = datetime.now(UTC)
        client = _parse(url, answer, now)
        self._held.put(url, (client, now + timedelta(seconds=_held_seconds(answer))), MAX_DOCUMENT_BYTES)
        return client


def is_document_url(client_id: str) -> bool:
    """Whether a client id is an address rather than what a registered client has."""
    return client_id.startswith(("https://", "http://"))


def id_of(url: str) -> UUID:
    """The id of the client of a document."""
    return uuid5(NAMESPACE_URL, url)


def _check_url(url: str) -> None:
    """Raise InvalidDocument for an address that is no client id, whatever there is."""
    try:
        path = urlsplit(url).path
    except ValueError as error:
        raise InvalidDocument("The client id cannot be read.") from error
    if path in ("", "/"):
        raise InvalidDocument("A client id that is an address has a path.")
    if any(segment in (".", "..") for segment in path.replace("%2e", ".").replace("%2E", ".").split("/")):
        raise InvalidDocument("A client id has no dot segments.")


def _parse(url: str, answer: OutgoingResponse, now: datetime) -> OAuthClient:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if answer.status != 200:
        raise InvalidDocument(f"The document of the client cannot be read: its host answers {answer.status}.")
    if answer.truncated:
        raise InvalidDocument(f"The document of the client is longer than {MAX_DOCUMENT_BYTES // 1024} KiB.")
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise InvalidDocument("The document of the client is not application/json.")
    try:
        given = orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        raise InvalidDocument("The document of the client is no JSON.") from error
    if not isinstance(given, dict) or given.get("client_id") != url:
        raise InvalidDocument("The document is not of this client: its client_id is another.")
    if "client_secret" in given or given.get("token_endpoint_auth_method", "none") != "none":
        raise InvalidDocument("Clients that describe themselves are public: token_endpoint_auth_method is none.")
    return OAuthClient(
        id=id_of(url),
        created_at=now,
        updated_at=now,
        team_id=None,
        bot_id=None,
        document_url=url,
        name=_name(url, given),
        is_public=True,
        redirect_uris=_redirect_uris(given),
        grants=_grants(given),
        scopes=_scopes(given),
    )


def _name(url: str, given: Mapping[str, Any]) -> str:
    """What it calls itself; its host where it does not."""
    name = given.get("client_name")
    try:
        return validate_name(name, (), limit=_MAX_NAME_CHARS) if isinstance(name, str) else urlsplit(url).netloc
    except DomainError as error:
        raise InvalidDocument(f"The client_name cannot be used: {error.message}") from error


def _redirect_uris(given: Mapping[str, Any]) -> tuple[str, ...]:
    listed = given.get("redirect_uris")
    if (
        not isinstance(listed, list)
        or not 0 < len(listed) <= MAX_REDIRECT_URIS
        or not all(isinstance(each, str) for each in listed)
    ):
        raise InvalidDocument(f"The document lists one to {MAX_REDIRECT_URIS} redirect_uris.")
    try:
        return tuple(validate_redirect_uri(each, ()) for each in listed)
    except DomainError as error:
        raise InvalidDocument(f"A redirect URI cannot be used: {error.message}") from error


def _grants(given: Mapping[str, Any]) -> tuple[OAuthGrant, ...]:
    listed = given.get("grant_types", ["authorization_code"])
    found = tuple(grant for name, grant in _GRANTS.items() if isinstance(listed, list) and name in listed)
    if OAuthGrant.AUTHORIZATION_CODE not in found:
        raise InvalidDocument("The grant_types must have authorization_code.")
    return found


def _scopes(given: Mapping[str, Any]) -> tuple[Scope, ...]:
    """Those that it asks for, of those that such clients may have."""
    asked = given.get("scope")
    if not isinstance(asked, str):
        return _SCOPES
    return tuple(each for each in _SCOPES if each in asked.split())


def _held_seconds(answer: OutgoingResponse) -> int:
    control = answer.headers.get("cache-control", "").lower()
    found = _MAX_AGE.search(control)
    seconds = 0 if "no-store" in control or "no-cache" in control else DEFAULT_HELD_SECONDS if found is None else int(found[1])
    return min(max(seconds, MIN_HELD_SECONDS), MAX_HELD_SECONDS)
