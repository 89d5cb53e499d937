"""Factors: one-time passwords of an authenticator app, passkeys, and recovery codes for whoever has lost these.

With a factor, a password alone signs nobody in; a passkey does so without one (`domain.passkey`). A proof is good once: the
step of a one-time password, or the time of the challenge that a passkey signed, is stored with its factor and only later ones are
taken; a recovery code is deleted when it is used. Recovery codes are random enough (80 bits) that a fast hash of them is stored.
"""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final, Protocol
from uuid import UUID

from domain import session as sessions
from domain import text
from domain.account_mail import AccountMail, AccountMailKind
from domain.actor import Actor
from domain.errors import Forbidden, Invalid, LimitExceeded, NotFound
from domain.events import ChangeKind, Event, user_stream
from domain.passkey import CHALLENGE_SECONDS, NewCredential
from domain.permissions import Action
from domain.ports import UnitOfWork
from domain.user import User, lock_self

MAX_FACTORS: Final = 10
MAX_LABEL_CHARS: Final = 100
RECOVERY_CODES: Final = 10
CONFIRMATION_TIME: Final = timedelta(hours=1)
PASSKEY_CONFIRMATION_TIME: Final = timedelta(seconds=CHALLENGE_SECONDS)
_RECOVERY_BYTES: Final = 10
_RECOVERY_CHARS: Final = 16  # of base32


class FactorKind(StrEnum):
    """How somebody shows, beside the password, who they are."""

    TOTP = "TOTP"
    PASSKEY = "PASSKEY"
    RECOVERY_CODE = "RECOVERY_CODE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A factor of a user; until it is confirmed it counts for nothing."""

    type_name: ClassVar[str] = "Factor"

    id: UUID
    user_id: UUID
    kind: FactorKind
    label: str | None
    created_at: datetime
    confirmed_at: datetime | None = None
    last_used_at: datetime | None = None
    encrypted_secret: str | None = field(default=None, repr=False)
    """Of one-time passwords."""
    last_step: int = 0
    """The last step whose one-time password was used; of a passkey, when the last challenge that it signed was issued, in µs."""
    credential_id: bytes | None = None
    """Of a passkey, once it is confirmed, as are `public_key` (COSE) and `sign_count`."""
    public_key: bytes | None = field(default=None, repr=False)
    sign_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorReference:
    """A factor, as events carry it: without its secret."""

    type_name: ClassVar[str] = "Factor"

    id: UUID
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorEvent(Event):
    """Something about a factor, for its owner."""

    user_id: UUID
    factor: FactorReference

    @property
    def stream(self) -> str:
        return user_stream(self.user_id)

    @property
    def entity(self) -> FactorReference:
        return self.factor


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorConfirmed(FactorEvent):
    """A factor was confirmed: it is needed from now on."""

    kind = ChangeKind.CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorRemoved(FactorEvent):
    """A factor was removed."""

    kind = ChangeKind.DELETED


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedStep:
    """The proof that somebody has just read a one-time password off their app."""

    factor_id: UUID
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedRecoveryCode:
    """The proof that somebody has one of their recovery codes."""

    code_hash: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedChallenge:
    """The proof that a passkey has signed a challenge: when that was issued, in µs, and the passkey's count of signatures."""

    factor_id: UUID
    issued_at: int
    sign_count: int


FactorProof = UsedStep | UsedRecoveryCode | UsedChallenge


_MAILS_WHEN_ADDED: Final = {
    FactorKind.TOTP: AccountMailKind.FACTOR_ADDED,
    FactorKind.PASSKEY: AccountMailKind.PASSKEY_ADDED,
}
_MAILS_WHEN_REMOVED: Final = {
    FactorKind.TOTP: AccountMailKind.FACTOR_REMOVED,
    FactorKind.PASSKEY: AccountMailKind.PASSKEY_REMOVED,
}


