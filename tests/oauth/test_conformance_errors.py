"""The refusals of the RFCs that RFC 9700 builds on, by their sections: of requests, tokens, revocation and introspection."""

from functools import partial
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest

from tests.support.conformance import Case, Cases, Party, Suite
from tests.support.oauth import SampleClient, post_token

NOBODY = SampleClient("", str(uuid4()), None)


async def _refresh(party: Party, token: str) -> httpx.Response:
    return await post_token(party.stranger, party.suite.public, grant_type="refresh_token", refresh_token=token)


async def repeated(party: Party, name: str) -> None:
    address = party.request().address + "&" + urlencode([(name, "x"), (name, "y")])
    page = await party.person.get(address)
    assert (page.status_code, "location" in page.headers) == (400, False)
    body = urlencode([("grant_type", "refresh_token"), (name, "x"), (name, "y")])
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await party.stranger.post("/oauth/token", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def json_body(party: Party) -> None:
    answer = await party.stranger.post("/oauth/token", json={"grant_type": "client_credentials"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def revoked(party: Party, which: str) -> None:
    tokens = await party.tokens()
    form = {"client_id": party.suite.public.client_id, "token": tokens[which], "token_type_hint": "nonsense"}
    assert (await party.stranger.post("/oauth/revoke", data=form)).status_code == 200
    assert (await _refresh(party, tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await party.stranger.post("/oauth/revoke", data=form)).status_code == 200


async def revoked_by_another(party: Party) -> None:
    token = (await party.tokens())["refresh_token"]
    client = party.suite.confidential
    await party.stranger.post("/oauth/revoke", data={"token": token}, auth=client.basic)
    assert (await _refresh(party, token)).status_code == 200


async def introspected_by_another(party: Party) -> None:
    token = (await party.tokens())["access_token"]
    told = await party.stranger.post("/oauth/introspect", data={"token": token}, auth=party.suite.confidential.basic)
    assert told.json() == {"active": False}
    own = (await party.tokens(party.suite.confidential))["access_token"]
    told = await party.stranger.post("/oauth/introspect", data={"token": own}, auth=party.suite.confidential.basic)
    assert (told.json()["active"], told.json()["sub"]) == (True, party.sub)


async def introspected_without_secret(party: Party) -> None:
    token = (await party.tokens())["access_token"]
    form = {"client_id": party.suite.public.client_id, "token": token}
    answer = await party.stranger.post("/oauth/introspect", data=form)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def device_code_without_grant(party: Party) -> None:
    answer = await party.stranger.post("/oauth/device_authorization", data={"client_id": party.suite.public.client_id})
    assert answer.json()["error"] == "unauthorized_client"


async def challenged(party: Party) -> None:
    answer = await party.stranger.get("/oauth/userinfo", headers={"Authorization": "Bearer nonsense"})
    assert (answer.status_code, 'error="invalid_token"' in answer.headers["www-authenticate"]) == (401, True)
    bare = await party.stranger.get("/oauth/userinfo")
    assert (bare.status_code, bare.headers["www-authenticate"]) == (401, "Bearer")  # no error where no token was sent
    narrow = (await party.tokens(scope="TASKS_READ"))["access_token"]
    assert 'error="insufficient_scope"' in (await party.userinfo(narrow)).headers["www-authenticate"]


def token_error(error: str, status: int = 400, *, confidential: bool = True, **form: str) -> Case:
    """A case in which the token endpoint refuses a client's request."""

    async def case(party: Party) -> None:
        client = party.suite.confidential if confidential else party.suite.public
        await party.token_error(client, error, status, **form)

    return case


CASES: Cases = {
    "rfc6749-3.1-repeated-client-id": partial(repeated, name="client_id"),
    "rfc6749-3.1-repeated-scope": partial(repeated, name="scope"),
    "rfc6749-3.2-json-body": json_body,
    "rfc6749-4.1.2.1-unknown-client": lambda party: party.shown(client_id=NOBODY.client_id),
    "rfc6749-5.2-grant-type-left-out": token_error("invalid_request", scope="TASKS_READ"),
    "rfc6749-5.2-unknown-grant-type": token_error("unsupported_grant_type", grant_type="urn:example:nonsense"),
    "rfc6749-5.2-unauthorized-client": token_error(
        "unauthorized_client", grant_type="urn:ietf:params:oauth:grant-type:device_code", device_code=f"{uuid4()}.x"
    ),
    "rfc6749-5.2-unknown-code": token_error(
        "invalid_grant",
        confidential=False,
        grant_type="authorization_code",
        code=f"{uuid4()}.x",
        redirect_uri="https://app.example/callback",
        code_verifier="x" * 43,
    ),
    "rfc6749-5.2-unknown-refresh-token": token_error(
        "invalid_grant", confidential=False, grant_type="refresh_token", refresh_token=f"{uuid4()}.x"
    ),
    "rfc6749-5.2-unknown-client": lambda party: party.token_error(
        NOBODY, "invalid_client", grant_type="refresh_token", refresh_token="x"
    ),
    "rfc6750-3-challenges": challenged,
    "rfc7009-2-access-token-revoked": partial(revoked, which="access_token"),
    "rfc7009-2-refresh-token-revoked": partial(revoked, which="refresh_token"),
    "rfc7009-2.1-revoked-by-another": revoked_by_another,
    "rfc7662-2.1-introspected-without-secret": introspected_without_secret,
    "rfc7662-4-introspected-by-another": introspected_by_another,
    "rfc8628-3.1-device-code-without-the-grant": device_code_without_grant,
}


@pytest.mark.parametrize("name", CASES)
async def test_refusal(suite: Suite, name: str) -> None:
    async with suite.party() as party:
        await CASES[name](party)
