"""Judges passwords, codes and passkeys, with limits on how often one may try.

Everything is done for an unknown address that is done for a known one: the limits, one query, one hash.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from auth.challenges import Challenges
from auth.passwords import Argon2Passwords
from auth.relying_party import WebAuthnRelyingParty
from auth.secret_box import SecretBox
from domain import rate_limit, totp
from domain.audit.events import RefusedSignIn, SignInRefused, unknown_person
from domain.email_address import MAX_ADDRESS_CHARS, email_key
from domain.errors import Unauthenticated
from domain.factor import Factor, FactorKind, FactorProof, UsedRecoveryCode, UsedStep, hash_recovery_code
from domain.origin import origin_of
from domain.passkey import Assertion
from domain.rate_limit import LimitedUse, RateLimiter, network_of
from domain.session import Device
from domain.sign_in import (
    FactorRequired,
    ShownFactor,
    SignedIn,
    SignInLimits,
    SignInResult,
    wrong_code,
    wrong_passkey,
    wrong_password,
)
from domain.user import MAX_PASSWORD_CHARS, User, UserStatus, prepare_password
from persistence.engine.database import Database
from persistence.stores.factor import get_own, get_passkey, has_recovery_code, list_confirmed
from persistence.stores.user import Credentials, get_credentials, get_credentials_by_id
from persistence.unit_of_work import Announcer, SqlUnitOfWork, run_in_unit_of_work


class PasswordSignIn:
    """Signs in by password and factor, or by passkey: a `domain.sign_in.SignIn`, and a `domain.factor.TotpSecrets`."""

    def __init__(
        self,
        database: Database,
        passwords: Argon2Passwords,
        limiter: RateLimiter,
        *,
        challenges: Challenges,
        factor_secrets: SecretBox,
        relying_party: WebAuthnRelyingParty,
        announcer: Announcer,
        limits: SignInLimits | None = None,
    ) -> None:
        self._database = database
        self._announcer = announcer
        self._passwords = passwords
        self._limiter = limiter
        self._challenges = challenges
        self._factor_secrets = factor_secrets
        self._relying_party = relying_party
        self._limits = limits or SignInLimits()

    async def with_password(
        self, email: str, password: str, *, factor: ShownFactor | None = None, address: str | None, user_agent: str | None = None
    ) -> SignInResult:
        """The user of an e-mail address and password. Raises Unauthenticated, RateLimited and Unavailable."""
        email = email.strip()[:MAX_ADDRESS_CHARS]
        device = Device(ip_address=address, user_agent=user_agent)
        return await self._sign_in(email_key(email), lambda: get_credentials(self._database, email), password, factor, device)

    async def again(
        self,
        user_id: UUID,
        password: str,
        *,
        factor: ShownFactor | None = None,
        address: str | None,
        user_agent: str | None = None,
    ) -> SignInResult:
        """A user who has a session, by their password. Raises Unauthenticated, RateLimited and Unavailable."""
        found = await get_credentials_by_id(self._database, user_id)
        if found is None:
            raise wrong_password()

        async def read() -> Credentials | None:
            return found

        device = Device(ip_address=address, user_agent=user_agent)
        return await self._sign_in(found.to_user().email_key, read, password, factor, device)

    async def with_factor(
        self, challenge: str, factor: ShownFactor, *, address: str | None, user_agent: str | None = None
    ) -> SignedIn:
        """Who was asked for a factor, by that factor. Raises Unauthenticated and RateLimited."""
        user_id = self._challenges.user_of(challenge)
        found = await get_credentials_by_id(self._database, user_id) if user_id is not None else None
        if found is None or not self._challenges.matches(challenge, found.password_hash):
            raise wrong_password()
        user, password_hash = found.to_user(), found.password_hash
        if user.status is not UserStatus.ACTIVE:
            raise wrong_password()
        tries = self._tries(user.email_key, address)
        await rate_limit.require(self._limiter, *tries)
        device = Device(ip_address=address, user_agent=user_agent)
        proof = await self._check_factor(user, await list_confirmed(self._database, user.id), factor, device)
        await self._forgive(tries)
        return SignedIn(user=user, password_hash=password_hash, proof=proof)

    async def with_identity(self, user_id: UUID) -> SignInResult:
        """Whom an outside provider has signed in. Raises Unauthenticated."""
        found = await get_credentials_by_id(self._database, user_id)
        user = None if found is None else found.to_user()
        if found is None or user is None or user.status is not UserStatus.ACTIVE:
            raise Unauthenticated("This account cannot sign in.")
        if confirmed := await list_confirmed(self._database, user.id):
            return self._ask_for_factor(user, found.password_hash, confirmed)
        return SignedIn(user=user, password_hash=found.password_hash)

    async def with_passkey(
        self, assertion: Assertion, *, user_id: UUID | None = None, address: str | None, user_agent: str | None = None
    ) -> SignedIn:
        """Whose passkey has signed; `user_id`: only this user. Raises Unauthenticated and RateLimited."""
        credential_id = self._relying_party.credential_id(assertion) or b""
        # As many tries as passwords have, each of a credential's own, whether it is known or not.
        tries = self._tries(f"passkey {hashlib.sha256(credential_id).hexdigest()}", address)
        await rate_limit.require(self._limiter, *tries)
        passkey = await get_passkey(self._database, credential_id)
        if passkey is None or (user_id is not None and passkey.user_id != user_id):
            raise wrong_passkey()
        proof = await self._relying_party.verify_assertion(assertion, passkey, needs_user_handle=user_id is None)
        found = await get_credentials_by_id(self._database, passkey.user_id)
        device = Device(ip_address=address, user_agent=user_agent)
        if proof is None or found is None:
            await self._record_refusal(passkey.user_id, "PASSKEY", device)
            raise wrong_passkey()
        user = found.to_user()
        if user.status is not UserStatus.ACTIVE:
            await self._record_refusal(user.id, "ACCOUNT", device)
            raise wrong_passkey()
        await self._forgive(tries)
        return SignedIn(user=user, password_hash=found.password_hash, proof=proof)

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

    def new_secret(self, user_id: UUID) -> tuple[bytes, str]:
        """A new secret for one-time passwords, and its encrypted form."""
        secret = totp.generate_secret()
        return secret, self._factor_secrets.encrypt(secret, owner=user_id)

    async def matching_step(self, user_id: UUID, factor_id: UUID, code: str) -> int | None:
        """The step of a factor whose code this is now; None for a wrong code, and where there is no such factor. Raises
        RateLimited."""
        await rate_limit.require(self._limiter, LimitedUse(self._limits.codes, str(user_id)))
        factor = await get_own(self._database, user_id, factor_id)
        step = None if factor is None else self._step(factor, code)
        if step is not None:
            await self._limiter.reset(LimitedUse(self._limits.codes, str(user_id)))
        return step

    def _tries(self, account: str, address: str | None) -> tuple[LimitedUse, LimitedUse]:
        return LimitedUse(self._limits.per_account, account), LimitedUse(self._limits.per_address, network_of(address))

    async def _sign_in(
        self,
        account: str,
        read: Callable[[], Awaitable[Credentials | None]],
        password: str,
        factor: ShownFactor | None,
        device: Device,
    ) -> SignInResult:
        self._passwords.require_capacity()
        tries = self._tries(account, device.ip_address)
        await rate_limit.require(self._limiter, *tries)
        found = await read()
        password_hash = None if found is None else found.password_hash
        matches = await self._passwords.verify(prepare_password(password[: MAX_PASSWORD_CHARS + 1]), password_hash)
        if found is None or password_hash is None or not matches:
            user_id = unknown_person(account) if found is None else found.to_user().id
            await self._record_refusal(user_id, "PASSWORD", device, is_known=found is not None)
            raise wrong_password()
        user = found.to_user()
        if user.status is not UserStatus.ACTIVE:
            await self._record_refusal(user.id, "ACCOUNT", device)
            raise wrong_password()
        proof = None
        if confirmed := await list_confirmed(self._database, user.id):
            if factor is None:
                return self._ask_for_factor(user, password_hash, confirmed)
            proof = await self._check_factor(user, confirmed, factor, device)
        await self._forgive(tries)
        return SignedIn(user=user, password_hash=password_hash, proof=proof)

    def _ask_for_factor(self, user: User, password_hash: str | None, confirmed: Sequence[Factor]) -> FactorRequired:
        kinds = [*dict.fromkeys(FactorKind(each.kind) for each in confirmed), FactorKind.RECOVERY_CODE]
        return FactorRequired(challenge=self._challenges.issue(user.id, password_hash), kinds=kinds)

    async def _forgive(self, tries: tuple[LimitedUse, LimitedUse]) -> None:
        """Only wrong tries count: the owner's do not count against them, nor an office's against its people."""
        account, address = tries
        await self._limiter.reset(account)
        await self._limiter.give_back(address)

    async def _record_refusal(self, user_id: UUID, reason: str, device: Device, *, is_known: bool = True) -> None:
        """Record that somebody could not sign in; the same is done for an address that nobody has."""

        async def run(uow: SqlUnitOfWork) -> None:
            team_ids = tuple(await uow.users.team_ids(user_id))
            refused = RefusedSignIn(id=uow.new_id(), reason=reason, team_ids=team_ids)
            uow.record(SignInRefused(actor_id=user_id if is_known else None, user_id=user_id, sign_in=refused))

        await run_in_unit_of_work(self._database, self._announcer, run, origin=origin_of(None, device))

    async def _check_factor(self, user: User, confirmed: Sequence[Factor], factor: ShownFactor, device: Device) -> FactorProof:
        """The proof that a code or passkey is; raises Unauthenticated and RateLimited."""
        code_try = LimitedUse(self._limits.codes, str(user.id))
        await rate_limit.require(self._limiter, code_try)
        proof = await self._find_proof(user, confirmed, factor)
        if proof is None:
            is_passkey = isinstance(factor, Assertion)
            await self._record_refusal(user.id, "PASSKEY" if is_passkey else "CODE", device)
            raise wrong_passkey() if is_passkey else wrong_code()
        await self._limiter.reset(code_try)
        return proof

    async def _find_proof(self, user: User, confirmed: Sequence[Factor], factor: ShownFactor) -> FactorProof | None:
        if isinstance(factor, Assertion):
            credential_id = self._relying_party.credential_id(factor)
            passkey = next((each for each in confirmed if credential_id and each.credential_id == credential_id), None)
            return (
                None if passkey is None else await self._relying_party.verify_assertion(factor, passkey, needs_user_handle=False)
            )
        for each in confirmed:
            if (step := self._step(each, factor)) is not None:
                return UsedStep(factor_id=each.id, step=step)
        code_hash = hash_recovery_code(factor)
        if code_hash is not None and await has_recovery_code(self._database, user.id, code_hash):
            return UsedRecoveryCode(code_hash=code_hash)
        return None

    def _step(self, factor: Factor, code: str) -> int | None:
        if factor.encrypted_secret is None:
            return None
        secret = self._factor_secrets.decrypt(factor.encrypted_secret, owner=factor.user_id)
        return None if secret is None else totp.matching_step(secret, code, datetime.now(UTC), after=factor.last_step)