class FactorStore(Protocol):
    """Stores factors and the hashes of recovery codes."""

    async def add(self, factor: Factor) -> None: ...
    async def get(self, factor_id: UUID) -> Factor | None: ...
    async def list_for_user(self, user_id: UUID) -> Sequence[Factor]: ...
    async def confirm(self, factor_id: UUID, *, step: int, at: datetime) -> None: ...
    async def use_step(self, factor_id: UUID, *, step: int, at: datetime) -> bool:
        """Store the step; False when it, or a later one, was used in between."""
        ...

    async def confirm_passkey(self, factor_id: UUID, credential: NewCredential, *, at: datetime) -> bool:
        """Make a passkey count; False when there is one with this id already."""
        ...

    async def use_challenge(self, proof: UsedChallenge, *, at: datetime) -> bool:
        """Store that a passkey signed; False when it signed a later challenge, or counted as many signatures, in between."""
        ...

    async def remove(self, factor_ids: Sequence[UUID]) -> None: ...
    async def replace_recovery_codes(self, user_id: UUID, hashes: Sequence[bytes]) -> None: ...
    async def use_recovery_code(self, user_id: UUID, code_hash: bytes) -> bool:
        """Delete the code; False when there is none."""
        ...


class TotpSecrets(Protocol):
    """Makes the secrets of one-time passwords, and compares codes with them."""

    def new_secret(self, user_id: UUID) -> tuple[bytes, str]:
        """A new secret, and its encrypted form."""
        ...

    async def matching_step(self, user_id: UUID, factor_id: UUID, code: str) -> int | None:
        """The step of a user's factor whose code this is now, if it is one. Raises RateLimited."""
        ...


async def start_totp(uow: UnitOfWork, actor: Actor, label: str | None, encrypted_secret: str) -> Factor:
    """Begin a factor, which counts once a code of it was given; one that was begun before is forgotten."""
    user = await _lock_owner(uow, actor)
    factors = await uow.factors.list_for_user(user.id)
    return await _start(uow, user, factors, FactorKind.TOTP, label, encrypted_secret)


async def start_passkey(uow: UnitOfWork, actor: Actor, label: str | None) -> tuple[Factor, User, list[bytes]]:
    """Begin a passkey, which counts once a device has made it; also its owner, and the ids of the credentials that they have."""
    user = await _lock_owner(uow, actor)
    factors = await uow.factors.list_for_user(user.id)
    existing = [each.credential_id for each in factors if each.credential_id is not None]
    return await _start(uow, user, factors, FactorKind.PASSKEY, label, None), user, existing


async def _start(
    uow: UnitOfWork, user: User, factors: Sequence[Factor], kind: FactorKind, label: str | None, encrypted_secret: str | None
) -> Factor:
    await uow.factors.remove([each.id for each in factors if each.confirmed_at is None])
    if sum(each.confirmed_at is not None for each in factors) >= MAX_FACTORS:
        raise LimitExceeded(f"An account has at most {MAX_FACTORS} factors.", MAX_FACTORS)
    factor = Factor(
        id=uow.new_id(),
        user_id=user.id,
        kind=kind,
        label=None if label is None else text.validate_name(label, ("input", "label"), limit=MAX_LABEL_CHARS),
        created_at=uow.now,
        encrypted_secret=encrypted_secret,
    )
    await uow.factors.add(factor)
    return factor


async def confirm(
    uow: UnitOfWork, actor: Actor, factor_id: UUID, shown: int | NewCredential | None
) -> tuple[Factor, list[str] | None]:
    """
    Make a factor count, after its owner has shown that they have it: by a code, whose step this is, or a passkey that was made;
    None for a wrong one.

    With the first factor come recovery codes, as the second value. All other sessions end: they were opened without it.
    """
    user = await _lock_owner(uow, actor)
    factors = {each.id: each for each in await uow.factors.list_for_user(user.id)}
    factor = factors.get(factor_id)
    if factor is None or factor.confirmed_at is not None or factor.created_at + _confirmation_time(factor) <= uow.now:
        raise NotFound(("input", "id"))
    await _confirm(uow, factor, shown)
    is_first = all(each.confirmed_at is None for each in factors.values())
    codes = await _replace_recovery_codes(uow, user.id) if is_first else None
    await sessions.revoke_all(uow, user.id, actor_id=actor.user_id, except_for=actor.session_id)
    uow.record(FactorConfirmed(actor_id=actor.user_id, user_id=user.id, factor=FactorReference(id=factor.id)))
    uow.send_mail(_notice(user, _MAILS_WHEN_ADDED[factor.kind]))
    confirmed = await uow.factors.get(factor.id)
    assert confirmed is not None
    return confirmed, codes


