"""How people want to be notified: what is chosen, what is refused, and that it is nobody else's business."""

from itertools import product
from typing import Any
from uuid import uuid4

import pytest

from domain.actor import Scope
from domain.notification import NotificationReason, UnsubscribeTokens
from tests.support.app import App, Person
from tests.support.graph_actions import codes_and_paths, mutate, table_states
from tests.support.subscriptions import changes_since, current_cursor
from tests.support.teams import SampleTeam, actor_with_scopes

SETTINGS = """
{ viewer { account { notificationPreferences { reason channels } quietHours { from to days } digest emailOffReason } } }
"""
UPDATE = "notificationPreferencesUpdate"


async def settings_of(app: App, person: Person) -> Any:
    account = (await app.run(person, SETTINGS))["viewer"]["account"]
    return account | {
        "notificationPreferences": {each["reason"]: each["channels"] for each in account["notificationPreferences"]}
    }


async def test_there_are_defaults_for_every_reason(app: App, team: SampleTeam) -> None:
    found = await settings_of(app, team.member)
    assert list(found["notificationPreferences"]) == [each.value for each in NotificationReason]
    assert found["notificationPreferences"]["ASSIGNED"] == ["IN_APP", "EMAIL", "PUSH"]
    assert found["notificationPreferences"]["TASK_CHANGED"] == ["IN_APP"]
    assert (found["quietHours"], found["digest"], found["emailOffReason"]) == (None, "OFF", None)


async def test_what_is_chosen_stays_and_the_rest_is_as_before(app: App, team: SampleTeam) -> None:
    before = await settings_of(app, team.member)
    rows = [{"reason": "ASSIGNED", "channels": ["EMAIL", "EMAIL"]}, {"reason": "COMMENTED", "channels": []}]
    hours = {"from": "22:00", "to": "07:30", "days": [7, 1, 1]}
    payload = await mutate(app, team.member, UPDATE, set=rows, quietHours=hours, digest="DAILY")
    assert payload["errors"] == []
    found = await settings_of(app, team.member)
    changed = {"ASSIGNED": ["EMAIL"], "COMMENTED": []}
    assert found["notificationPreferences"] == before["notificationPreferences"] | changed
    assert (found["quietHours"], found["digest"]) == (hours | {"days": [1, 7]}, "DAILY")
    await mutate(app, team.member, UPDATE, quietHours=None, set=[{"reason": "REACTION", "channels": ["EMAIL"]}])
    found = await settings_of(app, team.member)
    assert found["notificationPreferences"] == before["notificationPreferences"] | changed | {"REACTION": ["EMAIL"]}
    assert (found["quietHours"], found["digest"]) == (None, "DAILY")


async def test_the_same_again_writes_nothing(app: App, team: SampleTeam) -> None:
    given = {"digest": "WEEKLY", "quietHours": {"from": "00:00", "to": "06:00", "days": [1]}}
    await mutate(app, team.member, UPDATE, **given)
    before = await table_states(app)
    await mutate(app, team.member, UPDATE, **given)
    await mutate(app, team.member, UPDATE)
    assert await table_states(app) == before


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        ({"quietHours": {"from": "22:00", "to": "22:00", "days": [1]}}, "INVALID", ["input", "quietHours", "to"]),
        ({"quietHours": {"from": "24:00", "to": "22:00", "days": [1]}}, "INVALID", ["input", "quietHours", "from"]),
        ({"quietHours": {"from": "7:00", "to": "22:00", "days": [1]}}, "INVALID", ["input", "quietHours", "from"]),
        ({"quietHours": {"from": "٠٧:00", "to": "22:00", "days": [1]}}, "INVALID", ["input", "quietHours", "from"]),
        ({"quietHours": {"from": "07:00", "to": "22:60", "days": [1]}}, "INVALID", ["input", "quietHours", "to"]),
        ({"quietHours": {"from": "07:00", "to": "22:00", "days": []}}, "INVALID", ["input", "quietHours", "days"]),
        ({"quietHours": {"from": "07:00", "to": "22:00", "days": [0, 1]}}, "INVALID", ["input", "quietHours", "days"]),
        ({"quietHours": {"from": "07:00", "to": "22:00", "days": [8]}}, "INVALID", ["input", "quietHours", "days"]),
        (
            {"set": [{"reason": "ASSIGNED", "channels": []}, {"reason": "ASSIGNED", "channels": ["EMAIL"]}]},
            "NOT_UNIQUE",
            ["input", "set", "1", "reason"],
        ),
    ],
)
async def test_what_cannot_be_meant_is_refused(app: App, team: SampleTeam, given: Any, code: str, path: list[str]) -> None:
    before = await table_states(app)
    assert codes_and_paths(await mutate(app, team.member, UPDATE, digest="DAILY", **given)) == [(code, path)]
    assert await table_states(app) == before


