"""Tokens for the viewers, got as a client gets them: by the server's own `sessionCreate`."""

import httpx
from pydantic import SecretStr

from app.application import create_app
from app.bootstrap import open_resources
from app.settings import DEMO_PASSWORD, Settings
from domain.rate_limit import RateLimit
from domain.sign_in import SignInLimits

PUBLIC_URL = "https://bench.pantherahive.dev"  # the issuer of tokens; nothing is ever sent there
SECRET_KEY = SecretStr("a secret of the benchmarks that is long enough")
_SIGN_IN = "mutation($input: SessionCreateInput!) { sessionCreate(input: $input) { tokens { accessToken } errors { message } } }"


async def sign_in(url: str, viewers: list[str]) -> dict[str, str]:
    """An access token for each viewer, by the server's own `sessionCreate`. They are good for ten minutes."""
    settings = Settings(database_url=url, public_url=PUBLIC_URL, production=True, secret_key=SECRET_KEY)
    tokens: dict[str, str] = {}
    enough = RateLimit(name="benchmark", max_uses=len(viewers) + 1, window_seconds=60)
    limits = SignInLimits(per_account=enough, per_address=enough)
    async with open_resources(settings, url, sign_in_limits=limits) as resources:
        app = create_app(resources, settings).asgi
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=PUBLIC_URL, timeout=30) as client:
            for viewer in viewers:
                variables = {"input": {"email": viewer, "password": DEMO_PASSWORD}}
                answer = await client.post("/graphql", json={"query": _SIGN_IN, "variables": variables})
                signed_in = answer.json()["data"]["sessionCreate"]
                if not signed_in["tokens"]:
                    raise RuntimeError(f"{viewer} cannot sign in: {answer.text}")
                tokens[viewer] = signed_in["tokens"]["accessToken"]
    return tokens
