"""External identities: accounts of outside OpenID providers that sign somebody in.

An identity is a provider's `iss` and `sub`, which never change; addresses do. By its address it is linked once, to an account
whose owner has shown that the address is theirs, at the provider and here, and which no other identity signs in: else whoever
registers an address that is not theirs, or is given one that was somebody else's, would come to another person's account. In
those cases the owner signs in as before, and removes the other link if they want this one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Final, Protocol
from uuid import UUID

from domain import session as sessions
from domain import user as users
from domain.account_mail import AccountMail, AccountMailKind
from domain.actor import Actor
from domain.email_address import validate_email
from domain.errors import Invalid, NotFound, TooLong, Unauthenticated
from domain.events import ChangeKind, Event, user_stream
from domain.ports import UnitOfWork
from domain.registration import RegistrationMode
from domain.text import validate_name
from domain.user import MAX_NAME_CHARS, User, UserStatus, lock_self

MAX_SUBJECT_CHARS: Final = 255  # OpenID Connect Core, section 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidedIdentity:
    """Who somebody is to a provider that has just signed them in."""

    provider: str  # as people know it
    issuer: str
    subject: str
    email: str | None
    is_email_verified: bool
    first_name: str
    last_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalIdentity:
    """An identity that signs a user in."""

    type_name: ClassVar[str] = "ExternalIdentity"

    id: UUID
    user_id: UUID
    provider: str
    issuer: str
    subject: str
    email: str | None
    created_at: datetime
    last_used_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalIdentityReference:
    """An identity, as events carry it: without who somebody is elsewhere."""

    type_name: ClassVar[str] = "ExternalIdentity"

    id: UUID
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalIdentityEvent(Event):
    """Something about an identity, for its owner."""

    user_id: UUID
    identity: ExternalIdentityReference

    @property
    def stream(self) -> str:
        return user_stream(self.user_id)

    @property
    def entity(self) -> ExternalIdentityReference:
        return self.identity


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalIdentityLinked(ExternalIdentityEvent):
    """An identity signs the user in from now on."""

    kind = ChangeKind.CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalIdentityRemoved(ExternalIdentityEvent):
    """An identity signs nobody in any more."""

    kind = ChangeKind.DELETED


class ExternalIdentityStore(Protocol):
    """Stores identities."""

    async def add(self, identity: ExternalIdentity) -> bool:
        """Store a new identity; False when it signs somebody in already."""
        ...

    async def lock(self, issuer: str, subject: str) -> ExternalIdentity | None: ...
    async def list_for_user(self, user_id: UUID) -> Sequence[ExternalIdentity]: ...
    async def note_use(self, identity: ExternalIdentity) -> None: ...
    async def remove(self, identity_ids: Sequence[UUID]) -> None: ...


async def find_or_link(uow: UnitOfWork, given: ProvidedIdentity, registration: RegistrationMode) -> User:
    """Whom an identity signs in: the account it is linked to, or by its address an account or a new one.

    Raises Unauthenticated, whose message is for the person.
    """
    identity = await uow.external_identities.lock(given.issuer, given.subject)
    if identity is not None:
        await uow.external_identities.note_use(replace(identity, email=given.email, last_used_at=uow.now))
        return _require_active(await uow.users.read_unlocked(identity.user_id))
    if given.email is None or not given.is_email_verified:
        raise Unauthenticated(f"{given.provider} does not say that your e-mail address is yours. Confirm it there first.")
    try:
        address = validate_email(given.email, ())
    except (Invalid, TooLong) as error:
        raise Unauthenticated(f"{given.provider} gives an e-mail address that cannot be used here.") from error
    found = await uow.users.by_email(address)
    if found is None:
        return await _register(uow, given, address, registration)
    user = _require_active(await uow.users.lock(found.id))
    if user.email_key != found.email_key or user.email_verified_at is None:
        raise Unauthenticated(
            "There is an account with this e-mail address, which has never been confirmed. Sign in with its password and confirm"
            " it first; a password that is forgotten can be replaced by mail."
        )
    if await uow.external_identities.list_for_user(user.id):
        raise Unauthenticated(
            "There is an account with this e-mail address, which signs in through another identity. Sign in as you did before."
        )
    await _link(uow, user, given)
    uow.send_mail(AccountMail(kind=AccountMailKind.IDENTITY_LINKED, address=user.email_address, name=user.display_name))
    return user


async def remove(uow: UnitOfWork, actor: Actor, identity_id: UUID) -> UUID:
    """Let an identity sign the actor in no more. Sessions that it has begun go on."""
    user = await lock_self(uow, actor)
    await sessions.require_recent_sign_in(uow, actor)
    found = next((each for each in await uow.external_identities.list_for_user(user.id) if each.id == identity_id), None)
    if found is None:
        raise NotFound(("input", "id"))
    await uow.external_identities.remove([found.id])
    reference = ExternalIdentityReference(id=found.id)
    uow.record(ExternalIdentityRemoved(actor_id=actor.user_id, user_id=user.id, identity=reference))
    return found.id


async def _register(uow: UnitOfWork, given: ProvidedIdentity, address: str, registration: RegistrationMode) -> User:
    """A new account, whose address the provider has verified."""
    if registration == "invite" and not await uow.invitations.is_invited(address, uow.now):
        raise Unauthenticated("There is no account with this e-mail address, and it was not invited.")
    local_part = address.rpartition("@")[0]
    user = User(
        id=uow.new_id(),
        created_at=uow.now,
        updated_at=uow.now,
        email_address=address,
        email_verified_at=uow.now,
        first_name=_name(given.first_name) or _name(local_part) or "Somebody",
        last_name=_name(given.last_name),
    )
    if not await users.add(uow, user, None):
        raise Unauthenticated("This e-mail address has just got an account. Try again.")
    await _link(uow, user, given)
    return user


async def _link(uow: UnitOfWork, user: User, given: ProvidedIdentity) -> None:
    identity = ExternalIdentity(
        id=uow.new_id(),
        user_id=user.id,
        provider=given.provider,
        issuer=given.issuer,
        subject=given.subject,
        email=given.email,
        created_at=uow.now,
        last_used_at=uow.now,
    )
    if not await uow.external_identities.add(identity):
        raise Unauthenticated("You have just signed in elsewhere. Try again.")
    reference = ExternalIdentityReference(id=identity.id)
    uow.record(ExternalIdentityLinked(actor_id=user.id, user_id=user.id, identity=reference))


def _name(value: str) -> str:
    """A name as accounts have them; empty for what is none."""
    try:
        return validate_name(value[:MAX_NAME_CHARS], (), limit=MAX_NAME_CHARS)
    except (Invalid, TooLong):
        return ""


def _require_active(user: User | None) -> User:
    if user is None or user.status is not UserStatus.ACTIVE or user.is_bot:
        raise Unauthenticated("This account cannot sign in.")
    return user
