"""People sign in through outside OpenID providers, and only those whom a provider names in a way that can be trusted."""

import secrets
import time
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, OctKey

from domain.actor import Actor
from resolvers import ids
from tests.graph.test_factor import protected
from tests.support.app import App
from tests.support.browser_flow import consent, returned, submit
from tests.support.graph_actions import mutation_text, table_states
from tests.support.oauth import SampleClient, registered
from tests.support.openid_provider import (
    CLIENT_SECRET,
    FakeProvider,
    asking,
    come_back,
    door_with_provider,
    go_to_provider,
    identity,
    sign_in_through,
)
from tests.support.sign_in import actor_of, register, unused_email
from tests.support.teams import SampleTeam

IDENTITIES = (
    "{ viewer { email account { emailVerifiedAt externalIdentities { id provider issuer email createdAt lastUsedAt } } } }"
)


async def token_of(http: httpx.AsyncClient, fake: FakeProvider, client: SampleClient) -> str:
    """The access token that an app is given after somebody has signed in through a provider."""
    request = asking(client, prompt="login")
    page = await sign_in_through(http, fake, request)
    given = returned(await consent(http, page) if page.status_code == 200 else page)
    token: str = (await request.redeem(http, given["code"])).json()["access_token"]
    return token


async def query(http: httpx.AsyncClient, token: str, text: str, **variables: Any) -> Any:
    """The data of an operation through a token."""
    answer = await http.post(
        "/graphql", json={"query": text, "variables": variables}, headers={"Authorization": f"Bearer {token}"}
    )
    assert "errors" not in answer.json(), answer.json()
    return answer.json()["data"]


async def errors_of(app: App, actor: Actor | None, http: httpx.AsyncClient, token: str, identity_id: str) -> list[str]:
    """The codes of the errors of removing an identity: by a session of the person's, or by an app's token."""
    text, given = mutation_text("externalIdentityRemove"), {"id": identity_id}
    if actor is None:
        data = await query(http, token, text, input=given)
    else:
        data = (await app.execute(None, text, actor=actor, input=given))["data"]
    return [each["code"] for each in data["externalIdentityRemove"]["errors"]]


async def verified(app: App) -> tuple[str, Actor]:
    """The address of somebody with an account, who has confirmed it, and their session."""
    email = unused_email()
    actor = await actor_of(app, await register(app, email=email))
    await app.sql.execute("UPDATE users SET email_verified_at = now() WHERE email = $1", email)
    return email, actor


@pytest.fixture
async def client(app: App, team: SampleTeam) -> SampleClient:
    """An app in a browser that may read and change profiles."""
    scopes = ["PROFILE_READ", "PROFILE_WRITE"]
    return await registered(app, team.owner, team.team_id, isPublic=True, grants=["AUTHORIZATION_CODE"], scopes=scopes)


async def test_somebody_new_gets_an_account_and_comes_back_to_it_whatever_their_address_is_later(
    app: App, client: SampleClient
) -> None:
    fake = identity()
    async with door_with_provider(app, fake) as http:
        first = (await query(http, await token_of(http, fake, client), IDENTITIES))["viewer"]
        (linked,) = first["account"]["externalIdentities"]
        assert first["email"] == linked["email"] == fake.claims["email"]
        assert (linked["provider"], linked["issuer"]) == ("Example", fake.issuer)
        assert first["account"]["emailVerifiedAt"] is not None
        fake.claims |= {"email": "elsewhere@example.com", "email_verified": False}
        again = (await query(http, await token_of(http, fake, client), IDENTITIES))["viewer"]
    assert again["email"] == first["email"]
    (used,) = again["account"]["externalIdentities"]
    assert (used["id"], used["email"]) == (linked["id"], "elsewhere@example.com")
    assert used["lastUsedAt"] > linked["lastUsedAt"]
    user = await app.sql.fetchrow("SELECT first_name, last_name, password_hash FROM users WHERE email = $1", first["email"])
    assert tuple(user or ()) == ("Ada", "Lovelace", None)


