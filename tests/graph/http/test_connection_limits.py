"""How many connections a person, or the strangers of one address, may have: one more is closed, and the others stay."""

from contextlib import AsyncExitStack, suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosedError

from tests.graph.http.test_http_bounds import FakeConnection, post
from tests.support.credentials import SampleCredentials
from tests.support.examples import examples
from tests.support.raw_http import open_connection
from tests.support.sample_app import authenticate
from tests.support.sample_server import SampleServer, drain_until_closed, run_sample_server
from transport.connection_table import ConnectionTable

DEV = {"authorization": "Bearer dev"}


class _People(SampleCredentials):
    """Whose connections belong together: those with one token."""

    def session_stream(self, credentials: Any, /) -> str | None:
        return None if credentials is None else f"user:{credentials}"


async def _is_served(ws: Any) -> bool:
    await ws.send(orjson.dumps({"id": "1", "type": "subscribe", "payload": {"query": "{echo(number:1)}"}}).decode())
    answers = [orjson.loads(await ws.recv())["type"] for _ in range(2)]
    return answers == ["next", "complete"]


async def _closed_with(server: SampleServer, payload: dict[str, Any] | None, protocol: str, **options: Any) -> tuple[int, str]:
    async with server.connect(subprotocols=[protocol], **options) as ws:
        with suppress(ConnectionClosedError):  # it may be closed before it says anything
            await ws.send(orjson.dumps({"type": "connection_init", "payload": payload}).decode())
        with pytest.raises(ConnectionClosedError) as closed:
            await drain_until_closed(ws)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


@pytest.mark.parametrize(("protocol", "code"), [("graphql-transport-ws", 4429), ("graphql-ws", 1008)])
@pytest.mark.parametrize("fast_path", [True, False])
async def test_one_websocket_too_many_of_a_person_is_closed_and_the_others_stay(
    protocol: str, code: int, fast_path: bool
) -> None:
    async with (
        run_sample_server(fast_path=fast_path, max_connections_per_person=3, credentials=_People(authenticate)) as server,
        AsyncExitStack() as stack,
    ):
        own = [await stack.enter_async_context(server.open_websocket(DEV)) for _ in range(3)]
        assert await _closed_with(server, DEV, protocol) == (code, "Too many connections")
        assert [await _is_served(each) for each in own] == [True] * 3
        another = await stack.enter_async_context(server.open_websocket())  # nobody: not counted with the person
        assert await _is_served(another)
        await own.pop().close()
        assert await _is_served(await stack.enter_async_context(server.open_websocket(DEV)))


async def test_strangers_of_an_address_are_counted_and_whoever_signs_in_is_not() -> None:
    async with (
        run_sample_server(max_connections_per_address=2, credentials=_People(authenticate)) as server,
        AsyncExitStack() as stack,
    ):
        for _ in range(4):  # each of them leaves the strangers before the next one comes
            await stack.enter_async_context(server.open_websocket(DEV))
        strangers = [await stack.enter_async_context(server.open_websocket()) for _ in range(2)]
        assert await _closed_with(server, None, "graphql-transport-ws") == (4429, "Too many connections")
        assert [await _is_served(each) for each in strangers] == [True] * 2


async def test_behind_a_proxy_the_address_is_the_clients_own() -> None:
    async with run_sample_server(max_connections_per_address=1, proxies=["127.0.0.1"]) as server, AsyncExitStack() as stack:

        async def connect(address: str) -> Any:
            return await stack.enter_async_context(server.connect(additional_headers={"X-Forwarded-For": address}))

        opened = [await connect(address) for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1")]
        for address in ("192.0.2.1", "2001:db8::2"):  # of IPv6 a network of 64 bits counts
            found = await _closed_with(server, None, "graphql-transport-ws", additional_headers={"X-Forwarded-For": address})
            assert found == (4429, "Too many connections")
        for each in opened:
            await each.send('{"type":"connection_init"}')
            assert await each.recv() == '{"type":"connection_ack"}'


async def test_the_oldest_idle_connection_of_an_address_makes_room_and_signed_in_ones_do_not_count() -> None:
    table = ConnectionTable(max_per_address=2)
    async with run_sample_server(table=table) as server, AsyncExitStack() as stack:

        async def ask(number: int, *headers: bytes) -> Any:
            client = await stack.enter_async_context(open_connection(server))
            client.send(post(f"{{echo(number:{number})}}", *headers))
            assert await client.next_data() == {"echo": number}
            return client

        members = [await ask(number, b"Authorization: Bearer dev") for number in range(1, 5)]
        for number in range(10, 16):
            await ask(number)
        assert (len(table), table.evicted_count, table.refused_count) == (6, 4, 0)
        for each in members:
            each.send(post("{echo(number:9)}"))
            assert await each.next_data() == {"echo": 9}


def test_where_all_of_an_address_are_busy_a_new_one_is_refused_and_other_addresses_are_not() -> None:
    table = ConnectionTable(max_per_address=2)
    busy = [FakeConnection(is_idle=False) for _ in range(2)]
    assert all(table.add(each, "192.0.2.1") for each in busy)
    assert not table.add(FakeConnection(), "192.0.2.1")
    assert table.add(FakeConnection(), "192.0.2.2")
    assert all(table.add(FakeConnection(is_idle=False)) for _ in range(5))  # a proxy's: no address counts
    assert [each.ended for each in busy] == [None, None]
    assert (len(table), table.refused_count) == (8, 1)


@examples(25, many=1_000)
@given(st.lists(st.tuples(st.sampled_from("arum"), st.integers(0, 7)), max_size=60))
def test_the_table_holds_what_is_open_and_no_address_more_than_it_may(steps: list[tuple[str, int]]) -> None:
    """`a` adds, `r` removes, `u` upgrades, `m` authenticates one of what is open."""
    table = ConnectionTable(max_connections=6, max_per_address=2)
    opened: dict[FakeConnection, tuple[str, bool]] = {}
    for step, number in steps:
        if step == "a":
            connection = FakeConnection(is_idle=number % 3 > 0)
            if table.add(connection, address := f"192.0.2.{number % 3}"):
                opened[connection] = address, True
            opened = {each: found for each, found in opened.items() if each.ended is None}
        elif opened:
            connection = list(opened)[number % len(opened)]
            address, is_stranger = opened[connection]
            match step:
                case "r":
                    table.remove(connection)
                    del opened[connection]
                case "u":
                    after = FakeConnection(is_idle=connection.is_idle)
                    table.replace(connection, after)
                    del opened[connection]
                    opened[after] = address, is_stranger
                case "m":
                    table.mark_authenticated(connection)
                    opened[connection] = address, False
        assert len(table) == len(opened) <= 6
        for address in ("192.0.2.0", "192.0.2.1", "192.0.2.2"):
            assert list(opened.values()).count((address, True)) == len(table._addresses.get(address, ())) <= 2