async def _confirm(uow: UnitOfWork, factor: Factor, shown: int | NewCredential | None) -> None:
    match factor.kind, shown:
        case FactorKind.TOTP, int(step):
            await uow.factors.confirm(factor.id, step=step, at=uow.now)
        case FactorKind.PASSKEY, NewCredential() as credential:
            if not await uow.factors.confirm_passkey(factor.id, credential, at=uow.now):
                raise Invalid(("input", "credential"), "This passkey belongs to an account already.")
        case FactorKind.PASSKEY, _:
            raise Invalid(("input", "credential"), "This is no passkey that was made for this server just now.")
        case _:
            raise Invalid(("input", "code"), "This is not the code that the app shows now.")


def _confirmation_time(factor: Factor) -> timedelta:
    return PASSKEY_CONFIRMATION_TIME if factor.kind is FactorKind.PASSKEY else CONFIRMATION_TIME


async def remove(uow: UnitOfWork, actor: Actor, factor_id: UUID) -> UUID:
    """Remove a factor; with the last one the recovery codes go too."""
    user = await _lock_owner(uow, actor)
    factors = {each.id: each for each in await uow.factors.list_for_user(user.id)}
    if factor_id not in factors:
        raise NotFound(("input", "id"))
    await remove_factors(uow, user, [factors.pop(factor_id)], actor_id=actor.user_id)
    if all(each.confirmed_at is None for each in factors.values()):
        await uow.factors.replace_recovery_codes(user.id, [])
    return factor_id


async def remove_factors(uow: UnitOfWork, user: User, factors: Sequence[Factor], *, actor_id: UUID | None) -> None:
    """Remove factors of a locked user, and tell them by mail if they counted."""
    await uow.factors.remove([each.id for each in factors])
    confirmed = [each for each in factors if each.confirmed_at is not None]
    for each in confirmed:
        uow.record(FactorRemoved(actor_id=actor_id, user_id=user.id, factor=FactorReference(id=each.id)))
    for mail in dict.fromkeys(_MAILS_WHEN_REMOVED[each.kind] for each in confirmed):
        uow.send_mail(_notice(user, mail))


async def renew_recovery_codes(uow: UnitOfWork, actor: Actor) -> list[str]:
    """New recovery codes in place of all earlier ones."""
    user = await _lock_owner(uow, actor)
    if not await is_required(uow, user.id):
        raise Forbidden(Action.CREATE, "Recovery codes come with a factor: add one first.")
    return await _replace_recovery_codes(uow, user.id)


async def is_required(uow: UnitOfWork, user_id: UUID) -> bool:
    """Whether a password alone does not sign the user in."""
    return any(each.confirmed_at is not None for each in await uow.factors.list_for_user(user_id))


async def use(uow: UnitOfWork, user_id: UUID, proof: FactorProof) -> bool:
    """Use a proof up; False when it was used in between."""
    match proof:
        case UsedStep(factor_id=factor_id, step=step):
            return await uow.factors.use_step(factor_id, step=step, at=uow.now)
        case UsedRecoveryCode(code_hash=code_hash):
            return await uow.factors.use_recovery_code(user_id, code_hash)
        case UsedChallenge():
            return await uow.factors.use_challenge(proof, at=uow.now)


def hash_recovery_code(code: str) -> bytes | None:
    """What is stored of a recovery code, however it is written; None for what cannot be one."""
    letters = "".join(each for each in code.upper() if each not in " -\u00a0\u2010\u2011\u2013")
    if len(letters) != _RECOVERY_CHARS or not letters.isascii() or not letters.isalnum():
        return None
    return hashlib.sha256(letters.encode()).digest()


async def _lock_owner(uow: UnitOfWork, actor: Actor) -> User:
    user = await lock_self(uow, actor)
    await sessions.require_recent_sign_in(uow, actor)
    return user


async def _replace_recovery_codes(uow: UnitOfWork, user_id: UUID) -> list[str]:
    codes = [_generate_recovery_code() for _ in range(RECOVERY_CODES)]
    hashes = [hash_recovery_code(each) for each in codes]
    await uow.factors.replace_recovery_codes(user_id, [each for each in hashes if each is not None])
    return codes


def _generate_recovery_code() -> str:
    letters = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode()
    return "-".join(letters[start : start + 4] for start in range(0, _RECOVERY_CHARS, 4))


def _notice(user: User, kind: AccountMailKind) -> AccountMail:
    return AccountMail(kind=kind, address=user.email_address, name=user.display_name)