async def test_an_account_is_linked_by_its_verified_address_and_its_owner_is_told_by_mail(app: App, client: SampleClient) -> None:
    email, actor = await verified(app)
    fake = identity(email=email.upper())
    async with door_with_provider(app, fake) as http:
        token = await token_of(http, fake, client)
        viewer = ids.encode("User", actor.user_id)
        assert (await query(http, token, "{ viewer { id } }")) == {"viewer": {"id": viewer}}
        (linked,) = (await query(http, token, IDENTITIES))["viewer"]["account"]["externalIdentities"]
        events = "SELECT type, row_to_json(events)::text AS body FROM events WHERE stream = $1"
        linking = [
            each for each in await app.sql.fetch(events, f"user:{actor.user_id}") if each["type"] == "ExternalIdentityLinked"
        ]
        assert [fake.claims["sub"] in each["body"] for each in linking] == [False]
        # Apps may not change how somebody signs in; the person themselves may.
        assert await errors_of(app, None, http, token, linked["id"]) == ["REAUTHENTICATION_REQUIRED"]
        assert await errors_of(app, actor, http, token, linked["id"]) == []
        assert (await query(http, token, IDENTITIES))["viewer"]["account"]["externalIdentities"] == []


async def test_names_that_cannot_be_used_are_replaced(app: App, client: SampleClient) -> None:
    for claims, expected in (
        ({"given_name": None, "family_name": None, "name": "Grace Brewster Hopper"}, ("Grace", "Brewster Hopper")),
        ({"given_name": "\u200b", "family_name": ["x"], "name": None}, ("local-part", "")),
        ({"given_name": "a" * 1000, "family_name": "b\nc"}, ("a" * 100, "")),
    ):
        email = f"local-part@{unused_email().partition('@')[0].lower()}.example"
        fake = identity(email=email, **claims)
        async with door_with_provider(app, fake) as http:
            await token_of(http, fake, client)
        user = await app.sql.fetchrow("SELECT first_name, last_name FROM users WHERE email = $1", email)
        assert tuple(user or ()) == expected


async def test_who_is_not_named_for_sure_is_refused_and_nothing_is_linked(app: App, client: SampleClient) -> None:
    unverified, (taken, _), (suspended, _), (known, _) = (
        unused_email(),
        await verified(app),
        await verified(app),
        await verified(app),
    )
    await register(app, email=unverified)
    async with door_with_provider(app, other := identity(email=taken)) as http:
        await token_of(http, other, client)
    await app.sql.execute("UPDATE users SET status = 'INACTIVE' WHERE email = $1", suspended)
    own = FakeProvider(claims=dict(other.claims))
    for claims, registration, reason in (
        ({"email": known, "email_verified": False}, "open", "does not say that your e-mail address is yours"),
        ({"email": known, "email_verified": None}, "open", "does not say that your e-mail address is yours"),
        ({"email": known, "email_verified": 1}, "open", "does not say that your e-mail address is yours"),
        ({"email": known, "email_verified": "yes"}, "open", "does not say that your e-mail address is yours"),
        ({"email": None}, "open", "does not say that your e-mail address is yours"),
        ({"email": ["a@example.com"]}, "open", "does not say that your e-mail address is yours"),
        ({"email": "a@b@c"}, "open", "cannot be used here"),
        ({"email": unverified}, "open", "has never been confirmed"),
        ({"email": taken}, "open", "signs in through another identity"),
        ({"email": suspended}, "open", "This account cannot sign in."),
        ({}, "invite", "it was not invited"),
    ):
        before = await table_states(app)
        fake = identity(**claims)
        async with door_with_provider(app, fake, registration=registration) as http:
            page = await sign_in_through(http, fake, asking(client))
            assert (page.status_code, "<h1>Sign in</h1>" in page.text) == (401, True), claims
            assert reason in page.text, claims
            assert (await http.get(asking(client).address)).text.count("<h1>Sign in</h1>") == 1
        assert await table_states(app) == before, claims
    # An account that was linked before it was suspended is refused as well.
    await app.sql.execute("UPDATE users SET status = 'INACTIVE' WHERE email = $1", taken)
    async with door_with_provider(app, own) as http:
        assert "This account cannot sign in." in (await sign_in_through(http, own, asking(client))).text


async def test_who_is_invited_may_register_and_so_may_everybody_whose_address_is_verified(
    app: App, team: SampleTeam, client: SampleClient
) -> None:
    invited = unused_email()
    await app.run(team.owner, mutation_text("teamInvite"), input={"teamId": team.team_id, "email": invited, "role": "MEMBER"})
    for registration, email in (("invite", invited), ("verify", unused_email())):
        async with door_with_provider(app, fake := identity(email=email), registration=registration) as http:
            assert (await query(http, await token_of(http, fake, client), "{ viewer { email } }")) == {"viewer": {"email": email}}


