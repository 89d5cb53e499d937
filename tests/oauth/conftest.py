"""Fixtures of the authorization server."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.app import App
from tests.support.oauth import SampleClient, front_door, registered
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
