"""Fixtures of the authorization server."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.app import App
from tests.support.conformance import Suite, open_suite
from tests.support.oauth import SampleClient, front_door, registered
from tests.support.sign_in import PASSWORD
from tests.support.teams import SampleTeam


@pytest.fixture
async def http(app: App) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the server, with cookies of its own."""
    async with front_door(app) as client:
        yield client


@pytest.fixture
async def confidential(app: App, team: SampleTeam) -> SampleClient:
    """A confidential client of the team."""
    return await registered(app, team.owner, team.team_id)


@pytest.fixture
async def public(app: App, team: SampleTeam) -> SampleClient:
    """A public client of the team: an app in a browser."""
    return await registered(app, team.owner, team.team_id, isPublic=True, grants=["AUTHORIZATION_CODE", "REFRESH_TOKEN"])


@pytest.fixture
async def email(app: App, team: SampleTeam) -> str:
    """The address of a member of the team, who signs in by `tests.support.sign_in.PASSWORD`."""
    hashed = await app.resources.services.passwords.hash(PASSWORD)
    await app.sql.execute("UPDATE users SET password_hash = $2 WHERE id = $1", team.member.user.id, hashed)
    return team.member.user.email_address


@pytest.fixture(scope="module")
async def suite(app: App) -> AsyncIterator[Suite]:
    """What the conformance cases of a file share."""
    async with open_suite(app) as opened:
        yield opened
