"""Push devices in the graph: registered, registered again, removed; what is refused, and that they are nobody else's business."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from domain import account
from domain.actor import Scope
from domain.push_device import MAX_DEVICES
from persistence.unit_of_work import unit_of_work
from tests.support.app import App, Person
from tests.support.graph_actions import codes_and_paths, mutate, mutate_ok, table_states
from tests.support.push_service import Browser, base64url, bytes_of_base64url
from tests.support.subscriptions import changes_since, current_cursor
from tests.support.teams import SampleTeam, actor_with_scopes, uuid_of, with_session

DEVICES = "{ viewer { account { pushContent pushDevices { id platform label createdAt failingSince } } } }"
_next_browser = iter(range(10**6))


def browser() -> Browser:
    """A browser that subscribed at a public push service."""
    return Browser(f"https://push.example.net/{datetime.now(UTC).timestamp()}/{next(_next_browser)}")


async def register(app: App, person: Person, token: str, platform: str = "WEB", **fields: Any) -> Any:
    return await mutate(app, person, "pushDeviceRegister", platform=platform, token=token, **fields)


async def devices(app: App, person: Person) -> Any:
    return (await app.run(person, DEVICES))["viewer"]["account"]["pushDevices"]


async def test_a_browser_is_registered_once_whatever_its_keys_are(app: App, team: SampleTeam) -> None:
    cursor = await current_cursor(app, team.member)
    used = browser()
    first = await register(app, team.member, used.token, label="Firefox at work")
    assert first["errors"] == []
    device = first["device"]
    assert (device["platform"], device["label"]) == ("WEB", "Firefox at work")
    renewed = Browser(used.endpoint)
    for token in (used.token, renewed.token, renewed.token):
        again = await register(app, team.member, token, label="Firefox")
        assert again["device"]["id"] == device["id"]
    (shown,) = await devices(app, team.member)
    assert (shown["id"], shown["label"], shown["failingSince"]) == (device["id"], "Firefox", None)
    stored = await app.sql.fetchval("SELECT token FROM push_devices WHERE id = $1", uuid_of(device["id"]))
    assert bytes_of_base64url(json.loads(stored)["p256dh"]) == renewed.public_key
    changes = await changes_since(app, team.member, cursor)
    assert [(each["type"], each["kind"]) for each in changes] == [("PushDevice", "CREATED")] * 3  # not for the same again
    events = await app.sql.fetch("SELECT payload::text FROM events WHERE stream = $1", f"user:{team.member.user.id}")
    assert "push.example.net" not in repr(events)


async def test_a_device_that_somebody_else_registers_is_theirs(app: App, team: SampleTeam) -> None:
    used = browser()
    before = (await register(app, team.member, used.token))["device"]["id"]
    after = (await register(app, team.mate, used.token))["device"]["id"]
    assert after != before
    assert await devices(app, team.member) == []
    assert [each["id"] for each in await devices(app, team.mate)] == [after]


async def test_devices_are_bounded_and_one_that_is_registered_stays(app: App, team: SampleTeam) -> None:
    first = browser()
    await register(app, team.guest, first.token)
    for _ in range(MAX_DEVICES - 1):
        await register(app, team.guest, browser().token)
    mates = browser()
    await register(app, team.mate, mates.token)
    before = await table_states(app)
    for token in (browser().token, mates.token):
        refused = await register(app, team.guest, token)
        assert codes_and_paths(refused) == [("LIMIT_EXCEEDED", None)]
    assert await table_states(app) == before
    assert (await register(app, team.guest, Browser(first.endpoint).token))["errors"] == []


_GOOD = Browser("https://push.example.net/good", bytes(16), ec.derive_private_key(7, ec.SECP256R1()))  # the same in every process
_KEYS = {"p256dh": base64url(_GOOD.public_key), "auth": base64url(_GOOD.auth)}


def subscription(endpoint: Any = _GOOD.endpoint, **keys: Any) -> str:
    return json.dumps({"endpoint": endpoint, "keys": _KEYS | keys})


@pytest.mark.parametrize(
    "token",
    [
        "",
        "{}",
        "[]",
        "null",
        "[" * 2000,
        "https://push.example.net/good",
        json.dumps({"endpoint": _GOOD.endpoint}),
        json.dumps({"endpoint": _GOOD.endpoint, "keys": [1]}),
        json.dumps({"endpoint": _GOOD.endpoint, "keys": {"auth": _KEYS["auth"]}}),
        subscription(7),
        subscription("http://push.example.net/1"),
        subscription("https://localhost/1"),
        subscription("https://127.0.0.1/1"),
        subscription("https://[::ffff:10.0.0.1]/1"),
        subscription("https://169.254.169.254/latest/meta-data"),
        subscription("https://2130706433/"),
        subscription("https://user:password@push.example.net/1"),
        subscription("https://push.example.net:22/1"),
        subscription("https://push.example.net/1#fragment"),
        subscription("https://push.example.net/\r\nHost: evil"),
        subscription("https://push.example.net/" + "x" * 3000),
        subscription("file:///etc/passwd"),
        subscription(p256dh=""),
        subscription(p256dh=7),
        subscription(p256dh=base64url(b"\4" + bytes(64))),
        subscription(p256dh=base64url(_GOOD.public_key[:-1])),
        subscription(p256dh=base64url(b"\2" + _GOOD.public_key[1:33])),
        subscription(p256dh="ä" * 87),
        subscription(auth=base64url(bytes(15))),
        subscription(auth="!"),
        subscription(auth=None),
    ],
)
async def test_a_subscription_that_cannot_be_used_is_refused(app: App, team: SampleTeam, token: str) -> None:
    before = await table_states(app)
    refused = await register(app, team.member, token)
    assert codes_and_paths(refused) == [("INVALID", ["input", "token"])]
    assert await table_states(app) == before


async def test_tokens_and_labels_beyond_their_limits_are_refused(app: App, team: SampleTeam) -> None:
    before = await table_states(app)
    assert codes_and_paths(await register(app, team.member, "x" * 5000)) == [("TOO_LONG", ["input", "token"])]
    assert codes_and_paths(await register(app, team.member, browser().token, label="x" * 101)) == [
        ("TOO_LONG", ["input", "label"])
    ]
    # This server pushes to browsers only.
    assert codes_and_paths(await register(app, team.member, "ab" * 32, "APNS")) == [("INVALID", ["input", "platform"])]
    assert await table_states(app) == before


async def test_a_device_is_removed_by_its_person_alone(app: App, team: SampleTeam) -> None:
    device = (await register(app, team.member, browser().token))["device"]["id"]
    before = await table_states(app)
    assert codes_and_paths(await mutate(app, team.mate, "pushDeviceRemove", id=device)) == [("NOT_FOUND", ["input", "id"])]
    assert await table_states(app) == before
    assert (await app.run(team.mate, "query ($id: ID!) { node(id: $id) { id } }", id=device))["node"] is None
    cursor = await current_cursor(app, team.member)
    assert (await mutate(app, team.member, "pushDeviceRemove", id=device))["deletedId"] == device
    assert [(each["type"], each["kind"]) for each in await changes_since(app, team.member, cursor)] == [("PushDevice", "DELETED")]
    assert codes_and_paths(await mutate(app, team.member, "pushDeviceRemove", id=device)) == [("NOT_FOUND", ["input", "id"])]


async def test_a_token_needs_the_scopes_of_notifications(app: App, team: SampleTeam) -> None:
    device = (await register(app, team.member, browser().token))["device"]["id"]
    query = "query ($id: ID!) { node(id: $id) { id } }"
    for scope, allowed in ((Scope.NOTIFICATIONS_READ, True), (Scope.PROFILE_READ, False)):
        answer = await app.execute(team.member, query, actor=actor_with_scopes(team.member, scope), id=device)
        assert ("errors" not in answer) is allowed
    text = "mutation ($id: ID!) { pushDeviceRemove(input: {id: $id}) { deletedId } }"
    actor = actor_with_scopes(team.member, Scope.NOTIFICATIONS_READ, Scope.PROFILE_WRITE)
    refused = await app.execute(team.member, text, actor=actor, id=device)
    assert refused["errors"][0]["extensions"]["code"] == "INSUFFICIENT_SCOPE"
    assert len(await devices(app, team.member)) == 1


async def test_a_closed_account_has_no_devices(app: App, team: SampleTeam) -> None:
    outsider = await with_session(app, team.mate)
    await register(app, outsider, browser().token)
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        await account.close_account(uow, outsider.actor, outsider.user.id, expected_version=None)
    assert await app.sql.fetchval("SELECT count(*) FROM push_devices WHERE user_id = $1", outsider.user.id) == 0


async def test_pushes_show_words_only_where_that_was_chosen(app: App, team: SampleTeam) -> None:
    assert (await app.run(team.member, DEVICES))["viewer"]["account"]["pushContent"] is False
    await mutate_ok(app, team.member, "notificationPreferencesUpdate", pushContent=True)
    assert (await app.run(team.member, DEVICES))["viewer"]["account"]["pushContent"] is True


async def test_the_server_names_the_key_to_subscribe_with(app: App) -> None:
    key = (await app.run(None, "{ server { pushPublicKey features } }"))["server"]
    point = bytes_of_base64url(key["pushPublicKey"])
    assert (len(point), point[0]) == (65, 4)
    assert "push" in key["features"]
    stored = await app.sql.fetch("SELECT encrypted_jwk FROM push_keys")
    assert len(stored) == 1
    assert '"d"' not in stored[0]["encrypted_jwk"]