async def test_settings_are_their_persons_alone(app: App, team: SampleTeam) -> None:
    await mutate(app, team.member, UPDATE, digest="DAILY")
    query = "query ($id: ID!) { user(id: $id) { account { digest } } }"
    assert (await app.run(team.mate, query, id=team.member.id))["user"]["account"] is None
    assert (await settings_of(app, team.mate))["digest"] == "OFF"


async def test_a_token_needs_the_scopes_of_notifications(app: App, team: SampleTeam) -> None:
    fields = ("digest", "emailOffReason", "quietHours { from }", "notificationPreferences { reason }")
    with_scopes = (((Scope.PROFILE_READ,), False), ((Scope.NOTIFICATIONS_READ,), True))
    for field, (scopes, allowed) in product(fields, with_scopes):
        answer = await app.execute(
            team.member, f"{{ viewer {{ account {{ {field} }} }} }}", actor=actor_with_scopes(team.member, *scopes)
        )
        assert ("errors" not in answer) is allowed
    refused = await app.execute(
        team.member,
        "mutation { notificationPreferencesUpdate(input: {digest: DAILY}) { errors { code } } }",
        actor=actor_with_scopes(team.member, Scope.NOTIFICATIONS_READ, Scope.PROFILE_WRITE),
    )
    assert refused["errors"][0]["extensions"]["code"] == "INSUFFICIENT_SCOPE"
    assert (await settings_of(app, team.member))["digest"] == "OFF"


async def test_the_scope_of_notifications_opens_what_services_need_that_notify_people_and_no_more(
    app: App, team: SampleTeam
) -> None:
    async def answer(selection: str, *scopes: Scope) -> Any:
        return await app.execute(team.member, selection, actor=actor_with_scopes(team.member, *scopes))

    contact = "{ viewer { displayName email timeZone locale account { email emailVerifiedAt pushContent pushDevices { id } } } }"
    shown = (await answer(contact, Scope.NOTIFICATIONS_READ))["data"]["viewer"]
    assert shown["account"]["email"] == shown["email"] == team.member.user.email_address
    private = ("isServerAdmin", "sessions { id }", "apiTokens { id }", "factors { id }", "recoveryCodesLeft")
    for field in private:
        selection = f"{{ viewer {{ account {{ {field} }} }} }}"
        (error,) = (await answer(selection, Scope.NOTIFICATIONS_READ))["errors"]
        assert error["extensions"] == {"code": "INSUFFICIENT_SCOPE", "scope": "PROFILE_READ"}
        assert "errors" not in await answer(selection, Scope.PROFILE_READ)
    own = f'{{ user(id: "{team.member.id}") {{ account {{ emailVerifiedAt }} }} }}'
    (error,) = (await answer(own, Scope.TEAMS_READ))["errors"]
    assert error["extensions"] == {"code": "INSUFFICIENT_SCOPE", "scope": "PROFILE_READ"}
    (error,) = (await answer("{ viewer { id } }", Scope.TASKS_READ, Scope.TEAMS_READ))["errors"]
    assert error["extensions"] == {"code": "INSUFFICIENT_SCOPE", "scope": "PROFILE_READ"}


async def test_a_change_of_settings_is_told_to_ones_other_devices(app: App, team: SampleTeam) -> None:
    cursor, others = await current_cursor(app, team.member), await current_cursor(app, team.mate)
    await mutate(app, team.member, UPDATE, digest="DAILY")
    (change,) = await changes_since(app, team.member, cursor)
    assert (change["type"], change["entityId"]) == ("User", team.member.id)
    assert change["fields"] == [{"field": "digest", "before": "OFF", "after": "DAILY"}]
    assert await changes_since(app, team.mate, others) == []


def test_a_token_to_unsubscribe_names_its_person_and_reason_and_cannot_be_made_up() -> None:
    tokens, user_id = UnsubscribeTokens(b"secret"), uuid4()
    for reason in (None, *NotificationReason):
        token = tokens.encode(user_id, reason)
        assert tokens.decode(token) == (user_id, reason)
        assert UnsubscribeTokens(b"other").decode(token) is None
        for place in range(0, len(token), 3):
            changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
            assert tokens.decode(changed) is None
    for forged in ("", "A", "ä" * 20, "A" * 10_000, tokens.encode(user_id, None) + "="):
        assert tokens.decode(forged) is None
