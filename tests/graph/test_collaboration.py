"""Live editing through the graph: what is sent arrives, once it is durable, in order, and nowhere else."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import pytest

from domain.document.update import Appended, Update
from domain.errors import SubscriptionLagged
from persistence.events.document_log import UpdateLog
from realtime.collaboration.access import DocumentRight
from realtime.collaboration.graph_subscriber import GraphSubscriber
from tests.support.app import App
from tests.support.graph_actions import codes_and_paths, mutate, mutate_ok, table_states
from tests.support.graph_collaboration import (
    Editor,
    apply_updates,
    apply_updates_ok,
    document_text,
    document_uuid,
    logged_updates,
    new_document_id,
    open_collaboration,
)
from tests.support.teams import SampleTeam


async def test_the_first_event_brings_everything_and_later_ones_each_edit(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    ada, bob = Editor(), Editor()
    assert await apply_updates_ok(app, team.member, id_, ada.write("Hello"), session="tab") == 1
    async with open_collaboration(app, team.mate, id_) as ear:
        synced = await ear.next_change()
        assert (synced["__typename"], synced["position"], synced["presence"]) == ("DocumentSynced", 1, [])
        bob.apply_update(synced["update"])
        assert str(bob.text) == "Hello"
        assert synced["stateVector"] == ada.state_vector

        assert await apply_updates_ok(app, team.member, id_, ada.write(" wor"), ada.write("ld"), session="tab") == 2
        assert await apply_updates_ok(app, team.owner, id_, bob.write("!"), session="other") == 3
        first, second = await ear.next_changes(2)
        assert (first["position"], first["sessionId"], first["author"]) == (2, "tab", {"id": team.member.id})
        assert (second["position"], second["sessionId"], second["author"]) == (3, "other", {"id": team.owner.id})
        for edited in (first, second):
            bob.apply_update(edited["update"])
        ada.apply_update(second["update"])
        assert str(bob.text) == str(ada.text) == await document_text(app, id_)


async def test_the_same_key_is_answered_and_not_applied(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    ada = Editor()
    update, other = ada.write("once"), ada.write("more")
    assert await apply_updates_ok(app, team.member, id_, update, clientMutationId="k") == 1
    assert await apply_updates_ok(app, team.member, id_, other) == 2
    assert await apply_updates_ok(app, team.member, id_, update, clientMutationId="k") == 1
    assert await logged_updates(app, id_) == [update, other]
    refused = await apply_updates(app, team.member, id_, other, clientMutationId="k")
    assert codes_and_paths(refused) == [("IDEMPOTENCY_MISMATCH", ["input", "clientMutationId"])]
    assert await logged_updates(app, id_) == [update, other]
    assert await apply_updates_ok(app, team.member, id_, ada.write("!")) == 3, "the room goes on"
    assert await document_text(app, id_) == "oncemore!"


async def test_what_changes_nothing_is_answered_and_not_kept(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    update = Editor().write("said")
    assert await apply_updates_ok(app, team.member, id_, update) == 1
    assert await apply_updates_ok(app, team.mate, id_, update) == 1
    assert await logged_updates(app, id_) == [update]


INVALID_UPDATES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda update: update[:-2],
    "encoding V2": lambda update: b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00",
    "nothing": lambda update: b"",
    "bytes behind": lambda update: update + b"\x00",
    "a promise": lambda update: b"\xff\xff\xff\xff\x07" + update,
}


@pytest.mark.parametrize("kind", INVALID_UPDATES)
async def test_a_poison_update_is_refused_and_never_reaches_the_log(app: App, team: SampleTeam, kind: str) -> None:
    id_ = await new_document_id(app, team)
    ada = Editor()
    good = ada.write("fine")
    await apply_updates_ok(app, team.member, id_, good)
    before = await table_states(app)
    refused = await apply_updates(app, team.member, id_, INVALID_UPDATES[kind](Editor().write("poison")))
    assert codes_and_paths(refused) == [("INVALID", ["input", "updates"])]
    assert await table_states(app) == before
    assert await logged_updates(app, id_) == [good]
    assert await apply_updates_ok(app, team.member, id_, ada.write("!")) == 2


async def test_an_edit_that_builds_on_missing_ones_is_asked_for_again(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    ada = Editor()
    first, second = ada.write("one "), ada.write("two")
    refused = await apply_updates(app, team.member, id_, second)
    assert codes_and_paths(refused) == [("CURSOR_EXPIRED", ["input", "updates"])]
    assert await logged_updates(app, id_) == []
    async with open_collaboration(app, team.member, id_, stateVector=ada.state_vector) as ear:
        synced = await ear.next_change()
        missing = ada.doc.get_update(base64.b64decode(synced["stateVector"]))
        assert await apply_updates_ok(app, team.member, id_, missing) == 1
    del first
    assert await document_text(app, id_) == "one two"


async def test_a_client_resumes_where_it_was(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    ada, bob = Editor(), Editor()
    updates = [ada.write(f"{number} ") for number in range(20)]
    for update in updates[:5]:
        await apply_updates_ok(app, team.member, id_, update)
        bob.doc.apply_update(update)
    for update in updates[5:]:
        await apply_updates_ok(app, team.member, id_, update)
    async with open_collaboration(app, team.mate, id_, after=5) as ear:
        synced = await ear.next_change()
        assert synced["position"] == 20
        bob.apply_update(synced["update"])
        assert str(bob.text) == str(ada.text)


async def test_one_who_comes_back_after_the_log_was_trimmed_gets_what_they_miss(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    ada, bob = Editor(), Editor()
    for number in range(5):
        update = ada.write(f"{number} ")
        await apply_updates_ok(app, team.member, id_, update)
        bob.doc.apply_update(update)
    for number in range(5, 10):
        await apply_updates_ok(app, team.member, id_, ada.write(f"{number} "))
    saved = await mutate_ok(app, team.member, "documentSaveVersion", id=id_)
    assert saved
    assert await UpdateLog(app.resources.database).trim(document_uuid(id_), 9) == 9
    async with open_collaboration(app, team.mate, id_, after=5, stateVector=bob.state_vector) as ear:
        synced = await ear.next_change()
        assert synced["position"] == 10
        bob.apply_update(synced["update"])
        assert str(bob.text) == str(ada.text)


async def test_sessions_see_each_other_until_they_leave(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    async with open_collaboration(app, team.member, id_, "mine") as mine:
        assert (await mine.next_change())["presence"] == []
        async with open_collaboration(app, team.mate, id_, "theirs") as theirs:
            await theirs.next_change()
            place = {"id": id_, "sessionId": "theirs", "cursor": 3, "selectionEnd": 5, "isTyping": True}
            assert (await mutate(app, team.mate, "documentSetPresence", **place))["errors"] == []
            results = {"sessionId": "theirs", "user": {"id": team.mate.id}, "cursor": 3, "selectionEnd": 5, "isTyping": True}
            assert await mine.next_change() == {"__typename": "DocumentPresenceChanged", "presence": [results]}
            query = "query ($id: ID!) { document(id: $id) { presence { sessionId cursor user { id } } } }"
            found = await app.run(team.member, query, id=id_)
            assert found == {"document": {"presence": [{"sessionId": "theirs", "cursor": 3, "user": {"id": team.mate.id}}]}}
        assert await mine.next_change() == {"__typename": "DocumentPresenceChanged", "presence": []}


async def test_a_guest_may_follow_and_not_edit(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    async with open_collaboration(app, team.guest, id_) as ear:
        await ear.next_change()
        before = await table_states(app)
        refused = await apply_updates(app, team.guest, id_, Editor().write("mine"))
        assert codes_and_paths(refused) == [("FORBIDDEN", None)]
        assert await table_states(app) == before
        await apply_updates_ok(app, team.member, id_, Editor().write("theirs"))
        assert (await ear.next_change())["position"] == 1


async def test_an_outsider_finds_nothing_there(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    async with open_collaboration(app, team.outsider, id_) as ear:
        assert await ear.error_code() == "NOT_FOUND"
    before = await table_states(app)
    for refused in (
        await apply_updates(app, team.outsider, id_, Editor().write("mine")),
        await mutate(app, team.outsider, "documentSetPresence", id=id_, sessionId="s"),
    ):
        assert codes_and_paths(refused) == [("NOT_FOUND", ["input", "id"])]
    assert await table_states(app) == before


async def test_who_loses_their_right_is_notified_and_receives_nothing_later(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    async with open_collaboration(app, team.guest, id_) as guest, open_collaboration(app, team.mate, id_) as mate:
        await guest.next_change()
        await mate.next_change()
        await mutate_ok(app, team.owner, "projectSetMembers", id=team.project_id, removeUserIds=[team.guest.id])
        assert await guest.next_change() == {"__typename": "DocumentAccessChanged", "viewerCan": []}
        assert await guest.is_completed()
        await apply_updates_ok(app, team.member, id_, Editor().write("a secret"))
        assert (await mate.next_change())["position"] == 1
        assert guest.results.empty()


async def test_what_is_written_while_rights_are_looked_up_again_waits_for_that(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    membership, written = app.resources.services.rooms.membership, asyncio.Event()
    look_up = membership._look_up
    document_id = await new_document_id(app, team)

    async def slow_lookup(*asked: Any) -> Any:
        async with asyncio.timeout(30):
            await written.wait()
        return await look_up(*asked)

    async with (
        open_collaboration(app, team.guest, document_id) as lost,
        open_collaboration(app, team.member, document_id) as stays,
    ):
        await lost.next_result()
        await stays.next_result()
        monkeypatch.setattr(membership, "_look_up", slow_lookup)
        await mutate_ok(app, team.admin, "projectSetMembers", id=team.project_id, removeUserIds=[team.guest.id])
        async with asyncio.timeout(30):
            while not membership._rechecking:
                await asyncio.sleep(0.002)
        await apply_updates_ok(app, team.member, document_id, Editor().write("After"))
        assert (lost.results.qsize(), stays.results.qsize()) == (0, 0)
        written.set()
        assert (await lost.next_change())["__typename"] == "DocumentAccessChanged"
        assert await lost.is_completed()
        assert (await stays.next_change())["__typename"] == "DocumentEdited"


async def test_a_deleted_document_ends_its_streams(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    async with open_collaboration(app, team.member, id_) as ear:
        await ear.next_change()
        await mutate(app, team.owner, "documentDelete", id=id_)
        assert await ear.next_change() == {"__typename": "DocumentAccessChanged", "viewerCan": []}
        assert await ear.is_completed()


async def test_a_saved_version_and_an_edit_from_outside_are_received(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    async with open_collaboration(app, team.member, id_) as ear:
        await ear.next_change()
        await apply_updates_ok(app, team.member, id_, Editor().write("live"))
        assert (await ear.next_change())["position"] == 1
        saved = await mutate(app, team.mate, "documentSaveVersion", id=id_, name="First")
        assert saved["errors"] == []
        received = await ear.next_change()
        assert (received["__typename"], received["version"]["number"]) == ("DocumentVersionSaved", 1)
        edited = await mutate(app, team.mate, "documentEdit", id=id_, base=1, append="From outside.")
        assert edited["errors"] == []
        received = await ear.next_change()
        assert (received["__typename"], received["position"], received["author"]) == ("DocumentEdited", 2, {"id": team.mate.id})


async def test_an_update_that_another_process_kept_is_received(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    ada = Editor()
    async with open_collaboration(app, team.member, id_) as ear:
        await ear.next_change()
        log = UpdateLog(app.resources.database)
        given = [
            Update(document_id=document_uuid(id_), data=ada.write(text), author_id=team.mate.user.id)
            for text in ("away", " and", " back")
        ]
        assert await log.append(given) == [Appended(1), Appended(2), Appended(3)]
        # Nobody announced it: the next edit shows that something is missing before it.
        assert await apply_updates_ok(app, team.member, id_, Editor().write("here")) == 4
        received = [await ear.next_change()]
        while received[-1]["position"] < 4:
            received.append(await ear.next_change())
        assert [each["__typename"] for each in received] == ["DocumentEdited"] * len(received)
        bob = Editor()
        for each in received:
            bob.apply_update(each["update"])
        assert sorted(str(bob.text)) == sorted("away and backhere")


@pytest.mark.slow
async def test_a_reader_who_stalls_is_cut_off_and_the_others_are_not(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    ada = Editor()
    rooms = app.resources.services.rooms
    kept_in: asyncio.Queue[object] = asyncio.Queue()
    stalled = GraphSubscriber(document_uuid(id_), team.mate.user.id, DocumentRight.WRITE)
    async with open_collaboration(app, team.member, id_) as ear, rooms.room(document_uuid(id_)) as room:
        await ear.next_change()
        await rooms.membership.join(room, stalled, max_right=DocumentRight.WRITE)
        for number in range(300):
            # Each in a tick of its own.
            await room.submit(ada.write(f"{number} "), team.member.user.id, session_id=str(number), on_done=kept_in.put_nowait)
            assert isinstance(await kept_in.get(), Appended)
        last = 0
        while last < 300:
            last = (await ear.next_change())["position"]
        with pytest.raises(SubscriptionLagged):
            await stalled.next()
        rooms.membership.leave(room, stalled)


async def test_a_crowd_writing_at_once_is_reported_in_few_events(app: App, team: SampleTeam) -> None:
    id_ = await new_document_id(app, team)
    rooms = app.resources.services.rooms
    bob, editors = Editor(), [Editor() for _ in range(300)]
    async with open_collaboration(app, team.mate, id_) as ear, rooms.room(document_uuid(id_)) as room:
        await ear.next_change()
        for number, each in enumerate(editors):
            await room.submit(each.write("x"), team.member.user.id, session_id=str(number))
        events = [await ear.next_change()]
        while events[-1]["position"] < 300:
            events.append(await ear.next_change())
        for each in events:
            bob.apply_update(each["update"])
        assert str(bob.text) == "x" * 300
        assert len(events) < 20
