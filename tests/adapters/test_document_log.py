"""The logs of documents: positions without gaps whoever appends, and nothing kept twice under one key."""

import asyncio
from collections import defaultdict
from uuid import UUID, uuid4

import pytest

from domain.document.update import Appended, LogBounds, Update
from domain.errors import CursorExpired, IdempotencyMismatch
from persistence.events import document_log as logs
from persistence.events.document_log import UpdateLog
from persistence.unit_of_work import unit_of_work
from tests.support.app import App


@pytest.fixture
def log(app: App) -> UpdateLog:
    return UpdateLog(app.resources.database)


def make_update(
    document_id: UUID, data: bytes = b"x", author: UUID | None = None, key: str | None = None, *clients: int
) -> Update:
    return Update(document_id=document_id, data=data, author_id=author, client_mutation_id=key, client_ids=clients)


async def read_updates(log: UpdateLog, document_id: UUID, after: int = 0, limit: int = 1_000) -> list[tuple[int, bytes]]:
    return [(each.position, each.data) for each in await log.read(document_id, after, limit)]


async def test_updates_of_several_documents_are_placed_in_the_order_given(log: UpdateLog) -> None:
    one, other, nobody = uuid4(), uuid4(), uuid4()
    given = [
        make_update(one, b"a"),
        make_update(other, b"b"),
        make_update(one, b"c"),
        make_update(one, b"d"),
        make_update(other, b"e"),
    ]
    assert await log.append(given) == [Appended(1), Appended(1), Appended(2), Appended(3), Appended(2)]
    assert await log.append([make_update(other, b"f")]) == [Appended(3)]
    assert await read_updates(log, one) == [(1, b"a"), (2, b"c"), (3, b"d")]
    assert await read_updates(log, other) == [(1, b"b"), (2, b"e"), (3, b"f")]
    assert await read_updates(log, other, after=1, limit=1) == [(2, b"e")]
    assert await read_updates(log, other, after=3) == []
    assert await log.bounds([one, other, nobody]) == {one: LogBounds(0, 3), other: LogBounds(0, 3)}
    assert (await log.head(other), await log.head(nobody)) == (3, 0)


async def test_what_an_update_is_is_read_back_whole(log: UpdateLog) -> None:
    document_id, author = uuid4(), uuid4()
    await log.append([Update(document_id=document_id, data=b"\x00\xff", author_id=author, session_id="tab 1")])
    (read,) = await log.read(document_id, 0, 10)
    assert (read.document_id, read.position, read.data, read.author_id, read.session_id) == (
        document_id,
        1,
        b"\x00\xff",
        author,
        "tab 1",
    )


async def test_many_who_append_to_the_same_documents_leave_no_gap_and_lose_nothing(log: UpdateLog) -> None:
    documents = [uuid4() for _ in range(5)]
    placed: dict[UUID, list[int]] = defaultdict(list)

    async def write(writer: int) -> None:
        for turn in range(10):
            given = [make_update(documents[(writer + turn + each) % 5], b"%d %d %d" % (writer, turn, each)) for each in range(7)]
            for each, place in zip(given, await log.append(given), strict=True):
                assert isinstance(place, Appended)
                placed[each.document_id].append(place.position)

    await asyncio.gather(*(write(writer) for writer in range(6)))
    for document_id in documents:
        assert sorted(placed[document_id]) == list(range(1, 85))
        assert [position for position, _ in await read_updates(log, document_id)] == list(range(1, 85))


async def test_the_same_key_is_answered_with_its_first_position_and_kept_once(log: UpdateLog) -> None:
    document_id, author = uuid4(), uuid4()
    keyed = make_update(document_id, b"once", author, "k1")
    assert await log.append([make_update(document_id, b"before"), keyed]) == [Appended(1), Appended(2)]
    again = await log.append([make_update(document_id, b"after"), keyed, make_update(document_id, b"last")])
    assert again == [Appended(3), Appended(2, repeated=True), Appended(4)]
    assert await log.append([keyed]) == [Appended(2, repeated=True)]
    both = make_update(document_id, b"both", author, "k2")
    assert await log.append([both, both]) == [Appended(5), Appended(5, repeated=True)]
    assert [data for _, data in await read_updates(log, document_id)] == [b"before", b"once", b"after", b"last", b"both"]


