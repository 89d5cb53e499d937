"""Live editing through the graph: what is sent arrives, once it is durable, in order, and nowhere else."""

import asyncio
import base64
from collections.abc import Callable

import pytest

from domain.document.update import Appended, Update
from domain.errors import SubscriptionLagged
from persistence.events.document_log import UpdateLog
from realtime.collaboration.access import DocumentRight
from realtime.collaboration.graph_subscriber import GraphSubscriber
from tests.app import App
from tests.editing import Editor, applied, apply, document, following, kept, says, uuid
from tests.people import People
from tests.work import do, done, everything, refusals


async def test_the_first_event_brings_everything_and_later_ones_each_edit(app: App, team: People) -> None:
    id_ = await document(app, team)
    ada, bob = Editor(), Editor()
    assert await applied(app, team.member, id_, ada.write("Hello"), session="tab") == 1
    async with following(app, team.mate, id_) as ear:
        synced = await ear.next()
        assert (synced["__typename"], synced["position"], synced["presence"]) == ("DocumentSynced", 1, [])
        bob.take(synced["update"])
        assert str(bob.text) == "Hello"
        assert synced["stateVector"] == ada.vector

        assert await applied(app, team.member, id_, ada.write(" wor"), ada.write("ld"), session="tab") == 2
        assert await applied(app, team.owner, id_, bob.write("!"), session="other") == 3
        first, second = await ear.take(2)
        assert (first["position"], first["sessionId"], first["author"]) == (2, "tab", {"id": team.member.id})
        assert (second["position"], second["sessionId"], second["author"]) == (3, "other", {"id": team.owner.id})
        for edited in (first, second):
            bob.take(edited["update"])
        ada.take(second["update"])
        assert str(bob.text) == str(ada.text) == await says(app, id_)


async def test_the_same_key_is_answered_and_not_applied(app: App, team: People) -> None:
    id_ = await document(app, team)
    ada = Editor()
    update, other = ada.write("once"), ada.write("more")
    assert await applied(app, team.member, id_, update, clientMutationId="k") == 1
    assert await applied(app, team.member, id_, other) == 2
    assert await applied(app, team.member, id_, update, clientMutationId="k") == 1
    assert await kept(app, id_) == [update, other]
    refused = await apply(app, team.member, id_, other, clientMutationId="k")
    assert refusals(refused) == [("IDEMPOTENCY_MISMATCH", ["input", "clientMutationId"])]
    assert await kept(app, id_) == [update, other]
    assert await applied(app, team.member, id_, ada.write("!")) == 3, "the room goes on"
    assert await says(app, id_) == "oncemore!"


async def test_what_changes_nothing_is_answered_and_not_kept(app: App, team: People) -> None:
    id_ = await document(app, team)
    update = Editor().write("said")
    assert await applied(app, team.member, id_, update) == 1
    assert await applied(app, team.mate, id_, update) == 1
    assert await kept(app, id_) == [update]


POISON: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda update: update[:-2],
    "encoding V2": lambda update: b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00",
    "nothing": lambda update: b"",
    "bytes behind": lambda update: update + b"\x00",
    "a promise": lambda update: b"\xff\xff\xff\xff\x07" + update,
}


@pytest.mark.parametrize("kind", POISON)
async def test_a_poison_update_is_refused_and_never_reaches_the_log(app: App, team: People, kind: str) -> None:
    id_ = await document(app, team)
    ada = Editor()
    good = ada.write("fine")
    await applied(app, team.member, id_, good)
    before = await everything(app)
    refused = await apply(app, team.member, id_, POISON[kind](Editor().write("poison")))
    assert refusals(refused) == [("INVALID", ["input", "updates"])]
    assert await everything(app) == before
    assert await kept(app, id_) == [good]
    assert await applied(app, team.member, id_, ada.write("!")) == 2


async def test_an_edit_that_builds_on_missing_ones_is_asked_for_again(app: App, team: People) -> None:
    id_ = await document(app, team)
    ada = Editor()
    first, second = ada.write("one "), ada.write("two")
    refused = await apply(app, team.member, id_, second)
    assert refusals(refused) == [("CURSOR_EXPIRED", ["input", "updates"])]
    assert await kept(app, id_) == []
    async with following(app, team.member, id_, stateVector=ada.vector) as ear:
        synced = await ear.next()
        missing = ada.doc.get_update(base64.b64decode(synced["stateVector"]))
        assert await applied(app, team.member, id_, missing) == 1
    del first
    assert await says(app, id_) == "one two"


