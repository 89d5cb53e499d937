"""The pages that mails link to, as a browser without JavaScript uses them, over a real server."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.server_process import PASSWORD, Client, ServerProcess

REGISTER = """mutation ($input: UserRegisterInput!) {
  userRegister(input: $input) { developmentLinks tokens { accessToken } errors { code } }
}"""
ASK = "mutation ($input: PasswordResetRequestInput!) { passwordResetRequest(input: $input) { developmentLinks errors { code } } }"
SIGN_IN = "mutation ($input: SessionCreateInput!) { sessionCreate(input: $input) { user { id } errors { code } } }"
NEW = "a battery of horses"


def address() -> dict[str, str]:
    """Headers that a proxy would set for somebody with an address of their own."""
    return {"X-Forwarded-For": f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1"}


@pytest.fixture
async def somebody(server: ServerProcess) -> Any:
    """Somebody who has just registered: their client, e-mail address, and the link to verify it."""
    client = Client(server)
    email = f"{uuid4()}@example.com"
    given = {"email": email, "password": PASSWORD, "firstName": "Ada", "lastName": "Lovelace"}
    answer = await client.http.post("/graphql", json={"query": REGISTER, "variables": {"input": given}}, headers=address())
    payload = answer.json()["data"]["userRegister"]
    client.token = payload["tokens"]["accessToken"]
    (link,) = payload["developmentLinks"]
    yield client, email, link
    await client.close()


def form_of(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of a page's only form, which posts to the page's own path."""
    (action,) = re.findall(r'<form method="post" action="([^"]*)">', page.text)
    assert action == page.url.path
    return dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.text))


def assert_closed(page: httpx.Response) -> None:
    """Nothing of a page is stored, framed, run or told to others."""
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-content-type-options"] == "nosniff"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script" not in policy
    assert "set-cookie" not in page.headers
    assert "<script" not in page.text


async def verified(client: Client) -> bool:
    """Whether the address of somebody is verified."""
    account = (await client.run("{ viewer { account { emailVerifiedAt } } }"))["viewer"]["account"]
    return account["emailVerifiedAt"] is not None


async def test_opening_the_link_changes_nothing_and_the_button_confirms_once(somebody: Any) -> None:
    client, _, link = somebody
    page, again = [await client.http.get(link) for _ in range(2)]
    assert (page.status_code, page.text) == (200, again.text)
    assert_closed(page)
    assert not await verified(client)
    done = await client.http.post("/account/verify", data=form_of(page), headers=address())
    assert (done.status_code, "Your address is confirmed." in done.text) == (200, True)
    assert_closed(done)
    assert await verified(client)
    again = await client.http.post("/account/verify", data=form_of(page), headers=address())
    assert (again.status_code, "This link has ended" in again.text) == (410, True)
    assert_closed(again)


async def test_a_new_password_is_chosen_on_the_page(somebody: Any) -> None:
    client, email, _ = somebody
    (link,) = (await client.run(ASK, input={"email": email}))["passwordResetRequest"]["developmentLinks"]
    page = await client.http.get(link)
    assert page.status_code == 200
    assert_closed(page)
    form = form_of(page)
    short = await client.http.post("/account/reset", data={**form, "password": "short"}, headers=address())
    assert (short.status_code, 'role="alert"' in short.text) == (400, True)
    assert form_of(short) == form
    done = await client.http.post("/account/reset", data={**form, "password": NEW}, headers=address())
    assert (done.status_code, "Your password is changed" in done.text) == (200, True)
    for password, codes in ((PASSWORD, ["UNAUTHENTICATED"]), (NEW, [])):
        tried = (await client.run(SIGN_IN, input={"email": email, "password": password}))["sessionCreate"]
        assert [each["code"] for each in tried["errors"]] == codes


@pytest.mark.parametrize("path", ["/account/verify", "/account/reset"])
async def test_whatever_stands_in_a_link_is_text_on_the_page(server: ServerProcess, path: str) -> None:
    async with httpx.AsyncClient(base_url=server.url) as http:
        page = await http.get(path, params={"token": '"><script>alert(1)</script>'})
        assert page.status_code == 200
        assert_closed(page)
        assert (await http.post(path, data={"token": "x", "password": NEW}, headers=address())).status_code == 410
        assert (await http.post(path, content=b"\xff&=&=" + b"&" * 9, headers=address())).status_code in (400, 410)
        for large in (b"token=" + b"x" * 20_000, b"a=1&" * 100):
            assert (await http.post(path, content=large, headers=address())).status_code == 413
        assert (await http.put(path)).status_code == 405


async def test_too_many_tries_say_when_to_come_back(server: ServerProcess) -> None:
    own = address()
    async with httpx.AsyncClient(base_url=server.url) as http:
        pages = [await http.post("/account/verify", data={"token": "x"}, headers=own) for _ in range(21)]
    assert [page.status_code for page in pages] == [410] * 20 + [429]
    assert 1 <= int(pages[-1].headers["retry-after"]) <= 60
