"""Who is notified of what: by every reason, once for each event, never of their own doing, never of what they may not see."""

from typing import Any

import pytest

from domain.actor import Scope
from domain.notification import create
from tests.support.app import App
from tests.support.graph_actions import (
    create_comment,
    create_document,
    create_project,
    create_task,
    mutate,
    mutate_ok,
    table_states,
)
from tests.support.notifications import INBOX, handle_events, inbox, reasons, stream_head
from tests.support.teams import SampleTeam, actor_with_scopes, create_person_without_team, with_session


async def notified(app: App, team: SampleTeam, after: int) -> dict[str, list[str]]:
    """By first name why people were notified of what came after a position; those who were not are left out."""
    await handle_events(app, team, after)
    people = (team.owner, team.admin, team.member, team.mate, team.guest, team.outsider)
    found = {each.user.first_name: await reasons(app, each) for each in people}
    return {name: each for name, each in found.items() if each}


async def test_whoever_is_given_a_task_is_notified(app: App, team: SampleTeam) -> None:
    start = await stream_head(app, team)
    task = await create_task(app, team, "Ship it", assigneeId=team.mate.id)
    assert await notified(app, team, start) == {"Mate": ["ASSIGNED"]}
    (one,) = (await inbox(app, team.mate))["nodes"]
    assert one["title"] == f"Member Tester assigned {task['key']} Ship it to you"
    assert (one["actor"], one["subject"]) == ({"id": team.member.id}, {"__typename": "Task", "id": task["id"]})
    assert (one["body"], one["comment"], one["readAt"], one["eventCount"]) == (None, None, None, 1)


async def test_a_new_assignee_is_notified_and_the_former_watches(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team, assigneeId=team.mate.id)
    start = await stream_head(app, team)
    await mutate_ok(app, team.admin, "taskUpdate", id=task["id"], assigneeId=team.guest.id)
    assert await notified(app, team, start) == {"Guest": ["ASSIGNED"]}


async def test_a_comment_notifies_the_mentioned_of_that_and_watchers_of_the_comment(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team, "Ship it", assigneeId=team.mate.id)
    start = await stream_head(app, team)
    body = f"Look,   [@Owner](user:{team.owner.id}) and\n\n[@Mate](user:{team.mate.id})"
    comment = await create_comment(app, team.admin, task, body)
    assert await notified(app, team, start) == {"Owner": ["MENTIONED"], "Member": ["COMMENTED"], "Mate": ["MENTIONED"]}
    (one,) = (await inbox(app, team.member))["nodes"]
    assert one["title"] == f"Admin Tester commented on {task['key']} Ship it"
    assert (one["body"], one["comment"]) == ("Look, @Owner and @Mate", {"id": comment["id"]})


async def test_an_edit_notifies_those_who_are_mentioned_only_now(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team)
    comment = await create_comment(app, team.member, task, f"[@O](user:{team.owner.id})")
    start = await stream_head(app, team)
    both = f"[@O](user:{team.owner.id}) [@A](user:{team.admin.id})"
    await mutate_ok(app, team.member, "commentUpdate", id=comment["id"], body=both)
    assert await notified(app, team, start) == {"Admin": ["MENTIONED"]}


async def test_a_reaction_notifies_the_author_and_taking_it_back_nobody(app: App, team: SampleTeam) -> None:
    comment = await create_comment(app, team.member, await create_task(app, team))
    start = await stream_head(app, team)
    for on in (True, False):
        await mutate_ok(app, team.guest, "commentReact", id=comment["id"], emoji="👍", on=on)
    assert await notified(app, team, start) == {"Member": ["REACTION"]}


async def test_watchers_are_notified_of_a_changed_status_and_of_other_changes(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team, assigneeId=team.mate.id)
    start = await stream_head(app, team)
    await mutate_ok(app, team.admin, "taskUpdate", id=task["id"], status="IN_PROGRESS", title="Both at once")
    await mutate_ok(app, team.admin, "taskUpdate", id=task["id"], dueOn="2030-01-01")
    await mutate_ok(app, team.admin, "taskMove", id=task["id"], status="DONE")
    labelled = {"addLabelIds": [await _label(app, team)]}
    await mutate_ok(app, team.admin, "taskUpdate", id=task["id"], **labelled)
    changes = ["STATUS_CHANGED", "TASK_CHANGED", "STATUS_CHANGED"]
    assert await notified(app, team, start) == {"Member": changes, "Mate": changes}


async def _label(app: App, team: SampleTeam) -> Any:
    return (await mutate_ok(app, team.admin, "labelCreate", teamId=team.team_id, name="Red", color="#ff0000"))["id"]


