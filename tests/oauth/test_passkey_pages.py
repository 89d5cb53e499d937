"""Passkeys on the pages of the authorization server, by the forms that their script sends."""

import html
import json
import re
from typing import Any

import httpx
import pytest

from tests.graph.test_factor import protected
from tests.graph.test_passkey import options_of, with_passkey
from tests.support.app import App
from tests.support.authenticator import SoftAuthenticator
from tests.support.browser_flow import AppRequest, consent, returned, submit
from tests.support.browser_flow import sign_in as sign_in_by_password
from tests.support.oauth import ORIGIN, SampleClient, front_door
from tests.support.sign_in import PASSWORD

PAGE = "/oauth/passkeys"
_FORM = re.compile(
    r'<form method="post" action="([^"]+)" data-passkey="(create|get)" data-options="([^"]+)" hidden>(.*?)</form>', re.DOTALL
)
_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def passkey_form(page: httpx.Response) -> tuple[str, Any, dict[str, str]]:
    """Where the form for a passkey is sent, its options, and its hidden fields."""
    found = _FORM.search(page.text)
    assert found is not None, page.text
    action, _, options, body = found.groups()
    fields = {name: html.unescape(value) for name, value in _FIELD.findall(body)}
    return html.unescape(action), json.loads(html.unescape(options)), fields


async def submit_passkey(
    http: httpx.AsyncClient, page: httpx.Response, device: SoftAuthenticator, **fields: str
) -> httpx.Response:
    """Send the form for a passkey, as the script does."""
    action, options, hidden = passkey_form(page)
    credential = device.create(options) if "rp" in options else device.sign(options)
    given = hidden | {"credential": json.dumps(credential)} | fields
    return await http.post(action, data=given, headers={"Origin": ORIGIN})


async def start(http: httpx.AsyncClient, page: httpx.Response, label: str) -> httpx.Response:
    """The page on which the browser makes a passkey."""
    return await _send(http, page, step="start", label=label)


async def _send(http: httpx.AsyncClient, page: httpx.Response, **fields: str) -> httpx.Response:
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf is not None
    return await http.post(PAGE, data={"csrf": csrf[1]} | fields, headers={"Origin": ORIGIN})


async def test_a_person_adds_a_passkey_signs_in_with_it_and_removes_it(
    app: App, http: httpx.AsyncClient, public: SampleClient, email: str
) -> None:
    page = await sign_in_by_password(http, await http.get(PAGE), email)
    assert "You have none yet." in page.text
    device = SoftAuthenticator()
    added = await submit_passkey(http, await start(http, page, ' <b>My "phone"</b> '), device)
    assert added.status_code == 200
    assert len(re.findall(r"<li>[A-Z2-7-]{19}</li>", added.text)) == 10
    listed = await http.get(PAGE)
    assert "&lt;b&gt;My &#34;phone&#34;&lt;/b&gt;" in listed.text
    assert "never used" in listed.text
    async with front_door(app) as other:
        answer = await submit_passkey(other, await other.get(AppRequest(public).address), device)
        assert answer.status_code == 303
        assert "code" in returned(await consent(other, await other.get(answer.headers["location"])))
    listed = await http.get(PAGE)
    assert "last used" in listed.text
    factor_id = re.search(r'name="id" value="([^"]+)"', listed.text)
    assert factor_id is not None
    assert (await _send(http, listed, step="remove", id=factor_id[1])).status_code == 303
    assert "You have none yet." in (await http.get(PAGE)).text
    async with front_door(app) as other:
        refused = await submit_passkey(other, await other.get(AppRequest(public).address), device)
        assert refused.status_code == 401
        assert "This passkey does not sign in here" in refused.text


async def test_a_passkey_is_a_second_factor_after_the_password(app: App, http: httpx.AsyncClient, public: SampleClient) -> None:
    email, _, device, codes = await with_passkey(app)
    page = await http.get(AppRequest(public).address)
    asked = await submit(http, page, email=email, password=PASSWORD)
    assert "<h1>Enter your code</h1>" in asked.text
    refused = await submit_passkey(http, asked, SoftAuthenticator())
    assert refused.status_code == 401
    answer = await submit_passkey(http, refused, device)
    assert "code" in returned(await consent(http, await http.get(answer.headers["location"])))
    async with front_door(app) as other:  # without a script: by a recovery code
        asked = await submit(other, await other.get(AppRequest(public).address), email=email, password=PASSWORD)
        assert (await submit(other, asked, code=codes[0])).status_code == 303


async def test_the_passkey_of_somebody_else_is_no_second_factor(app: App, http: httpx.AsyncClient, public: SampleClient) -> None:
    email, _, _, _ = await with_passkey(app)
    _, _, other, _ = await with_passkey(app)
    asked = await submit(http, await http.get(AppRequest(public).address), email=email, password=PASSWORD)
    refused = await submit_passkey(http, asked, other)
    assert refused.status_code == 401
    assert "hive_sign_in" not in refused.headers.get("set-cookie", "")


