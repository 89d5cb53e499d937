"""Who may register: with `verify` whoever answers the mail, with `invite` whoever a team has invited; neither tells who is there."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import asyncpg
import pytest

from app.bootstrap import open_resources
from app.settings import Settings
from tests.conftest import migrate_template
from tests.graph.test_account_mail import NOT_FOUND, codes_of, token_in
from tests.support.app import GENEROUS_LIMITS, IDLE_TIMINGS, App
from tests.support.backing_services import database_from_template
from tests.support.graph_actions import mutate, table_states
from tests.support.sign_in import PASSWORD, sign_in, unused_email
from tests.support.teams import create_sample_team

REGISTER = """mutation ($input: UserRegisterInput!) {
  userRegister(input: $input) { clientMutationId cursor errors { code path message } user { id } tokens { accessToken } }
}"""
SHOW_LINKS = "mutation ($input: UserRegisterInput!) { userRegister(input: $input) { developmentLinks errors { code } } }"


def account(email: str, **fields: Any) -> dict[str, Any]:
    """An input of `userRegister`."""
    return {"email": email, "password": PASSWORD, "firstName": "Ada", "lastName": "Lovelace"} | fields


async def open_app(mode: Literal["invite", "verify"], server: str, folder: Path) -> AsyncIterator[App]:
    async with (
        database_from_template(server, "migrated", migrate_template) as url,
        open_resources(
            Settings(database_connections=4, data_dir=folder, registration=mode),
            url,
            timings=IDLE_TIMINGS,
            sign_in_limits=GENEROUS_LIMITS,
        ) as resources,
        asyncpg.create_pool(url, min_size=0, max_size=2) as sql,
    ):
        yield App(resources, sql)


@pytest.fixture(scope="module")
async def verifying(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """An application where whoever registers answers a mail first."""
    async for each in open_app("verify", postgres_server, tmp_path_factory.mktemp("verify")):
        yield each


@pytest.fixture(scope="module")
async def inviting(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """An application where only invited addresses register."""
    async for each in open_app("invite", postgres_server, tmp_path_factory.mktemp("invite")):
        yield each


async def tokens_for(app: App, email: str, **fields: Any) -> list[str]:
    """The tokens of the mails that registering sends."""
    payload = (await app.run(None, SHOW_LINKS, input=account(email, **fields)))["userRegister"]
    assert payload["errors"] == []
    return [token_in(each) for each in payload["developmentLinks"] or []]


async def test_an_account_comes_to_be_when_its_mail_is_answered(verifying: App) -> None:
    email = unused_email()
    before = await verifying.sql.fetchval("SELECT count(*) FROM users")
    (token,) = await tokens_for(verifying, email)
    assert await verifying.sql.fetchval("SELECT count(*) FROM users") == before
    assert (await sign_in(verifying, email))["errors"][0]["code"] == "UNAUTHENTICATED"
    assert await codes_of(verifying, "emailVerify", token=token) == []
    signed_in = await sign_in(verifying, email)
    assert (signed_in["errors"], signed_in["user"]["displayName"]) == ([], "Ada Lovelace")
    verified = await verifying.sql.fetchval("SELECT email_verified_at IS NOT NULL FROM users WHERE email = $1", email)
    assert verified is True
    assert await codes_of(verifying, "emailVerify", token=token) == NOT_FOUND


async def test_registering_does_not_tell_who_is_there(verifying: App, inviting: App) -> None:
    for app in (verifying, inviting):
        taken = (await create_sample_team(app)).owner.user.email_address
        answers, written = [], []
        for email in (taken, unused_email(), taken.upper()):
            before = await table_states(app)
            answers.append(await app.run(None, REGISTER, input=account(email)))
            after = await table_states(app)
            written.append([name for name in after if after[name] != before[name]])
        assert (
            answers
            == [{"userRegister": {"clientMutationId": None, "cursor": None, "errors": [], "user": None, "tokens": None}}] * 3
        )
        assert written == [["account_tokens"]] * 3


async def test_an_address_with_an_account_is_sent_no_token(verifying: App) -> None:
    email = unused_email()
    (first,) = await tokens_for(verifying, email)
    (second,) = await tokens_for(verifying, email, password="another password")
    assert await codes_of(verifying, "emailVerify", token=second) == []
    assert await tokens_for(verifying, email) == []
    assert await codes_of(verifying, "emailVerify", token=first) == NOT_FOUND
    assert (await sign_in(verifying, email, "another password"))["errors"] == []
    assert (await sign_in(verifying, email))["errors"][0]["code"] == "UNAUTHENTICATED"


async def test_two_answers_at_once_make_one_account(verifying: App) -> None:
    email = unused_email()
    tokens = [*await tokens_for(verifying, email), *await tokens_for(verifying, email)]
    outcomes = await asyncio.gather(*(codes_of(verifying, "emailVerify", token=each) for each in tokens))
    assert sorted(outcomes) == [[], NOT_FOUND]
    assert await verifying.sql.fetchval("SELECT count(*) FROM users WHERE email = $1", email) == 1


async def test_what_cannot_be_an_account_is_refused_at_once(verifying: App) -> None:
    before = await table_states(verifying)
    for wrong, path in (({"password": "short"}, "password"), ({"firstName": " "}, "firstName"), ({"email": "ada"}, "email")):
        payload = (await verifying.run(None, REGISTER, input=account(unused_email()) | wrong))["userRegister"]
        assert [each["path"] for each in payload["errors"]] == [["input", path]]
    assert await table_states(verifying) == before


async def test_only_an_invited_address_is_written_to(inviting: App) -> None:
    team = await create_sample_team(inviting)
    email = unused_email()
    assert await tokens_for(inviting, email) == []
    invited = await mutate(inviting, team.owner, "teamInvite", "invitationToken", teamId=team.team_id, email=email)
    (token,) = await tokens_for(inviting, email.upper())
    assert await codes_of(inviting, "emailVerify", token=token) == []
    assert (await sign_in(inviting, email))["errors"] == []
    assert invited["invitationToken"]


async def test_an_invitation_that_has_expired_invites_nobody(inviting: App) -> None:
    team = await create_sample_team(inviting)
    email = unused_email()
    await mutate(inviting, team.owner, "teamInvite", "invitationToken", teamId=team.team_id, email=email)
    await inviting.sql.execute("UPDATE invitations SET expires_at = now() WHERE email = $1", email)
    assert await tokens_for(inviting, email) == []