async def test_who_stops_watching_is_not_notified(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team)
    await mutate(app, team.member, "watchSet", subjectId=task["id"], watching=False)
    start = await stream_head(app, team)
    await create_comment(app, team.admin, task)
    assert await notified(app, team, start) == {}


async def test_whoever_is_added_to_a_project_is_notified(app: App, team: SampleTeam) -> None:
    start = await stream_head(app, team)
    project = await create_project(app, team, "Secret", private_to=[team.guest, team.mate])
    assert await notified(app, team, start) == {"Guest": ["ADDED_TO_PROJECT"], "Mate": ["ADDED_TO_PROJECT"]}
    (one,) = (await inbox(app, team.guest))["nodes"]
    assert (one["title"], one["subject"]) == ("Owner Tester added you to Secret", {"__typename": "Project", "id": project})


async def test_whoever_is_invited_and_has_an_account_is_notified_until_the_invitation_ends(app: App, team: SampleTeam) -> None:
    start = await stream_head(app, team)
    stranger = await create_person_without_team(app)
    given = {"teamId": team.team_id, "email": stranger.user.email_address.upper()}
    payload = await mutate(app, team.owner, "teamInvite", "invitation { id }", **given)
    await handle_events(app, team, start)
    (one,) = (await inbox(app, stranger))["nodes"]
    assert (one["reason"], one["title"]) == ("INVITED", f"Owner Tester invited you to {team.team.name}")
    assert one["subject"] is None
    await mutate(app, team.owner, "invitationRevoke", id=payload["invitation"]["id"])
    await handle_events(app, team, start)
    assert (await inbox(app, stranger))["nodes"] == []


async def test_watchers_of_a_document_are_notified_of_comments_titles_and_versions(app: App, team: SampleTeam) -> None:
    document = await create_document(app, team, "Plan", content="First")
    start = await stream_head(app, team)
    await create_comment(app, team.admin, document)
    await mutate_ok(app, team.admin, "documentUpdate", id=document["id"], title="Big plan")
    base = await app.run(team.admin, "query ($id: ID!) { document(id: $id) { content { position } } }", id=document["id"])
    await mutate(
        app, team.admin, "documentEdit", id=document["id"], base=base["document"]["content"]["position"], append="Second"
    )
    await mutate(app, team.admin, "documentSaveVersion", id=document["id"])
    assert await notified(app, team, start) == {"Member": ["DOCUMENT_CHANGED", "DOCUMENT_CHANGED", "COMMENTED"]}
    titles = [each["title"] for each in (await inbox(app, team.member))["nodes"]]
    assert titles == ["Admin Tester changed Big plan", "Admin Tester changed Big plan", "Admin Tester commented on Big plan"]


async def test_nobody_is_notified_of_what_they_did_themselves(app: App, team: SampleTeam) -> None:
    start = await stream_head(app, team)
    task = await create_task(app, team, assigneeId=team.member.id)
    comment = await create_comment(app, team.member, task, f"[@Me](user:{team.member.id})")
    await mutate_ok(app, team.member, "commentReact", id=comment["id"], emoji="👍", on=True)
    await mutate_ok(app, team.member, "taskUpdate", id=task["id"], status="DONE")
    assert await notified(app, team, start) == {}


async def test_nobody_is_notified_of_what_they_may_not_see(app: App, team: SampleTeam) -> None:
    secret = await create_project(app, team, "Secret", private_to=[team.member, team.mate])
    task = await create_task(app, team, projectId=secret, assigneeId=team.mate.id)
    await create_comment(app, team.mate, task)
    start = await stream_head(app, team)
    await create_comment(app, team.member, task, f"[@A](user:{team.admin.id}) [@G](user:{team.guest.id})")
    await mutate_ok(app, team.owner, "projectSetMembers", id=secret, removeUserIds=[team.mate.id])
    # The mate watches it, and could see it when the comment was written, but not any more.
    assert await notified(app, team, start) == {}


async def test_what_one_may_not_see_any_more_leaves_the_inbox_and_comes_back_with_the_rights(app: App, team: SampleTeam) -> None:
    secret = await create_project(app, team, "Secret", private_to=[team.member, team.mate])
    task = await create_task(app, team, projectId=secret, assigneeId=team.mate.id)
    await handle_events(app, team)
    before = await inbox(app, team.mate)
    assert before["unreadCount"] == before["totalCount"] == 2
    node = before["nodes"][0]["id"]
    await mutate_ok(app, team.owner, "projectSetMembers", id=secret, removeUserIds=[team.mate.id])
    hidden = await inbox(app, team.mate)
    assert (hidden["nodes"], hidden["unreadCount"], hidden["totalCount"]) == ([], 0, 0)
    assert (await app.run(team.mate, "query ($id: ID!) { node(id: $id) { id } }", id=node))["node"] is None
    await mutate_ok(app, team.owner, "projectSetMembers", id=secret, addUserIds=[team.mate.id])
    assert await inbox(app, team.mate) == before
    await mutate(app, team.member, "taskDelete", id=task["id"])
    assert [each["reason"] for each in (await inbox(app, team.mate))["nodes"]] == ["ADDED_TO_PROJECT"]


