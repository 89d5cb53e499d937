"""Signing up and in through the graph, for tests that need a session."""

from typing import Any
from uuid import uuid4

from domain.actor import Actor
from tests.support.app import App

SESSION_PAYLOAD_FIELDS = """{
  clientMutationId cursor
  errors { __typename code path message }
  user { id displayName email version status }
  tokens { accessToken refreshToken expiresIn scopes }
}"""
REGISTER = f"mutation ($input: UserRegisterInput!) {{ userRegister(input: $input) {SESSION_PAYLOAD_FIELDS} }}"
SIGN_IN = f"mutation ($input: SessionCreateInput!) {{ sessionCreate(input: $input) {SESSION_PAYLOAD_FIELDS} }}"
REFRESH = f"mutation ($input: SessionRefreshInput!) {{ sessionRefresh(input: $input) {SESSION_PAYLOAD_FIELDS} }}"
SESSIONS_QUERY = "{ viewer { account { email sessions { id isCurrent userAgent createdAt lastUsedAt expiresAt } } } }"

PASSWORD = "correct horse battery"


def unused_email() -> str:
    """An e-mail address that nobody has."""
    return f"Ada-{uuid4()}@example.com"


async def register(app: App, **fields: Any) -> Any:
    """The payload of a registration that is fine but for what is given."""
    account = {"email": unused_email(), "password": PASSWORD, "firstName": "Ada", "lastName": "Lovelace"}
    return (await app.run(None, REGISTER, input=account | fields))["userRegister"]


async def sign_in(app: App, email: str, password: str = PASSWORD) -> Any:
    """The payload of signing in."""
    return (await app.run(None, SIGN_IN, input={"email": email, "password": password}))["sessionCreate"]


async def refresh(app: App, token: str) -> Any:
    """The payload of a refresh."""
    return (await app.run(None, REFRESH, input={"refreshToken": token}))["sessionRefresh"]


async def actor_of(app: App, payload: Any) -> Actor:
    """Who the access token of a payload speaks for."""
    bearer = await app.resources.tokens.authenticate(f"Bearer {payload['tokens']['accessToken']}")
    assert bearer is not None
    return bearer.actor


async def sessions_of(app: App, actor: Actor) -> list[dict[str, Any]]:
    """The open sessions that a person sees of their own."""
    answer = await app.execute(None, SESSIONS_QUERY, actor=actor)
    return list(answer["data"]["viewer"]["account"]["sessions"])
