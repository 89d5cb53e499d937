"""Access tokens: what is accepted, and that nothing else is."""

import base64
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from auth.keys import SigningKey, SigningKeys
from auth.tokens import AccessTokens
from domain.actor import ALL_SCOPES, Scope
from domain.errors import TokenExpired, Unauthenticated
from domain.session import Device, Session, open_session
from persistence.unit_of_work import unit_of_work
from tests.support.app import App
from tests.support.teams import create_person

ISSUER = "https://hive.example"


class TokenIssuer:
    """Tokens over a key that the test holds, and an open session."""

    def __init__(self, tokens: AccessTokens, key: ECKey, session: Session) -> None:
        self.tokens = tokens
        self.key = key
        self.session = session

    def craft_token(self, header: dict[str, Any] | None = None, *, key: ECKey | None = None, **claims: Any) -> str:
        """A token as it is issued, but for some of its header, its claims (None: left out) or its key."""
        now = int(time.time())
        usual = {
            "iss": ISSUER,
            "aud": ISSUER,
            "sub": str(self.session.user_id),
            "sid": str(self.session.id),
            "iat": now,
            "exp": now + 600,
            "scope": "TASKS_READ",
        }
        held = {name: value for name, value in (usual | claims).items() if value is not None}
        whole = {"alg": "ES256", "typ": "at+jwt", "kid": self.key.kid} | (header or {})
        return jwt.encode({name: value for name, value in whole.items() if value is not None}, held, key or self.key)

    async def assert_refused(self, token: str) -> None:
        """The token is none; which of its faults it was is not told."""
        with pytest.raises(Unauthenticated) as refused:
            await self.tokens.authenticate(f"Bearer {token}")
        assert refused.type is Unauthenticated
        assert refused.value.message == "The access token is not valid; sign in again."


@pytest.fixture
async def token_issuer(app: App) -> TokenIssuer:
    key = ECKey.generate_key("P-256", auto_kid=True)
    assert key.kid is not None
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        user = (await create_person(uow, "Bearer")).user
        session, _ = await open_session(uow, user, Device())
    return TokenIssuer(
        AccessTokens(SigningKeys([SigningKey(key.kid, key, 0.0)]), app.resources.database, issuer=ISSUER), key, session
    )


async def test_an_issued_token_speaks_for_its_user_with_every_scope(token_issuer: TokenIssuer) -> None:
    before = int(time.time())
    bearer = await token_issuer.tokens.authenticate(f"Bearer {token_issuer.tokens.issue(token_issuer.session)}")
    assert bearer is not None
    assert bearer.actor.user_id == token_issuer.session.user_id
    assert bearer.actor.session_id == token_issuer.session.id
    assert bearer.actor.scopes == ALL_SCOPES
    assert before + 600 <= bearer.expires_at <= time.time() + 600


async def test_a_token_has_the_scopes_that_it_names(token_issuer: TokenIssuer) -> None:
    bearer = await token_issuer.tokens.authenticate(f"bearer  {token_issuer.craft_token(scope='TASKS_READ TEAMS_READ')} ")
    assert bearer is not None
    assert bearer.actor.scopes == {Scope.TASKS_READ, Scope.TEAMS_READ}


async def test_nobody_asks_without_a_header(token_issuer: TokenIssuer) -> None:
    assert await token_issuer.tokens.authenticate(None) is None


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "token", f"Bearer {'x' * 5000}"])
async def test_a_header_without_a_bearer_token_is_refused(token_issuer: TokenIssuer, header: str) -> None:
    with pytest.raises(Unauthenticated, match="holds no Bearer token"):
        await token_issuer.tokens.authenticate(header)


async def test_a_token_whose_time_is_over_is_expired(token_issuer: TokenIssuer) -> None:
    now = int(time.time())
    with pytest.raises(TokenExpired):
        await token_issuer.tokens.authenticate(f"Bearer {token_issuer.craft_token(iat=now - 601, exp=now - 1)}")


@pytest.mark.parametrize("ahead_seconds", [1, 300, 590])
async def test_a_token_of_a_server_whose_clock_is_ahead_is_good_and_lives_by_the_own_clock(
    token_issuer: TokenIssuer, ahead_seconds: int
) -> None:
    now = int(time.time())
    token = token_issuer.craft_token(iat=now + ahead_seconds, exp=now + ahead_seconds + 600)
    bearer = await token_issuer.tokens.authenticate(f"Bearer {token}")
    assert bearer is not None
    assert bearer.expires_at == now + ahead_seconds + 600


async def test_a_token_of_the_far_future_is_refused(token_issuer: TokenIssuer) -> None:
    now = int(time.time())
    await token_issuer.assert_refused(token_issuer.craft_token(iat=now + 3600, exp=now + 4200))


async def test_a_token_that_was_good_expires_while_it_is_remembered(token_issuer: TokenIssuer) -> None:
    token = token_issuer.craft_token()
    bearer = await token_issuer.tokens.authenticate(f"Bearer {token}")
    assert bearer is not None
    bearer.expires_at = time.time() - 1
    with pytest.raises(TokenExpired):
        await token_issuer.tokens.check_active(bearer)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "https://evil.example"},
        {"aud": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"nbf": 4102444800},
        {"sub": None},
        {"sub": "ada"},
        {"sid": None},
        {"sid": 7},
        {"scope": None},
        {"scope": "EVERYTHING"},
        {"scope": ["TASKS_READ"]},
    ],
    ids=str,
)
async def test_a_token_with_other_claims_is_refused(token_issuer: TokenIssuer, claims: dict[str, Any]) -> None:
    await token_issuer.assert_refused(token_issuer.craft_token(**claims))


