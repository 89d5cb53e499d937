"""Answers who may be in a room of live editing, and authenticates the websockets of Yjs providers."""

from collections.abc import Collection
from typing import Any, Protocol
from uuid import UUID

from domain.actor import Scope
from domain.errors import InsufficientScope, Unauthenticated
from domain.permissions import Action
from realtime.collaboration.access import AccessLookup, DocumentAccess, DocumentRight


class DocumentAccessSource(Protocol):
    """Reads what users may do with a document."""

    async def access(self, document_id: UUID, user_ids: Collection[UUID], /) -> tuple[UUID, dict[UUID, frozenset[Action]]] | None:
        """The document's team, and what each of the users may do; None when there is no such document."""


class TokenAuthenticator(Protocol):
    """Finds the bearer of an access token."""

    async def authenticate(self, authorization: str | None, /) -> Any: ...
    async def check_active(self, bearer: Any, /) -> None: ...


def access_from(source: DocumentAccessSource) -> AccessLookup:
    """Rights in rooms, by the same policy that the rules enforce."""

    async def look_up(document_id: UUID, user_ids: Collection[UUID]) -> DocumentAccess | None:
        found = await source.access(document_id, user_ids)
        if found is None:
            return None
        team_id, actions = found
        return DocumentAccess(team_id, {each: right for each, some in actions.items() if (right := right_of(some)) is not None})

    return look_up


def right_of(actions: frozenset[Action]) -> DocumentRight | None:
    """The right in a room that actions on a document amount to."""
    if Action.UPDATE in actions and Action.READ in actions:
        return DocumentRight.WRITE
    return DocumentRight.READ if Action.READ in actions else None


def max_right(scopes: Collection[Scope]) -> DocumentRight:
    """What a token's scopes allow at most. Raises InsufficientScope."""
    if Scope.DOCUMENTS_READ not in scopes:
        raise InsufficientScope(Scope.DOCUMENTS_READ)
    return DocumentRight.WRITE if Scope.DOCUMENTS_WRITE in scopes else DocumentRight.READ


class CollaborationAuth:
    """Authenticates the websockets of Yjs providers (`realtime.collaboration.open_documents.Authenticator`)."""

    def __init__(self, tokens: TokenAuthenticator) -> None:
        self._tokens = tokens

    async def authenticate(self, authorization: str | None) -> Any:
        """The bearer of a token. Raises Unauthenticated."""
        bearer = await self._tokens.authenticate(authorization)
        if bearer is None:
            raise Unauthenticated
        return bearer

    async def check_active(self, credentials: Any) -> None:
        """Raises Unauthenticated when the token, or its session, has ended."""
        await self._tokens.check_active(credentials)

    def user_and_max_right(self, credentials: Any) -> tuple[UUID, DocumentRight]:
        """The token's user or share link, and what it allows at most."""
        return credentials.actor.principal_id, max_right(credentials.actor.scopes)

    def shares_presence(self, credentials: Any) -> bool:
        """Whether others see who this is, and the other way round: not with a share link."""
        return credentials.actor.shared is None
