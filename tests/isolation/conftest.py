"""Fixtures: two tenants, and everybody who may ask about them."""

import pytest

from tests.support.app import App
from tests.support.principals import World


@pytest.fixture(scope="session")
async def world(app: App) -> World:
    """Shared by all tests here: what they ask changes nothing."""
    return await World.create(app)
