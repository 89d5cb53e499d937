"""Whoever loses a right while they follow is sent nothing of what is written afterwards, by any way that stays open.

For each way of losing it somebody follows by every subscription, a stream over HTTP and a socket of live editing, and is sent a word
by each. Then they lose the right, and the next word is written at once. Where it was their credentials that ended, every connection
ends within a moment, and the word is written then.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from domain import api_token
from domain.actor import ALL_SCOPES
from persistence.unit_of_work import unit_of_work
from resolvers import ids
from schema.root import schema
from tests.isolation.quick import some_in_quick
from tests.support.app import App
from tests.support.followers import LINK_SUBSCRIPTIONS, SUBSCRIPTIONS, Scene, create_scene, open_follower
from tests.support.graph_actions import mutate, mutate_ok
from tests.support.principals import create_app_token, expiring, sign_in, suspend
from tests.support.served_app import ANSWER_SECONDS, ServedApp, serve_app
from tests.support.share_links import create_share_link, token_of
from tests.support.snapshots import access_token
from tests.support.teams import SampleTeam, uuid_of, with_session

_BEFORE: Final = "aardvark"
_AFTER: Final = "zorilla"


@pytest.fixture(scope="module")
async def served(app: App) -> AsyncIterator[ServedApp]:
    async with serve_app(app) as opened:
        yield opened


def test_every_subscription_is_followed() -> None:
    subscription = schema._schema.subscription_type
    assert subscription is not None
    assert set(SUBSCRIPTIONS) == set(subscription.fields)


# ── rights ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Loss:
    """A way in which the mate loses the right to see what they follow."""

    happen: Callable[[Scene], Awaitable[Any]]
    writes: bool = True
    """Whether the owner can write there afterwards."""
    reported: str = "ACCESS_LOST"
    """The kind of change that says so."""


async def _move_away(scene: Scene) -> None:
    """What is followed goes to a private project. New things of the former project are seen, so the mate loses that as well."""
    await mutate_ok(scene.app, scene.team.owner, "taskMove", id=scene.task["id"], projectId=scene.secret_project_id)
    await mutate_ok(scene.app, scene.team.owner, "documentMove", id=scene.document["id"], projectId=scene.secret_project_id)
    await mutate_ok(scene.app, scene.team.owner, "projectUpdate", id=scene.team.project_id, visibility="PRIVATE")


def _by(person: str, mutation: str, /, **fields: Callable[[Scene], Any]) -> Callable[[Scene], Awaitable[Any]]:
    """The loss by a mutation of somebody in the team."""

    async def happen(scene: Scene) -> None:
        payload = await mutate(
            scene.app, getattr(scene.team, person), mutation, **{name: find(scene) for name, find in fields.items()}
        )
        assert payload["errors"] == []

    return happen


_LOSSES: Final[Mapping[str, Loss]] = {
    "removed from the team": Loss(
        _by("admin", "teamMemberRemove", teamId=lambda of: of.team.team_id, userId=lambda of: of.team.mate.id)
    ),
    "left the team": Loss(_by("mate", "teamMemberRemove", teamId=lambda of: of.team.team_id, userId=lambda of: of.team.mate.id)),
    "became a guest": Loss(
        _by(
            "owner",
            "teamMemberSetRole",
            teamId=lambda of: of.team.team_id,
            userId=lambda of: of.team.mate.id,
            role=lambda of: "GUEST",
        ),
        reported="MEMBERSHIP",
    ),
    "the project became private": Loss(
        _by("owner", "projectUpdate", id=lambda of: of.team.project_id, visibility=lambda of: "PRIVATE")
    ),
    "moved to a private project": Loss(_move_away),
    "the project was deleted": Loss(
        _by("owner", "projectDelete", id=lambda of: of.team.project_id), writes=False, reported="DELETED"
    ),
    "the team was deleted": Loss(_by("owner", "teamDelete", id=lambda of: of.team.team_id), writes=False),
}


@pytest.mark.parametrize("name", some_in_quick(_LOSSES, "removed from the team", "the project became private"))
async def test_whoever_loses_a_right_is_sent_nothing_afterwards(app: App, team: SampleTeam, served: ServedApp, name: str) -> None:
    scene, mate = await create_scene(app, team), team.mate
    async with open_follower(served, scene, await sign_in(app, mate)) as follower:
        await follower.read_until_seen(scene, _BEFORE, *(way for way in follower.ways if way != "jobUpdated"))

        await _LOSSES[name].happen(scene)
        if _LOSSES[name].writes:
            await scene.write(_AFTER)
        # What comes in their own stream after it was written after it.
        await mutate_ok(app, mate, "userUpdate", lastName="Marker")
        await follower.wait_until_seen("Marker", "changes", "stream")
        await follower.socket.wait_for(lambda: {"taskChanged", "documentCollaboration"} <= follower.socket.completed)
        async with asyncio.timeout(ANSWER_SECONDS):
            assert await follower.editing_end in (4403, 4404)
        assert _LOSSES[name].reported in str(follower.socket.received["changes"])
        assert [way for way in follower.ways if follower.has_seen(way, _AFTER)] == []
        assert follower.socket.close_reason is None


# ── credentials ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Ending:
    """A way in which credentials end: what opens the connections, and what ends that."""

    open: Callable[[Scene], Awaitable[tuple[str, Callable[[], Awaitable[Any]]]]]
    subscriptions: Mapping[str, str] = field(default_factory=lambda: SUBSCRIPTIONS)
    """Those that are open to them."""
    reason: str = "UNAUTHENTICATED"


async def _api_token(scene: Scene, lives: timedelta | None) -> tuple[str, str]:
    """A token with every scope: the id and the Authorization header."""
    async with unit_of_work(scene.app.resources.database, scene.app.resources.services.pubsub) as uow:
        expires = None if lives is None else datetime.now(UTC) + lives
        actor = scene.team.mate.actor
        token, secret = await api_token.create(uow, actor, name="Script", scopes=list(ALL_SCOPES), expires_at=expires)
    return ids.encode("ApiToken", token.id), f"Bearer {secret}"


async def _nothing() -> None:
    """Time ends it."""


async def _signed_out(scene: Scene) -> Any:
    mate = await with_session(scene.app, scene.team.mate)
    authorization = f"Bearer {await access_token(scene.app, mate)}"
    return authorization, lambda: mutate(scene.app, mate, "sessionRevoke")


async def _suspended(scene: Scene) -> Any:
    return await sign_in(scene.app, scene.team.mate), lambda: suspend(scene.app, scene.team.mate)


async def _deleted(scene: Scene) -> Any:
    mate = await with_session(scene.app, scene.team.mate)
    return await sign_in(scene.app, mate), lambda: mutate_ok(scene.app, mate, "userDelete", id=mate.id)


async def _token_expired(scene: Scene) -> Any:
    return expiring(scene.app, await sign_in(scene.app, scene.team.mate), 4), _nothing


async def _api_token_revoked(scene: Scene) -> Any:
    id_, authorization = await _api_token(scene, None)
    return authorization, lambda: mutate(scene.app, scene.team.mate, "apiTokenRevoke", id=id_)


async def _api_token_expired(scene: Scene) -> Any:
    return (await _api_token(scene, timedelta(seconds=4)))[1], _nothing


async def _app_deleted(scene: Scene) -> Any:
    authorization = await create_app_token(scene.app, scene.team, ALL_SCOPES)
    apps = "query ($id: ID!) { team(id: $id) { oauthClients { id } } }"
    (found,) = (await scene.app.run(scene.team.owner, apps, id=scene.team.team_id))["team"]["oauthClients"]
    return authorization, lambda: mutate_ok(scene.app, scene.team.owner, "oauthClientDelete", id=found["id"])


def _link_ends(subject: str, end: Callable[[Scene, Any], Awaitable[Any]]) -> Callable[[Scene], Awaitable[Any]]:
    async def open_(scene: Scene) -> Any:
        subject_id = scene.document["id"] if subject == "document" else scene.team.project_id
        link = await create_share_link(scene.app, scene.team.member, subject_id)
        return f"Bearer {token_of(link)}", lambda: end(scene, link)

    return open_


def _revoke(scene: Scene, link: Any) -> Any:
    return mutate(scene.app, scene.team.owner, "shareLinkRevoke", id=link["id"])


def _expire(scene: Scene, link: Any) -> Any:
    return scene.app.sql.execute("UPDATE share_links SET expires_at = now() WHERE id = $1", uuid_of(link["id"]))


def _remove_creator(scene: Scene, _: Any) -> Any:
    return mutate(scene.app, scene.team.owner, "teamMemberRemove", teamId=scene.team.team_id, userId=scene.team.member.id)


def _make_private(scene: Scene, _: Any) -> Any:
    return mutate_ok(scene.app, scene.team.owner, "projectUpdate", id=scene.team.project_id, visibility="PRIVATE")


_OF_APP: Final = {name: SUBSCRIPTIONS[name] for name in ("changes", "taskChanged", "documentCollaboration")}
_ENDINGS: Final[Mapping[str, Ending]] = {
    "signed out": Ending(_signed_out),
    "suspended": Ending(_suspended),
    "account deleted": Ending(_deleted),
    "access token expired": Ending(_token_expired, reason="TOKEN_EXPIRED"),
    "API token revoked": Ending(_api_token_revoked),
    "API token expired": Ending(_api_token_expired, reason="TOKEN_EXPIRED"),
    "app deleted": Ending(_app_deleted, _OF_APP),
    "link to a document revoked": Ending(_link_ends("document", _revoke), LINK_SUBSCRIPTIONS["document"]),
    "link to a document expired": Ending(_link_ends("document", _expire), LINK_SUBSCRIPTIONS["document"]),
    "link whose creator was removed": Ending(_link_ends("document", _remove_creator), LINK_SUBSCRIPTIONS["document"]),
    "link into a project that became private": Ending(_link_ends("document", _make_private), LINK_SUBSCRIPTIONS["document"]),
    "link to a board revoked": Ending(_link_ends("board", _revoke), LINK_SUBSCRIPTIONS["board"]),
    "link to a board whose creator was removed": Ending(_link_ends("board", _remove_creator), LINK_SUBSCRIPTIONS["board"]),
}


@pytest.mark.parametrize("name", some_in_quick(_ENDINGS, "signed out", "app deleted", "link to a board revoked"))
async def test_whose_credentials_end_is_cut_off_everywhere(app: App, team: SampleTeam, served: ServedApp, name: str) -> None:
    scene, ending = await create_scene(app, team), _ENDINGS[name]
    authorization, end = await ending.open(scene)
    async with open_follower(served, scene, authorization, ending.subscriptions) as follower:
        followed = [way for way in follower.ways if way not in ("jobUpdated", "notificationReceived")]
        await follower.read_until_seen(scene, _BEFORE, *followed)

        await end()
        await follower.socket.wait_for(lambda: follower.socket.close_reason is not None)
        async with asyncio.timeout(ANSWER_SECONDS):
            if "changes" in followed:
                await follower.stream_ended.wait()
            if "documentCollaboration" in followed:
                assert await follower.editing_end in (4401, 4404)
        await scene.write(_AFTER)
        assert follower.socket.close_reason == ending.reason
        assert [way for way in follower.ways if follower.has_seen(way, _AFTER)] == []
