"""Users: who they are, and what they may change about themselves."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain import text
from domain.actor import Actor
from domain.attachment import replace_avatar
from domain.audit.events import PasswordChanged, PasswordEntity
from domain.collation import collation_key
from domain.email_address import email_key, validate_email
from domain.errors import Invalid, NotFound, NotUnique, Path, TooLong
from domain.events import ChangeKind, Event, FieldChange, difference, team_stream, user_stream
from domain.normalization import normalize
from domain.ports import UnitOfWork
from domain.version import require_version, with_changes

_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
MIN_PASSWORD_CHARS, MAX_PASSWORD_CHARS = 10, 256
MAX_NAME_CHARS = 100


class UserStatus(StrEnum):
    """Whether somebody can sign in."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    PENDING = "PENDING"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person, or a bot. The password hash is not part of it: see `UserStore.password_hash`."""

    type_name: ClassVar[str] = "User"
    stored_properties: ClassVar[tuple[str, ...]] = (
        "name_collation",
        "email_key",
    )

    id: UUID
    version: int = 1
    created_at: datetime
    updated_at: datetime
    first_name: str
    last_name: str
    email_address: str
    email_verified_at: datetime | None = None
    status: UserStatus = UserStatus.ACTIVE
    is_bot: bool = False
    time_zone: str = "UTC"
    locale: str = "en"
    avatar_id: UUID | None = None
    is_server_admin: bool = False
    suspended_at: datetime | None = None
    suspension_reason: str | None = None

    @property
    def display_name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def name_collation(self) -> str:
        """What the name sorts and is searched by."""
        return collation_key(self.display_name)

    @property
    def email_key(self) -> str:
        """What the address is compared and searched by."""
        return email_key(self.email_address)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEvent(Event):
    """Something about a user, in their own stream."""

    user: User

    @property
    def stream(self) -> str:
        return user_stream(self.user.id)

    @property
    def entity(self) -> User:
        return self.user


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRegistered(UserEvent):
    """Somebody made an account."""

    kind = ChangeKind.CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class UserUpdated(UserEvent):
    """Somebody changed their profile."""

    kind = ChangeKind.UPDATED
    before: User

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return difference(self.before, self.user)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDeleted(UserEvent):
    """Somebody closed their account; name and address are gone from the row that stays for history."""

    kind = ChangeKind.DELETED


@dataclass(frozen=True, slots=True, kw_only=True)
class UserProfileChanged(UserEvent):
    """A person's name, picture or address changed: for the members of a team, who see them wherever the person stands."""

    kind = ChangeKind.UPDATED
    before: User
    team_id: UUID

    @property
    def stream(self) -> str:
        return team_stream(self.team_id)

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        # What the address was is nobody's business once it was given up.
        return tuple(
            replace(each, before=None) if each.field == "email_address" else each
            for each in difference(self.before, self.user)
            if each.field in PUBLIC_FIELDS
        )


PUBLIC_FIELDS = frozenset({"first_name", "last_name", "email_address", "avatar_id", "status", "time_zone", "locale"})
"""What everybody who shares a team with a person sees of them."""


def record_profile(uow: UnitOfWork, before: User, user: User, team_ids: Sequence[UUID]) -> None:
    """Record what the members of these teams see otherwise from now on, if anything."""
    if any(each.field in PUBLIC_FIELDS for each in difference(before, user)):
        for team_id in team_ids:
            uow.record(UserProfileChanged(actor_id=user.id, user=user, before=before, team_id=team_id))


async def record_update(uow: UnitOfWork, actor_id: UUID | None, before: User, user: User) -> None:
    """Record that an account was changed: for its owner, and what members of their teams see otherwise."""
    uow.record(UserUpdated(actor_id=actor_id, user=user, before=before))
    record_profile(uow, before, user, await uow.users.team_ids(user.id))


async def record_password(uow: UnitOfWork, user_id: UUID) -> None:
    """Record that an account has another password, for those who look after the person's teams."""
    if team_ids := await uow.users.team_ids(user_id):
        password = PasswordEntity(id=user_id, team_ids=tuple(team_ids))
        uow.record(PasswordChanged(actor_id=user_id, user_id=user_id, password=password))


