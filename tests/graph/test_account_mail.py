"""Verifying an address, changing it, and choosing a new password, each by a link that is sent by mail."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from auth.account_mail import BackgroundAccountMailer
from domain.actor import Actor
from domain.errors import Unauthenticated
from resolvers.context import Services
from tests.support.app import App
from tests.support.graph_actions import mutation_text, table_states
from tests.support.row_locks import calls_blocked_on_row
from tests.support.sign_in import PASSWORD, actor_of, refresh, register, sessions_of, sign_in, unused_email
from tests.support.teams import create_person_without_team

NEW = "a battery of horses"
NOT_FOUND = [("NOT_FOUND", ["input", "token"])]


async def call(app: App, name: str, actor: Actor | None = None, **fields: Any) -> Any:
    """A mutation's payload."""
    answer = await app.execute(None, mutation_text(name), actor=actor, input=fields)
    assert "errors" not in answer, answer
    return answer["data"][name]


async def codes_of(app: App, name: str, actor: Actor | None = None, **fields: Any) -> list[tuple[str, Any]]:
    """The codes and paths of a mutation's errors."""
    return [(each["code"], each["path"]) for each in (await call(app, name, actor, **fields))["errors"]]


def token_in(link: str) -> str:
    """The token of a link."""
    (token,) = parse_qs(urlsplit(link).query)["token"]
    return token


async def links_of(app: App, name: str, actor: Actor | None = None, **fields: Any) -> list[str]:
    """The tokens of the mails that a mutation sent, as development shows them."""
    answer = await app.execute(None, mutation_text(name, "developmentLinks"), actor=actor, input=fields)
    payload = answer["data"][name]
    assert payload["errors"] == []
    return [token_in(each) for each in payload["developmentLinks"] or []]


async def registered(app: App, **fields: Any) -> tuple[Actor, str]:
    """Somebody new, and the token that verifies their address."""
    text = "mutation ($input: UserRegisterInput!) { userRegister(input: $input) { developmentLinks tokens { accessToken } errors { code } } }"
    given = {"email": unused_email(), "password": PASSWORD, "firstName": "Ada", "lastName": "Lovelace"} | fields
    payload = (await app.run(None, text, input=given))["userRegister"]
    (link,) = payload["developmentLinks"]
    return await actor_of(app, payload), token_in(link)


async def account_of(app: App, actor: Actor) -> Any:
    """What somebody sees of their account."""
    answer = await app.execute(None, "{ viewer { account { email emailVerifiedAt } } }", actor=actor)
    return answer["data"]["viewer"]["account"]


async def expire_tokens(app: App, actor: Actor) -> None:
    """Make the tokens of somebody as old as they can be."""
    await app.sql.execute("UPDATE account_tokens SET expires_at = now() WHERE user_id = $1", actor.user_id)


# ── verifying ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_address_is_verified_once_with_the_token_that_was_sent_to_it(app: App) -> None:
    actor, token = await registered(app)
    assert (await account_of(app, actor))["emailVerifiedAt"] is None
    assert (await call(app, "emailVerify", token=token))["errors"] == []
    assert (await account_of(app, actor))["emailVerifiedAt"] is not None
    before = await table_states(app)
    assert await codes_of(app, "emailVerify", token=token) == NOT_FOUND
    assert await table_states(app) == before


@pytest.mark.parametrize("token", ["", "x", "x" * 5000, "é", "😀"])
async def test_what_never_was_a_token_is_not_found(app: App, token: str) -> None:
    before = await table_states(app)
    assert await codes_of(app, "emailVerify", token=token) == NOT_FOUND
    assert await codes_of(app, "passwordReset", token=token, newPassword=NEW) == NOT_FOUND
    assert await table_states(app) == before


async def test_a_token_is_good_for_an_hour_and_for_one_purpose(app: App) -> None:
    actor, token = await registered(app)
    assert await codes_of(app, "passwordReset", token=token, newPassword=NEW) == NOT_FOUND
    stored = await app.sql.fetchval("SELECT expires_at - created_at FROM account_tokens WHERE user_id = $1", actor.user_id)
    assert stored.total_seconds() == 3600
    await expire_tokens(app, actor)
    assert await codes_of(app, "emailVerify", token=token) == NOT_FOUND
    assert (await account_of(app, actor))["emailVerifiedAt"] is None


async def test_only_hashes_of_tokens_are_stored(app: App) -> None:
    actor, token = await registered(app)
    row = await app.sql.fetchrow("SELECT * FROM account_tokens WHERE user_id = $1", actor.user_id)
    assert row is not None
    assert token not in str(dict(row))


