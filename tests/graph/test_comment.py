"""Comments through the graph: threads, mentions, reactions, and who may do what."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from resolvers import ids
from tests.support.app import App
from tests.support.graph_actions import (
    COMMENT_FIELDS,
    codes_and_paths,
    create_comment,
    create_project,
    create_task,
    fetch_task,
    mutate,
    mutate_ok,
    table_states,
)
from tests.support.teams import SampleTeam, create_sample_team

THREADS_SELECTION = f"""
  comments(first: 5) {{
    totalCount nodes {{
      {COMMENT_FIELDS} viewerCan subject {{ id }} replies(first: 5) {{ totalCount nodes {{ body parent {{ id }} author {{ displayName }} }} }}
    }}
  }}
"""
COMMENT_QUERY = f"query ($id: ID!) {{ node(id: $id) {{ id ... on Comment {{ {COMMENT_FIELDS} }} }} }}"


def mention_of(person: Any) -> str:
    """A mention, as a picker writes it."""
    return f"[@Somebody](user:{person.id})"


async def test_answers_stand_in_their_thread_and_answers_to_answers_too(app: App, team: SampleTeam) -> None:
    about = await create_task(app, team)
    first = await create_comment(app, team.guest, about, "First.")
    second = await create_comment(app, team.member, about, "Second.")
    answer = await create_comment(app, team.mate, about, "Answer.", parentId=first["id"])
    deeper = await create_comment(app, team.member, about, "Deeper.", parentId=answer["id"])
    assert (answer["parent"], deeper["parent"]) == ({"id": first["id"]}, {"id": first["id"]})
    found = (await fetch_task(app, team.guest, about["id"], THREADS_SELECTION))["comments"]
    assert found["totalCount"] == 4, "all comments are counted, as on a badge"
    own, others = ["READ", "COMMENT", "UPDATE", "DELETE"], ["READ", "COMMENT"]
    assert found["nodes"] == [
        first
        | {
            "subject": {"id": about["id"]},
            "viewerCan": own,
            "replies": {
                "totalCount": 2,
                "nodes": [
                    {"body": "Answer.", "parent": {"id": first["id"]}, "author": {"displayName": "Mate Tester"}},
                    {"body": "Deeper.", "parent": {"id": first["id"]}, "author": {"displayName": "Member Tester"}},
                ],
            },
        },
        second | {"subject": {"id": about["id"]}, "viewerCan": others, "replies": {"totalCount": 0, "nodes": []}},
    ]


async def test_an_answer_belongs_to_the_subject_of_its_thread(app: App, team: SampleTeam) -> None:
    one, other = await create_task(app, team), await create_task(app, team)
    elsewhere = await create_comment(app, team.member, other)
    gone = await create_comment(app, team.member, one)
    await mutate_ok(app, team.member, "commentDelete", id=gone["id"])
    before = await table_states(app)
    for parent in (elsewhere["id"], gone["id"], ids.encode("Comment", uuid4())):
        payload = await mutate(app, team.member, "commentCreate", subjectId=one["id"], body="?", parentId=parent)
        assert codes_and_paths(payload) == [("NOT_FOUND", ["input", "parentId"])]
    assert await table_states(app) == before


async def test_a_thread_is_resolved_and_opened_again_by_anybody_who_may_comment(app: App, team: SampleTeam) -> None:
    about = await create_task(app, team)
    thread = await create_comment(app, team.member, about, "Done?")
    await create_comment(app, team.member, about, "Open.")
    answer = await create_comment(app, team.mate, about, "Yes.", parentId=thread["id"])
    resolved = await mutate_ok(app, team.guest, "commentResolve", id=thread["id"], resolved=True)
    assert resolved["resolvedAt"] is not None
    assert resolved == thread | {"resolvedAt": resolved["resolvedAt"], "resolvedBy": {"id": team.guest.id}, "version": 2}
    before = await table_states(app)
    assert await mutate_ok(app, team.mate, "commentResolve", id=thread["id"], resolved=True) == resolved
    payload = await mutate(app, team.member, "commentResolve", id=answer["id"], resolved=True)
    assert codes_and_paths(payload) == [("INVALID", ["input", "id"])]
    assert await table_states(app) == before
    for narrowed, bodies in (("true", ["Done?"]), ("false", ["Open."]), ("null", ["Done?", "Open."])):
        found = await fetch_task(app, team.mate, about["id"], f"comments(resolved: {narrowed}) {{ totalCount nodes {{ body }} }}")
        assert [each["body"] for each in found["comments"]["nodes"]] == bodies
        assert found["comments"]["totalCount"] == (3 if narrowed == "null" else len(bodies))
    opened = await mutate_ok(app, team.mate, "commentResolve", id=thread["id"], resolved=False)
    assert opened == thread | {"version": 3}


EMOJI = ["👍", "❤️", "☑️", "🇮🇹", "👍🏽", "👩‍👩‍👧‍👦", "🧑🏿‍🤝‍🧑🏻", "👩🏽‍❤️‍💋‍👨🏿", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏳️‍🌈", "1️⃣", "#️⃣", "🫠", "⭐", "™️"]
NO_EMOJI = ["", " ", "abc", "1", "42", "é", "—", "한", ":+1:", "<b>", "👍👍", "a👍", "👍a", "🇮", "🇮🇹🇩🇪", "👍\u0301"]
NO_EMOJI += ["\u200d", "\ufe0f", "\u202e", "👩\u200d", "\u200d👩", "👨\u200d" * 20 + "👨"]


@pytest.mark.parametrize("emoji", EMOJI)
async def test_one_reacts_with_one_emoji_and_takes_it_back(app: App, team: SampleTeam, emoji: str) -> None:
    said = await create_comment(app, team.member, await create_task(app, team))
    reacted = await mutate_ok(app, team.guest, "commentReact", id=said["id"], emoji=emoji, on=True)
    assert reacted == said | {"reactions": [{"emoji": emoji, "count": 1, "viewerReacted": True}]}
    assert (await app.run(team.member, COMMENT_QUERY, id=said["id"]))["node"]["reactions"] == [
        {"emoji": emoji, "count": 1, "viewerReacted": False}
    ]
    assert await mutate_ok(app, team.guest, "commentReact", id=said["id"], emoji=f" {emoji}", on=False) == said


async def test_an_emoji_is_the_same_with_and_without_the_mark_that_asks_for_its_picture(app: App, team: SampleTeam) -> None:
    said = await create_comment(app, team.member, await create_task(app, team))
    await mutate_ok(app, team.member, "commentReact", id=said["id"], emoji="\u2764", on=True)
    reacted = await mutate_ok(app, team.guest, "commentReact", id=said["id"], emoji="\u2764\ufe0f", on=True)
    assert reacted["reactions"] == [{"emoji": "\u2764\ufe0f", "count": 2, "viewerReacted": True}]
    again = await mutate_ok(app, team.guest, "commentReact", id=said["id"], emoji="\u2764", on=True)
    assert again["reactions"] == reacted["reactions"]
    taken_back = await mutate_ok(app, team.guest, "commentReact", id=said["id"], emoji="\u2764\ufe0e", on=False)
    assert taken_back["reactions"] == [{"emoji": "\u2764\ufe0f", "count": 1, "viewerReacted": False}]


async def test_what_is_not_one_emoji_is_no_reaction(app: App, team: SampleTeam) -> None:
    said = await create_comment(app, team.member, await create_task(app, team))
    before = await table_states(app)
    for text in NO_EMOJI:
        payload = await mutate(app, team.member, "commentReact", id=said["id"], emoji=text, on=True)
        assert (text, codes_and_paths(payload)) == (text, [("INVALID", ["input", "emoji"])])
    assert await table_states(app) == before


async def test_reactions_are_counted_once_a_person_the_oldest_emoji_first(app: App, team: SampleTeam) -> None:
    said = await create_comment(app, team.member, await create_task(app, team))
    for person, emoji in ((team.member, "🎉"), (team.mate, "👍"), (team.guest, "👍"), (team.guest, "🎉"), (team.owner, "👍")):
        await mutate_ok(app, person, "commentReact", id=said["id"], emoji=emoji, on=True)
    before = await table_states(app)
    again = await mutate_ok(app, team.mate, "commentReact", id=said["id"], emoji="👍", on=True)
    never = await mutate_ok(app, team.mate, "commentReact", id=said["id"], emoji="🎉", on=False)
    assert await table_states(app) == before
    expected = [
        {"emoji": "🎉", "count": 2, "viewerReacted": False},
        {"emoji": "👍", "count": 3, "viewerReacted": True},
    ]
    assert again == never == said | {"reactions": expected}


async def test_a_comment_has_at_most_fifty_kinds_of_reactions_but_any_number_of_people(app: App, team: SampleTeam) -> None:
    said = await create_comment(app, team.member, await create_task(app, team))
    kinds = [chr(0x1F400 + number) for number in range(51)]
    for emoji in kinds[:50]:
        await mutate_ok(app, team.member, "commentReact", id=said["id"], emoji=emoji, on=True)
    before = await table_states(app)
    payload = await mutate(app, team.member, "commentReact", id=said["id"], emoji=kinds[50], on=True)
    assert codes_and_paths(payload) == [("LIMIT_EXCEEDED", ["input", "emoji"])]
    assert await table_states(app) == before
    joined = await mutate_ok(app, team.mate, "commentReact", id=said["id"], emoji=kinds[49], on=True)
    assert joined["reactions"][49] == {"emoji": kinds[49], "count": 2, "viewerReacted": True}


async def test_only_those_who_see_the_subject_are_mentioned_and_they_watch_it_from_then_on(app: App, team: SampleTeam) -> None:
    secret = await create_project(app, team, "Secret", private_to=[team.member, team.guest])
    about = await create_task(app, team, projectId=secret)
    everybody = [team.guest, team.mate, team.outsider, team.member, team.guest]
    nonsense = "[x](user:nonsense!) [y](user:VGVhbTo=) user:" + team.admin.id + f" [t](user:{team.team_id})"
    said = await create_comment(app, team.owner, about, " ".join([*map(mention_of, everybody), nonsense]))
    expected = sorted([team.guest.user.id, team.member.user.id])
    assert said["mentions"] == [{"id": ids.encode("User", each)} for each in expected]
    watching = "watchers { nodes { displayName } } viewerIsWatching"
    assert await fetch_task(app, team.guest, about["id"], watching) == {
        "watchers": {"nodes": [{"displayName": f"{name} Tester"} for name in ("Guest", "Member", "Owner")]},
        "viewerIsWatching": True,
    }
    edited = await mutate_ok(app, team.owner, "commentUpdate", id=said["id"], body=f"Only {mention_of(team.member)}")
    assert edited["mentions"] == [{"id": team.member.id}]
    assert edited["editedAt"] is not None


async def test_a_mention_is_what_commonmark_reads_as_a_link_to_a_person(app: App, team: SampleTeam) -> None:
    about = await create_task(app, team)
    user = team.mate.id
    uuid = str(team.mate.user.id)
    link = f"[@Mate](user:{user})"
    mentions = (
        f"[@M](<user:{user}>)",
        f'[@M](user:{user} "M")',
        f"[@M][m]\n\n[m]: user:{user}",
        f"<user:{user}>",
        f"[@M](user:{uuid})",
    )
    for body in (link, f"> {link}", *mentions, f"[@M](user:{user.replace('=', '%3D')})"):
        assert (await create_comment(app, team.member, about, body))["mentions"] == [{"id": user}], body
    for body in (
        f"`{link}`",
        f"```\n{link}\n```",
        f"    {link}",
        f"\\{link}",
        f"x <!-- {link} -->",
        f"![M](user:{user})",
        f"user:{user}",
    ):
        assert (await create_comment(app, team.member, about, body))["mentions"] == [], body
    said = await create_comment(app, team.member, about, "Nobody.")
    edited = await mutate_ok(app, team.member, "commentUpdate", id=said["id"], body=f"{link} `{link}`")
    assert edited["mentions"] == [{"id": user}]


async def test_at_most_fifty_people_are_mentioned(app: App, team: SampleTeam) -> None:
    about = await create_task(app, team)
    before = await table_states(app)
    body = " ".join(f"[@N](user:{ids.encode('User', uuid4())})" for _ in range(51))
    payload = await mutate(app, team.member, "commentCreate", subjectId=about["id"], body=body)
    assert codes_and_paths(payload) == [("LIMIT_EXCEEDED", ["input", "body"])]
    assert await table_states(app) == before


async def test_a_text_has_something_in_it_and_an_end(app: App, team: SampleTeam) -> None:
    about = await create_task(app, team)
    said = await create_comment(app, team.member, about)
    before = await table_states(app)
    for body, code in (("", "REQUIRED"), (" \n\t", "REQUIRED"), ("x" * 65_537, "TOO_LONG"), ("a\x1bb", "INVALID")):
        created = await mutate(app, team.member, "commentCreate", subjectId=about["id"], body=body)
        updated = await mutate(app, team.member, "commentUpdate", id=said["id"], body=body)
        assert codes_and_paths(created) == codes_and_paths(updated) == [(code, ["input", "body"])]
    assert await table_states(app) == before


async def test_who_may_edit_and_delete_a_comment(app: App, team: SampleTeam) -> None:
    about = await create_task(app, team)
    said = await create_comment(app, team.guest, about, "By the guest.")
    before = await table_states(app)
    for person in (team.member, team.admin, team.owner):
        payload = await mutate(app, person, "commentUpdate", id=said["id"], body="Put into his mouth.")
        assert codes_and_paths(payload) == [("FORBIDDEN", None)]
        assert payload["errors"][0]["missing"] == "UPDATE"
    refused = await mutate(app, team.member, "commentDelete", id=said["id"])
    assert codes_and_paths(refused) == [("FORBIDDEN", None)]
    for field, given in (
        ("commentUpdate", {"body": "?"}),
        ("commentDelete", {}),
        ("commentReact", {"emoji": "👍", "on": True}),
        ("commentResolve", {"resolved": True}),
    ):
        hidden = await mutate(app, team.outsider, field, id=said["id"], **given)
        absent = await mutate(app, team.outsider, field, id=ids.encode("Comment", uuid4()), **given)
        assert hidden == absent
        assert codes_and_paths(hidden) == [("NOT_FOUND", ["input", "id"])]
    conflict = await mutate(app, team.guest, "commentUpdate", id=said["id"], body="New", expectedVersion=2)
    assert codes_and_paths(conflict) == [("CONFLICT", ["input", "expectedVersion"])]
    assert conflict["errors"][0]["current"] == {"id": said["id"], "version": 1}
    assert await table_states(app) == before

    edited = await mutate_ok(app, team.guest, "commentUpdate", id=said["id"], body="Mended.", expectedVersion=1)
    assert edited["version"] == 2
    assert await mutate_ok(app, team.admin, "commentDelete", id=said["id"], expectedVersion=2) == said["id"]
    other = await create_comment(app, team.guest, about)
    assert await mutate_ok(app, team.guest, "commentDelete", id=other["id"]) == other["id"]


async def test_a_deleted_comment_is_gone_with_its_answers(app: App, team: SampleTeam) -> None:
    about = await create_task(app, team)
    thread = await create_comment(app, team.member, about, "Thread.")
    answers = [await create_comment(app, team.mate, about, f"Answer {number}.", parentId=thread["id"]) for number in range(2)]
    await mutate_ok(app, team.mate, "commentDelete", id=answers[0]["id"])
    found = (await fetch_task(app, team.member, about["id"], THREADS_SELECTION))["comments"]
    assert [each["body"] for each in found["nodes"][0]["replies"]["nodes"]] == ["Answer 1."]
    await mutate_ok(app, team.member, "commentDelete", id=thread["id"])
    assert await fetch_task(app, team.member, about["id"], THREADS_SELECTION) == {"comments": {"totalCount": 0, "nodes": []}}
    for each in (thread, *answers):
        assert await app.run(team.member, COMMENT_QUERY, id=each["id"]) == {"node": None}
        assert codes_and_paths(await mutate(app, team.member, "commentDelete", id=each["id"])) == [("NOT_FOUND", ["input", "id"])]


async def test_nothing_is_said_about_what_is_deleted_and_nothing_changed_in_an_archived_project(
    app: App, team: SampleTeam
) -> None:
    gone = await create_task(app, team)
    await mutate_ok(app, team.member, "taskDelete", id=gone["id"])
    old = await create_project(app, team, "Old")
    about = await create_task(app, team, projectId=old)
    said = await create_comment(app, team.member, about)
    await mutate_ok(app, team.owner, "projectUpdate", id=old, status="ARCHIVED")
    before = await table_states(app)
    payload = await mutate(app, team.member, "commentCreate", subjectId=gone["id"], body="Too late.")
    assert codes_and_paths(payload) == [("INVALID", ["input", "subjectId"])]
    for field, given in (
        ("commentUpdate", {"body": "?"}),
        ("commentDelete", {}),
        ("commentReact", {"emoji": "👍", "on": True}),
        ("commentResolve", {"resolved": True}),
    ):
        assert codes_and_paths(await mutate(app, team.member, field, id=said["id"], **given)) == [("FORBIDDEN", None)]
    assert await table_states(app) == before
    assert (await app.run(team.member, COMMENT_QUERY, id=said["id"]))["node"] == said


async def test_comments_follow_their_task_into_another_project(app: App, team: SampleTeam) -> None:
    secret = await create_project(app, team, "Secret", private_to=[team.member])
    about = await create_task(app, team)
    said = await create_comment(app, team.mate, about, "Hear me.")
    await mutate_ok(app, team.member, "taskMove", id=about["id"], projectId=secret)
    assert (await app.run(team.mate, COMMENT_QUERY, id=said["id"]))["node"] is None
    assert codes_and_paths(await mutate(app, team.mate, "commentUpdate", id=said["id"], body="?")) == [
        ("NOT_FOUND", ["input", "id"])
    ]
    assert (await app.run(team.member, COMMENT_QUERY, id=said["id"]))["node"] == said
    await mutate_ok(app, team.member, "taskMove", id=about["id"], projectId=team.project_id)
    assert (await mutate_ok(app, team.mate, "commentUpdate", id=said["id"], body="Back."))["version"] == 2


async def test_an_id_of_the_clients_own_is_taken_only_once(app: App, team: SampleTeam) -> None:
    about, comment_id = await create_task(app, team), uuid4()
    said = await create_comment(app, team.member, about, id=str(comment_id))
    assert said["id"] == ids.encode("Comment", comment_id)
    far = await create_sample_team(app)
    theirs = await create_task(app, far)
    before = await table_states(app)
    for person, subject in ((team.member, about), (far.member, theirs)):
        payload = await mutate(app, person, "commentCreate", subjectId=subject["id"], body="Again.", id=str(comment_id))
        assert codes_and_paths(payload) == [("NOT_UNIQUE", ["input", "id"])]
    assert await table_states(app) == before


async def test_many_comments_at_once_are_all_kept(app: App, team: SampleTeam) -> None:
    about = await create_task(app, team)
    people = (team.member, team.mate, team.guest, team.owner, team.admin)
    await asyncio.gather(*(create_comment(app, person, about, f"{number}") for number, person in enumerate(people * 2)))
    found = await fetch_task(app, team.member, about["id"], "comments { totalCount } watchers { totalCount }")
    assert found == {"comments": {"totalCount": 10}, "watchers": {"totalCount": 5}}


async def test_mentions_are_links_as_a_reader_sees_them(app: App, team: SampleTeam) -> None:
    about = await create_task(app, team)
    link = f"[@Mate](user:{team.mate.id})"
    expected = {
        link: True,
        f"[@Mate](<user:{team.mate.id}>)": True,
        f'[@Mate](user:{team.mate.id} "Mate")': True,
        f"[*@Mate*][m]\n\n[m]: user:{team.mate.id}": True,
        f"`{link}`": False,
        f"```\n{link}\n```": False,
        f"    {link}": False,
        f"<!-- {link} -->": False,
        link.replace("[", "\\[", 1): False,
    }
    for body, mentioned in expected.items():
        comment = await create_comment(app, team.member, about, f"Words.\n\n{body}")
        assert comment["mentions"] == ([{"id": team.mate.id}] if mentioned else []), body
