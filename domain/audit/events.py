"""Events that only audit logs read: sign-ins and refusals. They stand in a stream of their own for each person, `audit:{id}`.

Each names the teams in whose logs it belongs, as they were when it happened.
"""

import hashlib
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from domain.events import ChangeKind, Event

_UNKNOWN_STREAMS: Final = 256
"""Refused sign-ins with addresses that nobody has are written as well, to few streams, so that they take as long as others."""


def audit_stream(user_id: UUID) -> str:
    """The stream of what only audit logs say of a person."""
    return f"audit:{user_id}"


def unknown_person(account: str) -> UUID:
    """Stands for an address that nobody has; it is nobody's id."""
    return UUID(int=hashlib.sha256(account.encode("utf-8", "surrogatepass")).digest()[0] % _UNKNOWN_STREAMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedSession:
    """A session as its beginning is recorded. `client_id`: the OAuth client that the person let in."""

    type_name: ClassVar[str] = "Session"

    id: UUID
    version: int = 1
    opened_as: str
    client_id: UUID | None = None
    team_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedSignIn:
    """A sign-in that was refused. `reason`: PASSWORD or CODE."""

    type_name: ClassVar[str] = "SignIn"

    id: UUID
    version: int = 1
    reason: str
    team_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedOperation:
    """A mutation that a member was refused. `name`: that of the field; `action`: what they may not do."""

    type_name: ClassVar[str] = "Operation"

    id: UUID
    version: int = 1
    name: str
    action: str
    team_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _AuditEvent(Event):
    user_id: UUID

    @property
    def stream(self) -> str:
        return audit_stream(self.user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(_AuditEvent):
    """Somebody has signed in."""

    kind = ChangeKind.CREATED
    session: StartedSession

    @property
    def entity(self) -> StartedSession:
        return self.session


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRefused(_AuditEvent):
    """Somebody could not sign in to an account."""

    kind = ChangeKind.CREATED
    sign_in: RefusedSignIn

    @property
    def entity(self) -> RefusedSignIn:
        return self.sign_in


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRefused(_AuditEvent):
    """A member tried what their role, or their token, does not allow."""

    kind = ChangeKind.CREATED
    operation: RefusedOperation

    @property
    def entity(self) -> RefusedOperation:
        return self.operation


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordEntity:
    """The password of an account, of which nothing is said."""

    type_name: ClassVar[str] = "Password"

    id: UUID
    version: int = 1
    team_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(_AuditEvent):
    """An account has another password."""

    kind = ChangeKind.UPDATED
    password: PasswordEntity

    @property
    def entity(self) -> PasswordEntity:
        return self.password