async def test_an_own_address_may_ask_for_its_verification_again(app: App) -> None:
    email = unused_email()
    actor, first = await registered(app, email=email)
    (second,) = await links_of(app, "emailChangeRequest", actor, email=email.upper())
    assert second != first
    assert await codes_of(app, "emailVerify", token=second) == []
    assert await codes_of(app, "emailVerify", token=first) == []  # nothing is left to do
    assert await codes_of(app, "emailChangeRequest", actor, email=email) == [("INVALID", ["input", "email"])]


# ── another password ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_new_password_ends_all_sessions_and_the_token(app: App) -> None:
    email = unused_email()
    account = await register(app, email=email)
    actor = await actor_of(app, account)
    (token,) = await links_of(app, "passwordResetRequest", email=f" {email.upper()} ")
    (other,) = await links_of(app, "passwordResetRequest", email=email)
    assert await codes_of(app, "passwordReset", token=token, newPassword="9 letters") == [("INVALID", ["input", "newPassword"])]
    assert await codes_of(app, "passwordReset", token=token, newPassword=NEW) == []
    assert await sessions_of(app, actor) == []
    assert (await refresh(app, account["tokens"]["refreshToken"]))["errors"][0]["code"] == "UNAUTHENTICATED"
    assert (await sign_in(app, email))["errors"][0]["code"] == "UNAUTHENTICATED"
    assert (await sign_in(app, email, NEW))["errors"] == []
    for used in (token, other):
        assert await codes_of(app, "passwordReset", token=used, newPassword=PASSWORD) == NOT_FOUND
    assert (await account_of(app, actor))["emailVerifiedAt"] is not None
    assert (await sign_in(app, email, NEW))["errors"] == []


async def test_a_password_that_was_changed_meanwhile_ends_the_token(app: App) -> None:
    email = unused_email()
    actor = await actor_of(app, await register(app, email=email))
    (token,) = await links_of(app, "passwordResetRequest", email=email)
    assert await codes_of(app, "passwordChange", actor, newPassword=NEW) == []
    assert await codes_of(app, "passwordReset", token=token, newPassword=PASSWORD) == NOT_FOUND
    assert (await sign_in(app, email, NEW))["errors"] == []


async def test_asking_for_an_unknown_address_is_the_same_answer_and_the_same_work(app: App) -> None:
    mailer = app.resources.services.account_mailer
    assert isinstance(mailer, BackgroundAccountMailer)
    known = (await create_person_without_team(app)).user.email_address
    text = "mutation ($input: PasswordResetRequestInput!) { passwordResetRequest(input: $input) { clientMutationId cursor errors { code } } }"
    answers, written, statements, mails = [], [], [], []
    for email in (known, unused_email()):
        await mailer._waiting.join()
        before, run_before = await table_states(app), app.resources.database.statements_run
        answers.append(await app.execute(None, text, input={"email": email}))
        statements.append(app.resources.database.statements_run - run_before)
        mails.append(mailer._waiting._unfinished_tasks)  # type: ignore[attr-defined]  # those that are being sent, too
        after = await table_states(app)
        written.append([name for name in after if after[name] != before[name]])
    assert answers[0] == answers[1]
    assert written == [["account_tokens"]] * 2
    assert statements[0] == statements[1]
    assert mails == [1, 1]


async def test_a_wrong_password_takes_the_same_statements_whether_there_is_an_account_or_not(app: App) -> None:
    known, statements = unused_email(), []
    await register(app, email=known)
    for email in (known, unused_email()):
        before = app.resources.database.statements_run
        with pytest.raises(Unauthenticated):
            await app.resources.services.sign_in.with_password(email, "not the password", address=None)
        statements.append(app.resources.database.statements_run - before)
    assert statements[0] == statements[1]


async def test_of_two_who_use_a_token_at_once_one_succeeds(app: App) -> None:
    email = unused_email()
    actor = await actor_of(app, await register(app, email=email))
    (token,) = await links_of(app, "passwordResetRequest", email=email)
    async with calls_blocked_on_row(app, "users", actor.user_id) as line:
        for number in range(3):
            line.start(codes_of(app, "passwordReset", token=token, newPassword=f"password {number}"))
    assert sorted(line.results) == [[], NOT_FOUND, NOT_FOUND]


