"""Webhooks in the graph: what they may be, and who may have them."""

from typing import Any

import pytest

from domain import webhook as webhooks
from domain.actor import Scope
from domain.errors import Invalid
from domain.outgoing_url import OutgoingRules
from persistence.unit_of_work import unit_of_work
from tests.support.app import App
from tests.support.graph_actions import codes_and_paths, mutate, table_states
from tests.support.hostile_urls import hostile_urls
from tests.support.teams import SampleTeam, actor_with_scopes, uuid_of
from tests.support.webhooks import WEBHOOK_FIELDS, create_webhook

URL = "https://hooks.example.com/in?key=1"


async def create(app: App, team: SampleTeam, **fields: Any) -> Any:
    given = {"teamId": team.team_id, "url": URL, "events": ["*"]} | fields
    return await mutate(app, team.admin, "webhookCreate", WEBHOOK_FIELDS, **given)


async def test_a_webhook_shows_everything_but_its_secret_which_is_shown_once(app: App, team: SampleTeam) -> None:
    scope = {"projectIds": [team.project_id], "types": ["TASK"]}
    query = "subscription { changes { kind } }"
    made = await create(app, team, events=["task.*", "comment.created", "task.*"], scope=scope, query=query)
    assert made["errors"] == []
    assert made["secret"].startswith("whsec_")
    shown = {name: made["webhook"][name] for name in ("url", "state", "stateReason", "events", "scope", "query")}
    assert shown == {
        "url": URL,
        "state": "ACTIVE",
        "stateReason": None,
        "events": ["task.*", "comment.created"],
        "scope": scope,
        "query": query,
    }
    stored = await app.sql.fetchrow("SELECT * FROM webhooks WHERE id = $1", uuid_of(made["webhook"]["id"]))
    assert stored is not None
    assert made["secret"].removeprefix("whsec_") not in repr(dict(stored))
    listed = "query ($id: ID!) { team(id: $id) { webhooks { totalCount nodes { id url viewerCan } } } }"
    of_admin = (await app.run(team.owner, listed, id=team.team_id))["team"]["webhooks"]
    assert of_admin["nodes"] == [{"id": made["webhook"]["id"], "url": URL, "viewerCan": ["READ", "UPDATE", "DELETE", "MANAGE"]}]
    of_member = (await app.run(team.member, listed, id=team.team_id))["team"]["webhooks"]
    assert of_member == {"totalCount": 0, "nodes": []}


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"url": "http://hooks.example.com/"}, ("INVALID", ["input", "url"])),
        ({"url": "https://user:secret@hooks.example.com/"}, ("INVALID", ["input", "url"])),
        ({"url": "https://169.254.169.254/latest/meta-data"}, ("INVALID", ["input", "url"])),
        ({"events": []}, ("REQUIRED", ["input", "events"])),
        ({"events": ["task.exploded"]}, ("INVALID", ["input", "events", "0"])),
        ({"events": ["*", "signIn.*"]}, ("INVALID", ["input", "events", "1"])),
        ({"query": "subscription { changes { nonsense } }"}, ("INVALID", ["input", "query"])),
        ({"query": "query { viewer { id } }"}, ("INVALID", ["input", "query"])),
        ({"query": "subscription { notificationReceived { id } }"}, ("INVALID", ["input", "query"])),
        ({"query": "subscription ($a: SyncCursor) { changes(after: $a) { kind } }"}, ("INVALID", ["input", "query"])),
        ({"query": 'subscription { taskChanged(id: "x") { kind } }'}, ("INVALID", ["input", "query"])),
        ({"query": "subscription {"}, ("INVALID", ["input", "query"])),
        ({"query": "#" * 16_385}, ("TOO_LONG", ["input", "query"])),
    ],
)
async def test_what_cannot_be_sent_is_refused_and_nothing_is_stored(
    app: App, team: SampleTeam, fields: dict[str, Any], refused: tuple[str, list[str]]
) -> None:
    before = await table_states(app)
    assert codes_and_paths(await create(app, team, **fields)) == [refused]
    assert await table_states(app) == before
    assert await app.sql.fetchval("SELECT count(*) FROM webhooks WHERE team_id = $1", team.team.id) == 0


async def test_five_hundred_hostile_urls_are_refused(app: App, team: SampleTeam) -> None:
    urls = hostile_urls(443)
    assert len(urls) >= 500
    accepted = []
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        for url in urls:
            try:
                await webhooks.create(
                    uow,
                    team.owner.actor,
                    team.team.id,
                    url=url,
                    events=["*"],
                    scope=None,
                    query=None,
                    rules=OutgoingRules(),
                    secrets=app.resources.services.webhook_secrets,
                )
            except Invalid:
                continue
            accepted.append(url)
    assert accepted == []
    assert await app.sql.fetchval("SELECT count(*) FROM webhooks WHERE team_id = $1", team.team.id) == 0


async def test_a_team_has_ten_webhooks_at_most(app: App, team: SampleTeam) -> None:
    for _ in range(10):
        assert (await create(app, team))["errors"] == []
    assert codes_and_paths(await create(app, team)) == [("LIMIT_EXCEEDED", None)]


async def test_a_token_lends_a_webhook_no_more_than_it_has(app: App, team: SampleTeam) -> None:
    actor = actor_with_scopes(team.admin, Scope.WEBHOOKS_MANAGE, Scope.TASKS_READ, Scope.TEAMS_READ)
    answer = await app.execute(
        None,
        "mutation ($input: WebhookCreateInput!) { webhookCreate(input: $input) { errors { code } webhook { id } } }",
        actor=actor,
        input={"teamId": team.team_id, "url": URL, "events": ["*"]},
    )
    webhook_id = answer["data"]["webhookCreate"]["webhook"]["id"]
    scopes = await app.sql.fetchval("SELECT scopes FROM webhooks WHERE id = $1", uuid_of(webhook_id))
    assert scopes == ["TEAMS_READ", "TASKS_READ"]


async def test_deliveries_are_seen_by_those_who_manage_the_team(app: App, team: SampleTeam) -> None:
    made = await create_webhook(app, team.owner, team.team_id)
    text = "query ($id: ID!) { node(id: $id) { ... on WebhookDelivery { event state attempt body change { id } } } }"
    seen = {"event": "ping", "state": "PENDING", "attempt": 0, "body": None, "change": None}
    assert await app.run(team.admin, text, id=made["WebhookDelivery"]) == {"node": seen}
    for person in (team.member, team.guest, team.outsider):
        assert await app.run(person, text, id=made["WebhookDelivery"]) == {"node": None}
