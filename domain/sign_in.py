"""Signing in: a passkey, or a password and perhaps a second factor, then a session.

Whoever asks for a password (a mutation, a page) calls `SignIn.with_password`. The result is `SignedIn`, or `FactorRequired` with
a challenge, by which `with_factor` goes on in another request without the password. The session is opened in a unit of work of
the caller's own with what was returned (`open_session`), which uses the code, or the challenge of the passkey, up. Wrong
passwords, unknown addresses and accounts that cannot sign in are one error after the same time; so are all passkeys that sign
nobody in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

from domain import factor as factors
from domain import session as sessions
from domain.actor import Actor
from domain.errors import Unauthenticated
from domain.factor import FactorKind, FactorProof, UsedChallenge
from domain.passkey import Assertion
from domain.ports import UnitOfWork
from domain.rate_limit import RateLimit
from domain.session import Device, Session, SessionKind
from domain.user import User, UserStatus

_PER_ACCOUNT: Final = RateLimit(name="sign-in account", max_uses=5, window_seconds=60)
_PER_ADDRESS: Final = RateLimit(name="sign-in address", max_uses=20, window_seconds=60)
_CODES: Final = RateLimit(name="code account", max_uses=10, window_seconds=3600)
_REGISTRATIONS: Final = RateLimit(name="registration address", max_uses=100, window_seconds=3600)
_MAILS_TO_ADDRESS: Final = RateLimit(name="mail recipient", max_uses=5, window_seconds=3600)
_MAILS_FROM_ADDRESS: Final = RateLimit(name="mail address", max_uses=20, window_seconds=60)
_TOKENS: Final = RateLimit(name="token address", max_uses=20, window_seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInLimits:
    """How often one may try. `codes`: by whoever has the password, so that a million codes take them years."""

    per_account: RateLimit = _PER_ACCOUNT
    per_address: RateLimit = _PER_ADDRESS
    codes: RateLimit = _CODES
    registrations: RateLimit = _REGISTRATIONS
    mails_to_recipient: RateLimit = _MAILS_TO_ADDRESS
    mails_from_address: RateLimit = _MAILS_FROM_ADDRESS
    tokens: RateLimit = _TOKENS


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Somebody who has shown who they are, and has no session yet."""

    user: User
    password_hash: str | None = field(repr=False)
    """The stored hash: that which their password matched, or that which the account has beside the passkey."""
    proof: FactorProof | None = None
    """Of the factor; None for an account without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorRequired:
    """The password is right, and a factor is needed too. `challenge` is good for five minutes."""

    challenge: str = field(repr=False)
    kinds: Sequence[FactorKind]


SignInResult = SignedIn | FactorRequired
ShownFactor = str | Assertion
"""A code of an authenticator app, a recovery code, or what a passkey has signed."""


class SignIn(Protocol):
    """
    Judges who somebody is. Tries are limited by account and by `address`, the network address of the client.

    Refused ones are recorded, with `user_agent`, for those who look after the person's teams.
    """

    async def with_password(
        self, email: str, password: str, *, factor: ShownFactor | None = None, address: str | None, user_agent: str | None = None
    ) -> SignInResult:
        """With a `factor` the result is never FactorRequired. Raises Unauthenticated, RateLimited, and Unavailable when too many
        sign in at once."""
        ...

    async def with_factor(
        self, challenge: str, factor: ShownFactor, *, address: str | None, user_agent: str | None = None
    ) -> SignedIn:
        """Go on after FactorRequired. Raises Unauthenticated and RateLimited."""
        ...

    async def with_identity(self, user_id: UUID) -> SignInResult:
        """Whom an outside provider has signed in, before a second factor. Raises Unauthenticated."""
        ...

    async def with_passkey(
        self, assertion: Assertion, *, user_id: UUID | None = None, address: str | None, user_agent: str | None = None
    ) -> SignedIn:
        """Whose passkey has signed, without a password; `user_id`: only this user. Raises Unauthenticated and RateLimited."""
        ...

    async def again(
        self,
        user_id: UUID,
        password: str,
        *,
        factor: ShownFactor | None = None,
        address: str | None,
        user_agent: str | None = None,
    ) -> SignInResult:
        """`with_password` for somebody who has a session."""
        ...

    async def count_registration(self, address: str | None) -> None:
        """Count somebody who registers. Raises RateLimited."""
        ...

    async def count_mail(self, recipient: str, *, address: str | None) -> None:
        """Count a mail that somebody causes to be sent to an e-mail address. Raises RateLimited."""
        ...

    async def count_token(self, address: str | None) -> None:
        """Count a try of a token that was sent by mail. Raises RateLimited."""
        ...


async def open_session(
    uow: UnitOfWork, signed_in: SignedIn, device: Device, *, kind: SessionKind = SessionKind.DIRECT
) -> tuple[Session, str]:
    """Start the session of somebody who has signed in; the second value is the refresh token, or the cookie of a browser.

    Raises Unauthenticated when, since they were compared, the password was changed, the account closed, a factor added, or the
    code used.
    """
    return await sessions.open_session(uow, await _use(uow, signed_in), device, kind=kind)


async def reauthenticate(uow: UnitOfWork, actor: Actor, signed_in: SignedIn) -> None:
    """Note in the actor's session that they have just signed in again. Raises Unauthenticated as `open_session` does."""
    await _use(uow, signed_in)
    await sessions.reauthenticate(uow, actor)


async def _use(uow: UnitOfWork, signed_in: SignedIn) -> User:
    found = await uow.users.lock_credentials(signed_in.user.id)
    if found is None or found[0].status is not UserStatus.ACTIVE or found[1] != signed_in.password_hash:
        raise wrong_password()
    user = found[0]
    if signed_in.proof is None and await factors.is_required(uow, user.id):
        raise wrong_password()
    if signed_in.proof is not None and not await factors.use(uow, user.id, signed_in.proof):
        raise wrong_passkey() if isinstance(signed_in.proof, UsedChallenge) else wrong_code()
    return user


def wrong_password() -> Unauthenticated:
    """The error for whatever is wrong with an address and a password."""
    return Unauthenticated("The e-mail address or the password is wrong.", path=("input",))


def wrong_code() -> Unauthenticated:
    """The error for a code that is wrong, or was used."""
    return Unauthenticated("The code is wrong, or was used before.", path=("input", "code"))


def wrong_passkey() -> Unauthenticated:
    """The error for whatever is wrong with a passkey."""
    message = "This passkey does not sign in here, or it took longer than five minutes. Try again."
    return Unauthenticated(message, path=("input", "credential"))