async def test_a_session_is_not_opened_with_a_password_that_was_replaced_meanwhile(app: App) -> None:
    email = unused_email()
    actor = await actor_of(app, await register(app, email=email))
    (token,) = await links_of(app, "passwordResetRequest", email=email)
    async with calls_blocked_on_row(app, "users", actor.user_id) as line:
        line.start(codes_of(app, "passwordReset", token=token, newPassword=NEW))
        await asyncio.sleep(0.2)
        line.start(sign_in(app, email))
    reset, signed_in = line.results
    assert reset == []
    assert [each["code"] for each in signed_in["errors"]] == ["UNAUTHENTICATED"]
    assert await sessions_of(app, actor) == []


# ── another address ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("first", [0, 1])
async def test_an_address_changes_when_both_have_confirmed_in_whatever_order(app: App, first: int) -> None:
    email, new = unused_email(), unused_email()
    actor, _ = await registered(app, email=email)
    tokens = await links_of(app, "emailChangeRequest", actor, email=new)
    assert len(tokens) == 2
    assert await codes_of(app, "emailVerify", token=tokens[first]) == []
    assert (await account_of(app, actor))["email"] == email
    assert await codes_of(app, "emailVerify", token=tokens[first]) == NOT_FOUND
    assert await codes_of(app, "emailVerify", token=tokens[1 - first]) == []
    account = await account_of(app, actor)
    assert (account["email"], account["emailVerifiedAt"] is not None) == (new, True)
    assert (await sign_in(app, new))["errors"] == []
    assert (await sign_in(app, email))["errors"][0]["code"] == "UNAUTHENTICATED"


async def test_both_at_once_change_it_too(app: App) -> None:
    new = unused_email()
    actor, _ = await registered(app)
    tokens = await links_of(app, "emailChangeRequest", actor, email=new)
    async with calls_blocked_on_row(app, "users", actor.user_id) as line:
        for token in tokens:
            line.start(codes_of(app, "emailVerify", token=token))
    assert line.results == [[], []]
    assert (await account_of(app, actor))["email"] == new


async def test_a_later_request_takes_the_earlier_ones_tokens_away(app: App) -> None:
    new = unused_email()
    actor, _ = await registered(app)
    earlier = await links_of(app, "emailChangeRequest", actor, email=unused_email())
    assert await codes_of(app, "emailVerify", token=earlier[0]) == []
    later = await links_of(app, "emailChangeRequest", actor, email=new)
    assert await codes_of(app, "emailVerify", token=earlier[1]) == NOT_FOUND
    for token in later:
        assert await codes_of(app, "emailVerify", token=token) == []
    assert (await account_of(app, actor))["email"] == new


async def test_an_address_that_is_taken_is_not_told_and_not_given(app: App) -> None:
    taken = unused_email()
    await register(app, email=taken)
    actor, _ = await registered(app)
    (old,) = await links_of(app, "emailChangeRequest", actor, email=taken)
    assert await codes_of(app, "emailVerify", token=old) == []
    assert (await account_of(app, actor))["email"] != taken


async def test_an_address_that_was_taken_in_between_is_refused_and_nothing_changes(app: App) -> None:
    new = unused_email()
    actor, _ = await registered(app)
    old, other = await links_of(app, "emailChangeRequest", actor, email=new)
    await register(app, email=new)
    assert await codes_of(app, "emailVerify", token=old) == []
    before = await table_states(app)
    assert await codes_of(app, "emailVerify", token=other) == [("NOT_UNIQUE", ["input", "token"])]
    assert await table_states(app) == before


async def test_an_old_verification_is_worth_nothing_for_a_new_address(app: App) -> None:
    actor, first = await registered(app)
    for token in await links_of(app, "emailChangeRequest", actor, email=unused_email()):
        assert await codes_of(app, "emailVerify", token=token) == []
    before = await table_states(app)
    assert await codes_of(app, "emailVerify", token=first) == NOT_FOUND
    assert await table_states(app) == before


async def test_links_are_shown_in_development_only(isolated_app: App) -> None:
    services: Services = isolated_app.resources.services
    object.__setattr__(services, "development", False)
    account = await call(isolated_app, "userRegister", email="ada@example.com", password=PASSWORD, firstName="A", lastName="L")
    assert account["errors"] == []
    text = "mutation ($input: PasswordResetRequestInput!) { passwordResetRequest(input: $input) { developmentLinks errors { code } } }"
    answer = await isolated_app.run(None, text, input={"email": "ada@example.com"})
    assert answer["passwordResetRequest"] == {"developmentLinks": None, "errors": []}
