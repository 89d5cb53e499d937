"""Signing up and signing in, through the graph."""

import asyncio
import hashlib
from typing import Any

import pytest

from auth import passwords
from tests.support.app import App
from tests.support.sign_in import PASSWORD, REFRESH, actor_of, register, sessions_of, sign_in, unused_email
from tests.support.teams import uuid_of


async def accounts_with(app: App, email: str) -> int:
    """How many accounts have an address, whatever its case."""
    found = await app.sql.fetchval("SELECT count(*) FROM users WHERE lower(email) = lower($1)", email)
    return int(found)


# ── signing up ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_registers_is_signed_in(app: App) -> None:
    email = unused_email()
    payload = await register(app, email=f"  {email} ", firstName=" Ada ", clientMutationId="first")
    assert payload["errors"] == []
    assert payload["clientMutationId"] == "first"
    assert payload["cursor"] is not None
    assert payload["user"] == {
        "id": payload["user"]["id"],
        "displayName": "Ada Lovelace",
        "email": email,
        "version": 1,
        "status": "ACTIVE",
    }
    assert payload["tokens"]["expiresIn"] == 600
    assert "TASKS_WRITE" in payload["tokens"]["scopes"]
    actor = await actor_of(app, payload)
    assert actor.user_id == uuid_of(payload["user"]["id"])
    assert str(actor.session_id) == payload["tokens"]["refreshToken"].partition(".")[0]
    seen = await app.execute(None, "{ viewer { id email account { email emailVerifiedAt } } }", actor=actor)
    assert seen["data"]["viewer"] == {
        "id": payload["user"]["id"],
        "email": email,
        "account": {"email": email, "emailVerifiedAt": None},
    }


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"password": "9 letters"}, ("INVALID", "password", "A password has at least 10 characters.")),
        ({"password": "x" * 257}, ("TOO_LONG", "password", "At most 256 characters are allowed.")),
        ({"email": ""}, ("INVALID", "email", "This is not an e-mail address.")),
        ({"email": "ada"}, ("INVALID", "email", "This is not an e-mail address.")),
        ({"email": "ada@localhost"}, ("INVALID", "email", "This is not an e-mail address.")),
        ({"email": "ada@example.com.\n"}, ("INVALID", "email", "This is not an e-mail address.")),
        ({"email": "ada lovelace@example.com"}, ("INVALID", "email", "This is not an e-mail address.")),
        ({"email": "ada@example.com,eve@example.com"}, ("INVALID", "email", "This is not an e-mail address.")),
        ({"email": "ada\u0000@example.com"}, ("INVALID", "email", "This is not an e-mail address.")),
        ({"email": f"{'a' * 250}@example.com"}, ("TOO_LONG", "email", "At most 254 characters are allowed.")),
        ({"firstName": " "}, ("REQUIRED", "firstName", "A value is needed here.")),
        ({"lastName": ""}, ("REQUIRED", "lastName", "A value is needed here.")),
        ({"lastName": "x" * 101}, ("TOO_LONG", "lastName", "At most 100 characters are allowed.")),
        ({"firstName": "A\u0000da"}, ("INVALID", "firstName", "Control characters are not allowed.")),
    ],
)
async def test_what_cannot_be_an_account_is_refused_where_it_is_wrong(app: App, given: Any, error: tuple[str, str, str]) -> None:
    before = await app.sql.fetchval("SELECT count(*) FROM users")
    payload = await register(app, **given)
    code, field, message = error
    assert payload["errors"] == [{"__typename": "ValidationError", "code": code, "path": ["input", field], "message": message}]
    assert (payload["user"], payload["tokens"], payload["cursor"]) == (None, None, None)
    assert await app.sql.fetchval("SELECT count(*) FROM users") == before


@pytest.mark.parametrize("password", ["ten chars!", "x" * 256, "пароль пароль"])
async def test_length_is_the_only_rule_for_a_password(app: App, password: str) -> None:
    email = unused_email()
    assert (await register(app, email=email, password=password))["errors"] == []
    assert (await sign_in(app, email, password))["errors"] == []


async def test_one_address_has_one_account_whatever_its_case(app: App) -> None:
    email = unused_email()
    await register(app, email=email)
    payload = await register(app, email=email.upper())
    assert payload["errors"] == [
        {
            "__typename": "ValidationError",
            "code": "NOT_UNIQUE",
            "path": ["input", "email"],
            "message": "There is an account with this address.",
        }
    ]
    assert payload["tokens"] is None
    assert await accounts_with(app, email) == 1


async def test_two_who_register_the_same_address_at_once_make_one_account(app: App) -> None:
    email = unused_email()
    payloads = await asyncio.gather(register(app, email=email), register(app, email=email.lower()))
    codes = sorted(error["code"] for payload in payloads for error in payload["errors"])
    assert codes == ["NOT_UNIQUE"]
    assert await accounts_with(app, email) == 1


# ── signing in ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_right_password_signs_in_whatever_the_case_of_the_address(app: App) -> None:
    email = unused_email()
    account = await register(app, email=email)
    payload = await sign_in(app, f" {email.upper()} ")
    assert payload["errors"] == []
    assert payload["user"]["id"] == account["user"]["id"]
    assert (await actor_of(app, payload)).session_id != (await actor_of(app, account)).session_id


async def test_a_wrong_password_and_an_unknown_address_are_the_same_answer(app: App) -> None:
    email = unused_email()
    account = await register(app, email=email)
    wrong = await sign_in(app, email, "wrong horse battery")
    assert wrong == await sign_in(app, unused_email())
    assert wrong == await sign_in(app, email, PASSWORD + "x" * 300)
    assert wrong == {
        "clientMutationId": None,
        "cursor": None,
        "errors": [
            {
                "__typename": "ValidationError",
                "code": "UNAUTHENTICATED",
                "path": ["input"],
                "message": "The e-mail address or the password is wrong.",
            }
        ],
        "user": None,
        "tokens": None,
    }
    assert len(await sessions_of(app, await actor_of(app, account))) == 1


async def test_more_may_sign_in_at_once_than_there_are_connections(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_QUEUE_TIMEOUT_SECONDS", 60.0)  # a busy machine hashes no twelve passwords in five seconds
    email = unused_email()
    await register(app, email=email)
    payloads = await asyncio.gather(*(sign_in(app, email) for _ in range(12)))
    assert [payload["errors"] for payload in payloads] == [[]] * 12


async def test_only_hashes_of_secrets_are_stored(app: App) -> None:
    account = await register(app)
    actor = await actor_of(app, account)
    keyed = {"refreshToken": account["tokens"]["refreshToken"], "clientMutationId": "kept"}
    refreshed = (await app.execute(None, REFRESH, actor=actor, input=keyed))["data"]["sessionRefresh"]
    pool = app.sql
    secret = refreshed["tokens"]["refreshToken"].partition(".")[2]
    stored = await pool.fetchrow("SELECT * FROM sessions WHERE id = $1", actor.session_id)
    assert stored is not None
    assert stored["secret_hash"] == hashlib.sha256(secret.encode()).digest()
    assert secret not in str(dict(stored))
    user = await pool.fetchrow("SELECT * FROM users WHERE id = $1", actor.user_id)
    assert user is not None
    assert user["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    for table in ("idempotency_keys", "events"):
        for given in (PASSWORD, secret, refreshed["tokens"]["accessToken"], user["password_hash"]):
            found = await pool.fetchval(f"SELECT count(*) FROM {table} t WHERE strpos(t::text, $1) > 0", given)
            assert found == 0, table