class UserStore(Protocol):
    """Stores users."""

    async def add(self, user: User, password_hash: str | None) -> bool:
        """Store a new user; False when the e-mail address is taken (compared by `email_key`)."""
        ...

    async def save(self, user: User) -> None: ...
    async def save_address(self, user: User) -> bool:
        """The same for a user with another address; False when that is taken."""
        ...

    async def lock(self, user_id: UUID) -> User | None: ...
    async def read_unlocked(self, user_id: UUID) -> User | None: ...
    async def team_ids(self, user_id: UUID) -> Sequence[UUID]:
        """The teams that the user belongs to, not held."""
        ...

    async def by_email(self, email: str) -> User | None: ...
    async def password_hash(self, user_id: UUID) -> str | None: ...
    async def lock_credentials(self, user_id: UUID) -> "tuple[User, str | None] | None":
        """The user and the password's hash; neither changes until the end of the operation."""
        ...

    async def set_password(self, user_id: UUID, password_hash: str | None) -> None:
        """Replace the hash; without one nobody can sign in by password. The caller holds the user."""
        ...


def validate_password(value: str, path: Path) -> str:
    """A password of 10 to 256 characters; length is the only rule (NIST SP 800-63B)."""
    if len(value) < MIN_PASSWORD_CHARS:
        raise Invalid(path, f"A password has at least {MIN_PASSWORD_CHARS} characters.")
    if len(value) > MAX_PASSWORD_CHARS:
        raise TooLong(path, MAX_PASSWORD_CHARS)
    return prepare_password(value)


def prepare_password(value: str) -> str:
    """A password as it is hashed: NFC, each kind of blank the same (OpaqueString of RFC 8265), as keyboards differ in these."""
    return normalize("NFC", "".join(" " if unicodedata.category(each) == "Zs" else each for each in value))


async def register(uow: UnitOfWork, *, email_address: str, password_hash: str, first_name: str, last_name: str) -> User:
    """Make an account; the caller has hashed the password."""
    user = User(
        id=uow.new_id(),
        created_at=uow.now,
        updated_at=uow.now,
        email_address=validate_email(email_address, ("input", "email")),
        first_name=text.validate_name(first_name, ("input", "firstName"), limit=MAX_NAME_CHARS),
        last_name=text.validate_name(last_name, ("input", "lastName"), limit=MAX_NAME_CHARS),
    )
    if not await add(uow, user, password_hash):
        raise NotUnique(("input", "email"), "There is an account with this address.")
    return user


async def add(uow: UnitOfWork, user: User, password_hash: str | None) -> bool:
    """Store a new account and record it; False when its address is taken."""
    if not await uow.users.add(user, password_hash):
        return False
    uow.record(UserRegistered(actor_id=user.id, user=user))
    return True


async def update(uow: UnitOfWork, actor: Actor, values: Mapping[str, Any], *, expected_version: int | None) -> User:
    """Change one's own profile: `first_name`, `last_name`, `time_zone`, `locale`, `avatar_upload_id` where given."""
    before = await lock_self(uow, actor, lock="avatar_upload_id" in values)
    require_version(before, expected_version)
    changes: dict[str, Any] = {}
    if "first_name" in values:
        changes["first_name"] = text.validate_name(values["first_name"], ("input", "firstName"), limit=MAX_NAME_CHARS)
    if "last_name" in values:
        changes["last_name"] = text.validate_name(values["last_name"], ("input", "lastName"), limit=MAX_NAME_CHARS)
    if "time_zone" in values:
        changes["time_zone"] = _time_zone(values["time_zone"])
    if "locale" in values:
        changes["locale"] = _locale(values["locale"])
    if "avatar_upload_id" in values:
        changes["avatar_id"] = await replace_avatar(uow, actor, before.avatar_id, values["avatar_upload_id"])
    user = with_changes(before, uow.now, **changes)
    if user is not before:
        await uow.users.save(user)
        await record_update(uow, actor.user_id, before, user)
    return user


async def lock_self(uow: UnitOfWork, actor: Actor, *, lock: bool = True) -> User:
    """The actor, locked until the end of the operation; a lock is not needed where only they are changed."""
    user = await (uow.users.lock if lock else uow.users.read_unlocked)(actor.user_id)
    if user is None or user.status is UserStatus.INACTIVE:
        raise NotFound(("input", "id"))
    return user


def _time_zone(value: str | None) -> str:
    try:
        return ZoneInfo(value or "").key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid(("input", "timeZone"), "This is not an IANA time zone, such as Europe/Rome.") from error


def _locale(value: str | None) -> str:
    if value is None or len(value) > 35 or not _LOCALE.fullmatch(value):
        raise Invalid(("input", "locale"), "This is not a language tag, such as en or pt-BR.")
    return value