async def test_a_client_resumes_where_it_was(app: App, team: People) -> None:
    id_ = await document(app, team)
    ada, bob = Editor(), Editor()
    updates = [ada.write(f"{number} ") for number in range(20)]
    for update in updates[:5]:
        await applied(app, team.member, id_, update)
        bob.doc.apply_update(update)
    for update in updates[5:]:
        await applied(app, team.member, id_, update)
    async with following(app, team.mate, id_, after=5) as ear:
        synced = await ear.next()
        assert synced["position"] == 20
        bob.take(synced["update"])
        assert str(bob.text) == str(ada.text)


async def test_one_who_comes_back_after_the_log_was_trimmed_gets_what_he_misses(app: App, team: People) -> None:
    id_ = await document(app, team)
    ada, bob = Editor(), Editor()
    for number in range(5):
        update = ada.write(f"{number} ")
        await applied(app, team.member, id_, update)
        bob.doc.apply_update(update)
    for number in range(5, 10):
        await applied(app, team.member, id_, ada.write(f"{number} "))
    saved = await done(app, team.member, "documentSaveVersion", id=id_)
    assert saved
    assert await UpdateLog(app.house.database).trim(uuid(id_), 9) == 9
    async with following(app, team.mate, id_, after=5, stateVector=bob.vector) as ear:
        synced = await ear.next()
        assert synced["position"] == 10
        bob.take(synced["update"])
        assert str(bob.text) == str(ada.text)


async def test_sessions_see_each_other_until_they_leave(app: App, team: People) -> None:
    id_ = await document(app, team)
    async with following(app, team.member, id_, "mine") as mine:
        assert (await mine.next())["presence"] == []
        async with following(app, team.mate, id_, "theirs") as theirs:
            await theirs.next()
            place = {"id": id_, "sessionId": "theirs", "cursor": 3, "selectionEnd": 5, "isTyping": True}
            assert (await do(app, team.mate, "documentSetPresence", **place))["errors"] == []
            told = {"sessionId": "theirs", "user": {"id": team.mate.id}, "cursor": 3, "selectionEnd": 5, "isTyping": True}
            assert await mine.next() == {"__typename": "DocumentPresenceChanged", "presence": [told]}
            query = "query ($id: ID!) { document(id: $id) { presence { sessionId cursor user { id } } } }"
            found = await app.run(team.member, query, id=id_)
            assert found == {"document": {"presence": [{"sessionId": "theirs", "cursor": 3, "user": {"id": team.mate.id}}]}}
        assert await mine.next() == {"__typename": "DocumentPresenceChanged", "presence": []}


async def test_a_guest_may_follow_and_not_edit(app: App, team: People) -> None:
    id_ = await document(app, team)
    async with following(app, team.guest, id_) as ear:
        await ear.next()
        before = await everything(app)
        refused = await apply(app, team.guest, id_, Editor().write("mine"))
        assert refusals(refused) == [("FORBIDDEN", None)]
        assert await everything(app) == before
        await applied(app, team.member, id_, Editor().write("theirs"))
        assert (await ear.next())["position"] == 1


async def test_an_outsider_finds_nothing_there(app: App, team: People) -> None:
    id_ = await document(app, team)
    async with following(app, team.outsider, id_) as ear:
        assert await ear.refusal() == "NOT_FOUND"
    before = await everything(app)
    for refused in (
        await apply(app, team.outsider, id_, Editor().write("mine")),
        await do(app, team.outsider, "documentSetPresence", id=id_, sessionId="s"),
    ):
        assert refusals(refused) == [("NOT_FOUND", ["input", "id"])]
    assert await everything(app) == before