async def test_options_are_of_one_browser_and_good_once(app: App, http: httpx.AsyncClient, public: SampleClient) -> None:
    _, _, device, _ = await with_passkey(app)
    page = await http.get(AppRequest(public).address)
    async with front_door(app) as other:
        elsewhere = await other.get(AppRequest(public).address)
        stolen = json.dumps(device.sign(passkey_form(page)[1]))
        assert (await submit_passkey(other, elsewhere, device, credential=stolen)).status_code == 401
        of_graph = json.dumps(device.sign(await options_of(app)))
        assert (await submit_passkey(other, elsewhere, device, credential=of_graph)).status_code == 401
    signed = json.dumps(device.sign(passkey_form(page)[1]))
    assert (await submit_passkey(http, page, device, credential=signed)).status_code == 303
    again = await http.get(AppRequest(public, more={"prompt": "login"}).address)
    assert (await submit_passkey(http, again, device, credential=signed)).status_code == 401


@pytest.mark.parametrize("credential", ["", "{", "null", "[]", "{}", '{"rawId": 1}', "[" * 4_000])
async def test_what_is_no_credential_is_refused(http: httpx.AsyncClient, public: SampleClient, credential: str) -> None:
    page = await http.get(AppRequest(public).address)
    refused = await submit_passkey(http, page, SoftAuthenticator(user_handle=b"1"), credential=credential)
    assert refused.status_code == 401


async def test_whoever_signed_in_long_ago_signs_in_again(app: App, http: httpx.AsyncClient, email: str) -> None:
    page = await sign_in_by_password(http, await http.get(PAGE), email)
    begun = await start(http, page, "Phone")
    await app.sql.execute("UPDATE sessions SET authenticated_at = authenticated_at - interval '10 min' WHERE kind = 'BROWSER'")
    for answer in (
        await http.get(PAGE),
        await start(http, page, "Phone"),
        await submit_passkey(http, begun, SoftAuthenticator()),
    ):
        assert "<h1>Sign in</h1>" in answer.text
    text = "SELECT count(*) FROM factors JOIN users ON users.id = user_id WHERE email = $1 AND confirmed_at IS NOT NULL"
    assert await app.sql.fetchval(text, email) == 0


async def test_a_form_of_another_site_changes_nothing(app: App, http: httpx.AsyncClient) -> None:
    email, _, device, _ = await with_passkey(app)
    page = await submit_passkey(http, await http.get(PAGE), device)
    listed = await http.get(page.headers["location"])
    factor_id = re.search(r'name="id" value="([^"]+)"', listed.text)
    assert factor_id is not None
    for headers, csrf in (({"Origin": "https://evil.example"}, None), ({"Origin": ORIGIN}, "0" * 64)):
        given = {"step": "remove", "id": factor_id[1], "csrf": csrf or re.search(r'name="csrf" value="([^"]+)"', listed.text)[1]}  # type: ignore[index]
        assert (await http.post(PAGE, data=given, headers=headers)).status_code == 403
    assert factor_id[1] in (await http.get(PAGE)).text
    assert email in listed.text


async def test_others_passkeys_and_apps_are_not_there(app: App, http: httpx.AsyncClient) -> None:
    _, other, _, _ = await with_passkey(app)
    theirs = await app.sql.fetchval("SELECT id FROM factors WHERE user_id = $1", other.user_id)
    email, own, totp, _ = await protected(app)
    app_id = await app.sql.fetchval("SELECT id FROM factors WHERE user_id = $1", own.user_id)
    asked = await submit(http, await http.get(PAGE), email=email, password=PASSWORD)
    page = await http.get((await submit(http, asked, code=totp.code())).headers["location"])
    assert str(app_id) not in page.text
    for factor_id in (theirs, app_id, "nonsense", ""):
        refused = await _send(http, page, step="remove", id=str(factor_id))
        assert refused.status_code == 400
    assert await app.sql.fetchval("SELECT count(*) FROM factors WHERE id = ANY($1)", [theirs, app_id]) == 2


async def test_only_pages_that_ask_for_a_passkey_run_a_script(http: httpx.AsyncClient, public: SampleClient, email: str) -> None:
    page = await http.get(AppRequest(public).address)
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert '<script src="/oauth/passkey.js" defer></script>' in page.text
    assert page.text.count("<script") == 1
    script = await http.get("/oauth/passkey.js")
    assert (script.status_code, script.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    asked = await sign_in_by_password(http, page, email)
    assert "script-src" not in asked.headers["content-security-policy"]
    assert "<script" not in asked.text