async def test_a_deleted_comment_takes_its_notifications_along(app: App, team: SampleTeam) -> None:
    comment = await create_comment(app, team.admin, await create_task(app, team))
    await handle_events(app, team)
    assert await reasons(app, team.member) == ["COMMENTED"]
    await mutate(app, team.admin, "commentDelete", id=comment["id"])
    assert await reasons(app, team.member) == []


async def test_an_event_that_is_handled_again_notifies_nobody_again(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team, assigneeId=team.mate.id)
    await create_comment(app, team.admin, task, f"[@M](user:{team.mate.id})")
    await handle_events(app, team)
    before, stored = await table_states(app), await inbox(app, team.mate)
    await handle_events(app, team)
    await handle_events(app, team, batch=1)
    after = await table_states(app)
    assert {name for name in after if name in ("notifications", "events") and after[name] != before[name]} == set()
    assert await inbox(app, team.mate) == stored


@pytest.mark.parametrize("batch", [100, 3, 1])
async def test_what_one_does_in_one_go_is_one_notification_for_each_reason(app: App, team: SampleTeam, batch: int) -> None:
    tasks = [await create_task(app, team, f"Task {number}") for number in range(7)]
    start = await stream_head(app, team)
    ids = [each["id"] for each in tasks]
    changed = {"assigneeId": team.mate.id, "status": "IN_PROGRESS"}
    await mutate(app, team.admin, "tasksUpdate", ids=ids, set=changed)
    for again in (batch, 2):
        await handle_events(app, team, start, batch=again)
        (assigned,) = (await inbox(app, team.mate))["nodes"]
        assert (assigned["reason"], assigned["eventCount"]) == ("ASSIGNED", 7)
        assert assigned["title"] == "Admin Tester assigned 7 tasks to you"
        (moved,) = (await inbox(app, team.member))["nodes"]
        assert (moved["reason"], moved["eventCount"]) == ("STATUS_CHANGED", 7)
        assert moved["title"] == "Admin Tester changed the status of 7 tasks"


@pytest.mark.parametrize("batch", [100, 3, 1])
async def test_what_a_notification_remembers_of_a_bulk_change_is_bounded(
    app: App, team: SampleTeam, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(create, "MAX_EVENTS", 5)
    tasks = [await create_task(app, team, f"Task {number}") for number in range(7)]
    start = await stream_head(app, team)
    await mutate(app, team.admin, "tasksUpdate", ids=[each["id"] for each in tasks], set={"assigneeId": team.mate.id})
    for again in (batch, 2):
        await handle_events(app, team, start, batch=again)
        (assigned,) = (await inbox(app, team.mate))["nodes"]
        assert (assigned["reason"], assigned["eventCount"]) == ("ASSIGNED", 5)


async def test_a_token_that_may_not_read_tasks_is_not_told_their_titles(app: App, team: SampleTeam) -> None:
    await create_comment(app, team.admin, await create_task(app, team, "Secret plan"), "Secret words")
    await handle_events(app, team)
    lent = actor_with_scopes(team.member, Scope.NOTIFICATIONS_READ)
    answer = await app.execute(team.member, INBOX, actor=lent)
    (one,) = answer["data"]["notifications"]["nodes"]
    assert (one["title"], one["body"], one["comment"], one["subject"]) == ("Admin Tester commented on a task", None, None, None)
    for scopes in ((), (Scope.TASKS_READ,)):
        refused = await app.execute(team.member, INBOX, actor=actor_with_scopes(team.member, *scopes))
        assert refused["errors"][0]["extensions"]["code"] == "INSUFFICIENT_SCOPE"


async def test_a_closed_account_keeps_no_notifications(app: App, team: SampleTeam) -> None:
    await create_task(app, team, assigneeId=team.mate.id)
    await handle_events(app, team)
    assert await reasons(app, team.mate) == ["ASSIGNED"]
    await mutate_ok(app, await with_session(app, team.mate), "userDelete", id=team.mate.id)
    assert await app.sql.fetchval("SELECT count(*) FROM notifications WHERE user_id = $1", team.mate.user.id) == 0
    start = await stream_head(app, team)
    await create_comment(app, team.member, await create_task(app, team), f"[@M](user:{team.mate.id})")
    await handle_events(app, team, start)
    assert await app.sql.fetchval("SELECT count(*) FROM notifications WHERE user_id = $1", team.mate.user.id) == 0