async def test_a_key_belongs_to_one_author_and_one_document(log: UpdateLog) -> None:
    document_id, ada, bob = uuid4(), uuid4(), uuid4()
    given = [
        make_update(document_id, b"hers", ada, "k"),
        make_update(document_id, b"his", bob, "k"),
        make_update(uuid4(), b"there", ada, "k"),
    ]
    assert await log.append(given) == [Appended(1), Appended(2), Appended(1)]


async def test_a_key_with_other_bytes_is_refused_and_changes_nothing(log: UpdateLog, app: App) -> None:
    document_id, author = uuid4(), uuid4()
    await log.append([make_update(document_id, b"first", author, "k")])
    given = [
        make_update(document_id, b"before"),
        make_update(document_id, b"other", author, "k"),
        make_update(document_id, b"after"),
    ]
    before, refused, after = await log.append(given)
    assert (before, after) == (Appended(2), Appended(3)), "the others have nothing to do with it"
    assert isinstance(refused, IdempotencyMismatch)
    assert await read_updates(log, document_id) == [(1, b"first"), (2, b"before"), (3, b"after")]

    async def beside_others() -> None:
        async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
            await logs.append(uow.connection, given, at=uow.now)

    with pytest.raises(IdempotencyMismatch):
        await beside_others()
    assert await log.head(document_id) == 3


async def test_ten_who_bring_one_key_at_once_get_one_position(log: UpdateLog) -> None:
    document_id, author = uuid4(), uuid4()
    answers = await asyncio.gather(*(log.append([make_update(document_id, b"once", author, "k")]) for _ in range(10)))
    places = [each for (each,) in answers if isinstance(each, Appended)]
    assert sorted((each.position, each.repeated) for each in places) == [(1, False)] + [(1, True)] * 9
    assert await read_updates(log, document_id) == [(1, b"once")]


async def test_a_transaction_that_fails_takes_its_updates_with_it(log: UpdateLog, app: App) -> None:
    document_id = uuid4()

    async def fail() -> None:
        async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
            assert await logs.append(uow.connection, [make_update(document_id)], at=uow.now) == [Appended(1)]
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await log.head(document_id) == 0
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        await logs.append(uow.connection, [make_update(document_id, b"kept")], at=uow.now)
    assert await read_updates(log, document_id) == [(1, b"kept")]


async def test_a_trimmed_log_goes_on_and_says_what_it_no_longer_holds(log: UpdateLog) -> None:
    document_id = uuid4()
    await log.append([make_update(document_id, b"%d" % number) for number in range(1, 6)])
    assert await log.trim(document_id, 9) == 0, "beyond the head"
    assert await log.trim(document_id, 3) == 3
    assert await log.trim(document_id, 3) == 0
    assert await log.bounds([document_id]) == {document_id: LogBounds(3, 5)}
    assert await read_updates(log, document_id, after=3) == [(4, b"4"), (5, b"5")]
    for expired in (0, 2, 6):
        with pytest.raises(CursorExpired):
            await log.read(document_id, expired, 10)
    assert await log.trim(document_id, 5) == 2
    assert await read_updates(log, document_id, after=5) == []
    assert await log.append([make_update(document_id, b"6")]) == [Appended(6)]


async def test_a_page_of_large_updates_is_cut_by_their_bytes(log: UpdateLog) -> None:
    document_id = uuid4()
    large = b"x" * (logs.MAX_PAGE_BYTES // 2 + 1)
    await log.append([make_update(document_id, large) for _ in range(3)] + [make_update(document_id, b"x" * logs.MAX_PAGE_BYTES)])
    assert [each.position for each in await log.read(document_id, 0, 100)] == [1, 2]
    assert [each.position for each in await log.read(document_id, 2, 100)] == [3, 4]
    assert [each.position for each in await log.read(document_id, 3, 100)] == [4], "one alone may be of any size"


async def test_a_client_id_stays_with_the_first_who_showed_it(log: UpdateLog) -> None:
    document_id, ada, bob = uuid4(), uuid4(), uuid4()
    await log.append([make_update(document_id, b"x", ada, None, 7, 2**53 - 1), make_update(document_id, b"x", bob, None, 8)])
    await log.append([make_update(document_id, b"x", bob, None, 7), make_update(document_id, b"x", None, None, 9)])
    assert await log.authors(document_id) == {7: ada, 2**53 - 1: ada, 8: bob}
