"""Judges passwords, with limits on how often one may try.

Everything is done for an unknown address that is done for a known one: the limits, one query, one hash.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

from auth.passwords import Argon2Passwords
from domain import rate_limit
from domain.email_address import MAX_ADDRESS_CHARS, email_key
from domain.rate_limit import LimitedUse, RateLimiter, network_of
from domain.sign_in import SignedIn, SignInLimits, wrong_password
from domain.user import MAX_PASSWORD_CHARS, User, UserStatus, prepare_password
from persistence.engine.database import Database
from persistence.stores.user import get_credentials, get_credentials_by_id


class PasswordSignIn:
    """Signs in by password: a `domain.sign_in.SignIn`."""

    def __init__(
        self, database: Database, passwords: Argon2Passwords, limiter: RateLimiter, *, limits: SignInLimits | None = None
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._limiter = limiter
        self._limits = limits or SignInLimits()

    async def with_password(self, email: str, password: str, *, address: str | None) -> SignedIn:
        """The user of an e-mail address and password. Raises Unauthenticated, RateLimited and Unavailable."""
        email = email.strip()[:MAX_ADDRESS_CHARS]
        return await self._sign_in(email_key(email), lambda: get_credentials(self._database, email), password, address)

    async def again(self, user_id: UUID, password: str, *, address: str | None) -> SignedIn:
        """A user who has a session, by their password. Raises Unauthenticated, RateLimited and Unavailable."""
        found = await get_credentials_by_id(self._database, user_id)
        if found is None:
            raise wrong_password()

        async def read() -> tuple[User, str | None] | None:
            return found

        return await self._sign_in(found[0].email_key, read, password, address)

    async def count_registration(self, address: str | None) -> None:
        """Count somebody who registers. Raises RateLimited."""
        await rate_limit.require(self._limiter, LimitedUse(self._limits.registrations, network_of(address)))

    async def count_mail(self, recipient: str, *, address: str | None) -> None:
        """Count a mail that somebody causes to be sent to an e-mail address. Raises RateLimited."""
        mail = LimitedUse(self._limits.mails_to_recipient, email_key(recipient))
        await rate_limit.require(self._limiter, mail, LimitedUse(self._limits.mails_from_address, network_of(address)))

    async def count_token(self, address: str | None) -> None:
        """Count a try of a token that was sent by mail. Raises RateLimited."""
        await rate_limit.require(self._limiter, LimitedUse(self._limits.tokens, network_of(address)))

    async def _sign_in(
        self, account: str, read: Callable[[], Awaitable[tuple[User, str | None] | None]], password: str, address: str | None
    ) -> SignedIn:
        account_try = LimitedUse(self._limits.per_account, account)
        await rate_limit.require(self._limiter, account_try, LimitedUse(self._limits.per_address, network_of(address)))
        found = await read()
        user, password_hash = found if found is not None else (None, None)
        matches = await self._passwords.verify(prepare_password(password[: MAX_PASSWORD_CHARS + 1]), password_hash)
        if user is None or not matches or user.status is not UserStatus.ACTIVE:
            raise wrong_password()
        await self._limiter.reset(account_try)  # the owner's own tries do not count against them
        return SignedIn(user=user, password_hash=password_hash)