async def test_a_second_factor_is_asked_for_after_the_provider(app: App, client: SampleClient) -> None:
    email, _, device, _ = await protected(app)
    await app.sql.execute("UPDATE users SET email_verified_at = now() WHERE email = $1", email)
    async with door_with_provider(app, fake := identity(email=email)) as http:
        request = asking(client)
        page = await sign_in_through(http, fake, request)
        assert "<h1>Enter your code</h1>" in page.text
        refused = await submit(http, page, code="000000")
        assert refused.status_code == 401
        answer = await submit(http, refused, code=device.code())
        assert (answer.status_code, "<h1>Allow" in (await http.get(answer.headers["location"])).text) == (303, True)


# ── answers that are not the provider's, not for us, or not for this request ──────────────────────────────────────────


def _forged_tokens() -> dict[str, FakeProvider]:
    stranger = ECKey.generate_key("P-256", {"kid": "stranger"})
    now = int(time.time())
    base = identity().claims
    fakes: dict[str, dict[str, Any]] = {
        "another issuer": {"iss": "https://evil.example"},
        "an issuer with a slash": {"iss": "https://id.example/"},
        "another audience": {"aud": "other"},
        "an audience among others, without azp": {"aud": ["hive", "other"]},
        "another azp": {"azp": "other"},
        "another nonce": {"nonce": "other"},
        "no nonce": {"nonce": None},
        "expired": {"exp": now - 120, "iat": now - 500},
        "without end": {"exp": None},
        "made in the future": {"iat": now + 600},
        "not yet": {"nbf": now + 600},
        "no subject": {"sub": None},
        "an empty subject": {"sub": ""},
        "a long subject": {"sub": "a" * 256},
        "a subject that is a number": {"sub": 7},
        "the hash of another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    }
    made = {name: FakeProvider(claims=base | claims) for name, claims in fakes.items()}
    made["the key of a stranger"] = FakeProvider(claims=base, signs_with=stranger)
    made["the key of a stranger, named in the header"] = FakeProvider(
        claims=base, signs_with=stranger, header={"kid": "stranger", "jwk": stranger.as_dict(private=False)}
    )
    made["no signature"] = FakeProvider(claims=base, header={"alg": "none"})
    made["our secret as the key"] = FakeProvider(
        claims=base, header={"alg": "HS256"}, signs_with=OctKey.import_key(CLIENT_SECRET)
    )
    confused = FakeProvider(claims=base, header={"alg": "HS256"})
    public = confused.keys[0].as_dict(private=False)
    confused.signs_with = OctKey.import_key({"kty": "oct", "k": str(public["x"])})
    made["the public key as a secret"] = confused
    return made


async def test_forged_id_tokens_sign_nobody_in(app: App, client: SampleClient) -> None:
    before = await table_states(app)
    for name, fake in _forged_tokens().items():
        async with door_with_provider(app, fake) as http:
            page = await sign_in_through(http, fake, asking(client))
            assert (page.status_code, "Example did not sign you in." in page.text) == (401, True), name
    assert await table_states(app) == before


async def test_answers_for_another_request_browser_or_provider_sign_nobody_in(app: App, client: SampleClient) -> None:
    before = await table_states(app)
    fake = identity()
    async with door_with_provider(app, fake) as http, door_with_provider(app, fake) as victim:
        address = await go_to_provider(http, await http.get(asking(client).address))
        good = fake.authorize(address)
        for http_, given, provider, status, words in (
            (victim, good, "example", 400, "This sign-in is too old"),  # somebody else's code: signing in as another (CSRF)
            (http, good | {"state": "other"}, "example", 400, "This sign-in is too old"),
            (http, good | {"state": ""}, "example", 400, "This sign-in is too old"),
            (http, good | {"state": "é"}, "example", 400, "This sign-in is too old"),
            (http, good, "other", 400, "This sign-in is too old"),
            (http, good | {"iss": "https://evil.example"}, "example", 401, "did not sign you in"),  # mix-up
        ):
            page = await come_back(http_, given, provider)
            assert (page.status_code, words in page.text) == (status, True), given
        assert "/token" not in fake.asked
        # The flow ended with the mix-up: what is right comes too late.
        assert (await come_back(http, good)).status_code == 400
        for change in ({"iss": None}, {"code": "none"}, {"error": "access_denied", "code": None}):
            address = await go_to_provider(http, await http.get(asking(client).address))
            given = {name: value for name, value in (fake.authorize(address) | change).items() if value is not None}
            page = await come_back(http, given)
            assert (page.status_code, "did not sign you in" in page.text) == (401, True), change
        assert (await http.get("/oauth/providers/example/callback?state=a&state=b")).status_code == 400
    assert await table_states(app) == before


async def test_a_form_of_another_site_sends_nobody_to_a_provider(app: App, client: SampleClient) -> None:
    fake = identity()
    async with door_with_provider(app, fake) as http:
        await http.get(asking(client).address)
        page = await http.post(asking(client).address, data={"provider": "example"}, headers={"Origin": "https://evil.example"})
        assert page.status_code == 403
        page = await submit(http, await http.get(asking(client).address), provider="other", step="")
        assert page.status_code == 400
        long = asking(client, state=secrets.token_urlsafe(3000))
        page = await submit(http, await http.get(long.address), provider="example", step="")
        assert (page.status_code, "This request is too long" in page.text) == (400, True)
    assert fake.asked == []


_DISCOVERY = "/.well-known/openid-configuration"


async def test_what_a_provider_says_of_itself_is_held_and_new_keys_are_looked_for_once_a_minute(
    app: App, client: SampleClient
) -> None:
    fake = identity()
    async with door_with_provider(app, fake) as http:
        for _ in range(2):
            await token_of(http, fake, client)
        assert [fake.asked.count(path) for path in (_DISCOVERY, "/keys", "/token", "/userinfo")] == [1, 1, 2, 0]
        fake.rotate()
        page = await sign_in_through(http, fake, asking(client, prompt="login"))
        assert page.status_code == 401
        assert fake.asked.count("/keys") == 1  # they were read within the last minute


async def test_a_key_that_came_after_the_last_look_is_found(
    app: App, client: SampleClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = identity()
    async with door_with_provider(app, fake) as http:
        await token_of(http, fake, client)
        fake.rotate()
        monkeypatch.setattr("auth.providers.provider.KEY_REFRESH_SECONDS", 0.0)
        await token_of(http, fake, client)
        assert fake.asked.count("/keys") == 2


async def test_the_address_may_come_from_the_userinfo_endpoint_if_it_speaks_of_the_same_person(
    app: App, client: SampleClient
) -> None:
    email = unused_email()
    fake = identity(email=None, email_verified=None)
    fake.userinfo = {"sub": fake.claims["sub"], "email": email, "email_verified": "true"}
    async with door_with_provider(app, fake) as http:
        assert (await query(http, await token_of(http, fake, client), "{ viewer { email } }")) == {"viewer": {"email": email}}
    fake.userinfo["sub"] = "somebody else"
    async with door_with_provider(app, fake) as http:
        assert (await sign_in_through(http, fake, asking(client))).status_code == 401


async def test_closing_an_account_removes_its_identities(app: App, client: SampleClient) -> None:
    email, actor = await verified(app)
    fake = identity(email=email)
    async with door_with_provider(app, fake) as http:
        await token_of(http, fake, client)
    count = "SELECT count(*) FROM external_identities WHERE subject = $1"
    assert await app.sql.fetchval(count, fake.claims["sub"]) == 1
    given = {"id": ids.encode("User", actor.user_id)}
    closed = await app.execute(None, mutation_text("userDelete"), actor=actor, input=given)
    assert closed["data"]["userDelete"]["errors"] == []
    assert await app.sql.fetchval(count, fake.claims["sub"]) == 0


async def test_a_link_is_removed_only_after_a_recent_sign_in(app: App) -> None:
    actor = await actor_of(app, await register(app, email=unused_email()))
    await app.sql.execute("UPDATE sessions SET authenticated_at = now() - interval '1 hour' WHERE id = $1", actor.session_id)
    answer = await app.execute(
        None, mutation_text("externalIdentityRemove"), actor=actor, input={"id": ids.encode("ExternalIdentity", actor.user_id)}
    )
    assert [each["code"] for each in answer["data"]["externalIdentityRemove"]["errors"]] == ["REAUTHENTICATION_REQUIRED"]
