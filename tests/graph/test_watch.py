"""Watching, and what is news."""

from typing import Any

from resolvers import ids
from tests.graph.test_task_move import create_second_team
from tests.support.app import App, Person
from tests.support.graph_actions import (
    codes_and_paths,
    create_comment,
    create_project,
    create_task,
    fetch_task,
    mutate,
    mutate_ok,
    table_states,
)
from tests.support.teams import SampleTeam

UNREAD = "viewerUnread { since changeCount commentCount }"


async def unread_counts(app: App, person: Person, one: Any) -> tuple[int, int] | None:
    """How many changes, and comments among them, are news to somebody; None for nothing."""
    found = (await fetch_task(app, person, one["id"], UNREAD))["viewerUnread"]
    return found and (found["changeCount"], found["commentCount"])


async def watchers(app: App, one: Any, team: SampleTeam) -> list[str]:
    """First names."""
    found = await fetch_task(app, team.owner, one["id"], "watchers { totalCount nodes { displayName } }")
    assert found["watchers"]["totalCount"] == len(found["watchers"]["nodes"])
    return [each["displayName"].split()[0] for each in found["watchers"]["nodes"]]


async def test_whoever_has_to_do_with_a_task_watches_it(app: App, team: SampleTeam) -> None:
    one = await create_task(app, team, assigneeId=team.mate.id)
    assert await watchers(app, one, team) == ["Mate", "Member"]
    await mutate_ok(app, team.mate, "taskUpdate", id=one["id"], assigneeId=team.guest.id)
    assert await watchers(app, one, team) == ["Guest", "Mate", "Member"]
    await create_comment(app, team.admin, one, f"Look, [@O](user:{team.owner.id})")
    assert await watchers(app, one, team) == ["Admin", "Guest", "Mate", "Member", "Owner"]


async def test_one_watches_and_stops_as_one_likes(app: App, team: SampleTeam) -> None:
    one = await create_task(app, team)
    assert await fetch_task(app, team.guest, one["id"], "viewerIsWatching") == {"viewerIsWatching": False}
    for watching, names in ((True, ["Guest", "Member"]), (True, ["Guest", "Member"]), (False, ["Member"]), (False, ["Member"])):
        payload = await mutate(app, team.guest, "watchSet", "cursor", subjectId=one["id"], watching=watching)
        assert (payload["errors"], payload["cursor"]) == ([], None)
        assert await watchers(app, one, team) == names
        assert await fetch_task(app, team.guest, one["id"], "viewerIsWatching") == {"viewerIsWatching": watching}
    before = await table_states(app)
    for field, given in (("watchSet", {"watching": True}), ("markSeen", {})):
        payload = await mutate(app, team.outsider, field, subjectId=one["id"], **given)
        assert codes_and_paths(payload) == [("NOT_FOUND", ["input", "subjectId"])]
        payload = await mutate(app, team.member, field, subjectId=team.project_id, **given)
        assert codes_and_paths(payload) == [("INVALID", ["input", "subjectId"])]
    assert await table_states(app) == before


async def test_others_changes_are_news_until_they_are_seen(app: App, team: SampleTeam) -> None:
    one = await create_task(app, team)
    assert await unread_counts(app, team.member, one) is None
    assert await unread_counts(app, team.mate, one) == (1, 0)
    created = await fetch_task(app, team.mate, one["id"], f"createdAt {UNREAD}")
    assert created["viewerUnread"]["since"] == created["createdAt"]

    assert codes_and_paths(await mutate(app, team.mate, "markSeen", subjectId=one["id"])) == []
    assert await unread_counts(app, team.mate, one) is None
    await mutate_ok(app, team.mate, "taskUpdate", id=one["id"], title="By me")
    await create_comment(app, team.mate, one, "By me")
    assert await unread_counts(app, team.mate, one) is None
    assert await unread_counts(app, team.member, one) == (2, 1)

    said = await create_comment(app, team.guest, one, "By another")
    await mutate_ok(app, team.guest, "commentReact", id=said["id"], emoji="👍", on=True)
    await mutate_ok(app, team.member, "taskMove", id=one["id"], status="DONE")
    assert await unread_counts(app, team.mate, one) == (3, 1)
    since = (await fetch_task(app, team.mate, one["id"], UNREAD))["viewerUnread"]["since"]
    assert since > created["createdAt"]
    assert await unread_counts(app, team.guest, one) == (4, 1)
    await mutate(app, team.guest, "markSeen", subjectId=one["id"])
    assert await unread_counts(app, team.guest, one) is None
    assert await unread_counts(app, team.mate, one) == (3, 1)


async def test_news_of_one_task_are_no_news_of_another(app: App, team: SampleTeam) -> None:
    one, other = await create_task(app, team), await create_task(app, team)
    await mutate(app, team.mate, "markSeen", subjectId=one["id"])
    assert (await unread_counts(app, team.mate, one), await unread_counts(app, team.mate, other)) == (None, (1, 0))
    await mutate(app, team.mate, "markSeen", subjectId=other["id"])
    await mutate_ok(app, team.member, "taskLink", taskId=one["id"], targetId=other["id"], kind="BLOCKS")
    assert (await unread_counts(app, team.mate, one), await unread_counts(app, team.mate, other)) == ((1, 0), (1, 0))


async def test_what_was_seen_stays_seen_in_another_project_and_team(app: App, team: SampleTeam) -> None:
    far = await create_second_team(app, team)
    second = await create_project(app, team, "Second")
    one = await create_task(app, team, by=team.mate)
    await create_comment(app, team.mate, one)
    assert await unread_counts(app, team.member, one) == (2, 1)
    await mutate_ok(app, team.mate, "taskMove", id=one["id"], projectId=second)
    assert await unread_counts(app, team.member, one) == (3, 1)
    await mutate_ok(app, team.member, "taskMove", id=one["id"], projectId=far.project_id)
    assert await unread_counts(app, team.member, one) == (3, 1)
    await mutate(app, team.member, "markSeen", subjectId=one["id"])
    assert await unread_counts(app, team.member, one) is None
    await mutate_ok(app, far.owner, "taskUpdate", id=one["id"], title="News")
    assert await unread_counts(app, team.member, one) == (1, 0)
    assert ids.parse(one["id"]) is not None