async def test_who_loses_his_right_is_told_and_hears_nothing_later(app: App, team: People) -> None:
    id_ = await document(app, team)
    async with following(app, team.guest, id_) as guest, following(app, team.mate, id_) as mate:
        await guest.next()
        await mate.next()
        await done(app, team.owner, "projectSetMembers", id=team.project_id, removeUserIds=[team.guest.id])
        assert await guest.next() == {"__typename": "DocumentAccessChanged", "viewerCan": []}
        assert await guest.ended()
        await applied(app, team.member, id_, Editor().write("a secret"))
        assert (await mate.next())["position"] == 1
        assert guest.answers.empty()


async def test_a_deleted_document_ends_its_streams(app: App, team: People) -> None:
    id_ = await document(app, team)
    async with following(app, team.member, id_) as ear:
        await ear.next()
        await do(app, team.owner, "documentDelete", id=id_)
        assert await ear.next() == {"__typename": "DocumentAccessChanged", "viewerCan": []}
        assert await ear.ended()


async def test_a_saved_version_and_an_edit_from_outside_are_heard(app: App, team: People) -> None:
    id_ = await document(app, team)
    async with following(app, team.member, id_) as ear:
        await ear.next()
        await applied(app, team.member, id_, Editor().write("live"))
        assert (await ear.next())["position"] == 1
        saved = await do(app, team.mate, "documentSaveVersion", id=id_, name="First")
        assert saved["errors"] == []
        heard = await ear.next()
        assert (heard["__typename"], heard["version"]["number"]) == ("DocumentVersionSaved", 1)
        edited = await do(app, team.mate, "documentEdit", id=id_, base=1, append="From outside.")
        assert edited["errors"] == []
        heard = await ear.next()
        assert (heard["__typename"], heard["position"], heard["author"]) == ("DocumentEdited", 2, {"id": team.mate.id})


async def test_an_update_that_another_process_kept_is_heard(app: App, team: People) -> None:
    id_ = await document(app, team)
    ada = Editor()
    async with following(app, team.member, id_) as ear:
        await ear.next()
        log = UpdateLog(app.house.database)
        given = [
            Update(document_id=uuid(id_), data=ada.write(text), author_id=team.mate.user.id) for text in ("away", " and", " back")
        ]
        assert await log.append(given) == [Appended(1), Appended(2), Appended(3)]
        # Nobody announced it: the next edit shows that something is missing before it.
        assert await applied(app, team.member, id_, Editor().write("here")) == 4
        heard = [await ear.next()]
        while heard[-1]["position"] < 4:
            heard.append(await ear.next())
        assert [each["__typename"] for each in heard] == ["DocumentEdited"] * len(heard)
        bob = Editor()
        for each in heard:
            bob.take(each["update"])
        assert sorted(str(bob.text)) == sorted("away and backhere")


@pytest.mark.slow
async def test_a_reader_who_stalls_is_cut_off_and_the_others_are_not(app: App, team: People) -> None:
    id_ = await document(app, team)
    ada = Editor()
    rooms = app.house.services.rooms
    kept_in: asyncio.Queue[object] = asyncio.Queue()
    stalled = GraphSubscriber(uuid(id_), team.mate.user.id, DocumentRight.WRITE)
    async with following(app, team.member, id_) as ear, rooms.room(uuid(id_)) as room:
        await ear.next()
        await rooms.join(room, stalled, max_right=DocumentRight.WRITE)
        for number in range(300):
            # Each in a tick of its own.
            await room.submit(ada.write(f"{number} "), team.member.user.id, session_id=str(number), on_done=kept_in.put_nowait)
            assert isinstance(await kept_in.get(), Appended)
        last = 0
        while last < 300:
            last = (await ear.next())["position"]
        with pytest.raises(SubscriptionLagged):
            await stalled.next()
        rooms.leave(room, stalled)


async def test_a_crowd_writing_at_once_is_told_in_few_events(app: App, team: People) -> None:
    id_ = await document(app, team)
    rooms = app.house.services.rooms
    bob, editors = Editor(), [Editor() for _ in range(300)]
    async with following(app, team.mate, id_) as ear, rooms.room(uuid(id_)) as room:
        await ear.next()
        for number, each in enumerate(editors):
            await room.submit(each.write("x"), team.member.user.id, session_id=str(number))
        events = [await ear.next()]
        while events[-1]["position"] < 300:
            events.append(await ear.next())
        for each in events:
            bob.take(each["update"])
        assert str(bob.text) == "x" * 300
        assert len(events) < 20