@pytest.mark.parametrize("header", [{"typ": "JWT"}, {"typ": None}, {"typ": "id+jwt"}, {"kid": "unknown"}], ids=str)
async def test_a_token_of_another_kind_or_key_id_is_refused(token_issuer: TokenIssuer, header: dict[str, Any]) -> None:
    await token_issuer.assert_refused(token_issuer.craft_token(header))


async def test_a_token_signed_by_another_key_is_refused(token_issuer: TokenIssuer) -> None:
    other = ECKey.generate_key("P-256")
    await token_issuer.assert_refused(token_issuer.craft_token(key=other))
    await token_issuer.assert_refused(token_issuer.craft_token({"kid": None}, key=other))


async def test_a_token_without_a_signature_is_refused(token_issuer: TokenIssuer) -> None:
    head, body, signature = token_issuer.craft_token().split(".")
    for algorithm in ("none", "None", "NONE"):
        unsigned = _part({"alg": algorithm, "typ": "at+jwt", "kid": token_issuer.key.kid})
        await token_issuer.assert_refused(f"{unsigned}.{body}.")
        await token_issuer.assert_refused(f"{unsigned}.{body}.{signature}")
    await token_issuer.assert_refused(f"{head}.{body}.")


async def test_a_public_key_is_no_shared_secret(token_issuer: TokenIssuer) -> None:
    _, body, _ = token_issuer.craft_token().split(".")
    signed = f"{_part({'alg': 'HS256', 'typ': 'at+jwt', 'kid': token_issuer.key.kid})}.{body}"
    signature = hmac.digest(token_issuer.key.as_pem(private=False), signed.encode(), "sha256")
    await token_issuer.assert_refused(f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}")


async def test_a_token_that_was_tampered_with_is_refused(token_issuer: TokenIssuer) -> None:
    head, body, signature = token_issuer.craft_token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    await token_issuer.assert_refused(f"{head}.{_part(claims | {'scope': 'TASKS_WRITE'})}.{signature}")
    await token_issuer.assert_refused(f"{head}.{body}.{signature[:-4]}AAAA")


@pytest.mark.parametrize(
    "token",
    ["a", "a.b.c", "..", "....", "e30.e30.e30", "é.é.é", "\u0000.\u0000.\u0000", "=.=.=", "W10.W10.W10", "bnVsbA.bnVsbA."],
)
async def test_what_is_no_token_is_refused(token_issuer: TokenIssuer, token: str) -> None:
    await token_issuer.assert_refused(token)


async def test_a_header_that_nests_without_end_is_refused(token_issuer: TokenIssuer) -> None:
    nested = base64.urlsafe_b64encode(b"[" * 3000).decode()
    await token_issuer.assert_refused(f"{nested}.e30.e30")


async def test_what_a_stranger_says_is_not_remembered(token_issuer: TokenIssuer) -> None:
    for number in range(3):
        await token_issuer.assert_refused(token_issuer.craft_token(key=ECKey.generate_key("P-256"), jti=str(number)))
    assert len(token_issuer.tokens._verified_tokens) == 0


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sessions SET revoked_at = now() WHERE id = $1",
        "UPDATE sessions SET expires_at = now() WHERE id = $1",
        "UPDATE users SET status = 'INACTIVE' WHERE id = (SELECT user_id FROM sessions WHERE id = $1)",
        "UPDATE users SET status = 'PENDING' WHERE id = (SELECT user_id FROM sessions WHERE id = $1)",
    ],
)
async def test_a_token_is_good_as_long_as_its_session_and_its_user(app: App, token_issuer: TokenIssuer, change: str) -> None:
    token = token_issuer.craft_token()
    bearer = await token_issuer.tokens.authenticate(f"Bearer {token}")
    assert bearer is not None
    await app.sql.execute(change, token_issuer.session.id)
    token_issuer.tokens._checked_sessions.remove(token_issuer.session.id)  # as a second later
    with pytest.raises(Unauthenticated, match="The session has ended"):
        await token_issuer.tokens.check_active(bearer)
    with pytest.raises(Unauthenticated, match="The session has ended"):
        await token_issuer.tokens.authenticate(f"Bearer {token}")


async def test_whether_a_session_is_open_is_asked_once_a_second(app: App, token_issuer: TokenIssuer) -> None:
    token = token_issuer.craft_token()
    before = app.resources.database.statements_run
    for _ in range(20):
        await token_issuer.tokens.authenticate(f"Bearer {token}")
    assert app.resources.database.statements_run == before + 1


async def test_a_session_that_never_was_is_not_open(token_issuer: TokenIssuer) -> None:
    with pytest.raises(Unauthenticated, match="The session has ended"):
        await token_issuer.tokens.authenticate(f"Bearer {token_issuer.craft_token(sid=str(UUID(int=7)))}")


def test_a_session_lasts_thirty_days(token_issuer: TokenIssuer) -> None:
    assert timedelta(days=29, hours=23) < token_issuer.session.expires_at - datetime.now(UTC) <= timedelta(days=30)


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
