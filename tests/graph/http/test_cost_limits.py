"""What operations are charged over HTTP and websockets, what a client learns of it, and what is refused."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from domain.cost_limit import CostAccount, CostLimit
from gateway.http.cost_meter import CostMeter
from persistence.rate_limits.cost_memory import MemoryCostLimiter
from tests.support.sample_app import build_sample_app
from tests.support.sample_graph import Journal
from tests.support.sample_server import run_sample_server

PERSON = CostLimit(name="person", burst=100, per_hour=1_000)
ADDRESS = CostLimit(name="address", burst=50, per_hour=1_000)
PAGE = "{items(first:30){nodes{id}}}"  # costs 31


def meter(*, enforced: bool = True) -> CostMeter:
    """A meter of which nobody was charged yet."""

    def accounts_of(credentials: Any, address: str | None) -> Sequence[CostAccount]:
        return (CostAccount(ADDRESS, address or "") if credentials is None else CostAccount(PERSON, credentials),)

    return CostMeter(MemoryCostLimiter(), accounts_of, enforced=enforced)


def client(*, enforced: bool = True) -> httpx.AsyncClient:
    """A client of the sample graph with limits."""
    transport = httpx.ASGITransport(build_sample_app(cost_meter=meter(enforced=enforced)).app)
    return httpx.AsyncClient(transport=transport, base_url="http://graph.test")


async def ask(http: httpx.AsyncClient, query: str, name: str | None = None, **parameters: Any) -> httpx.Response:
    headers = {} if name is None else {"authorization": f"Bearer {name}"}
    return await http.post("/graphql", json={"query": query, **parameters}, headers=headers)


async def test_every_answer_says_in_its_headers_what_is_left() -> None:
    async with client() as http:
        assert (await ask(http, PAGE, "ann")).headers["ratelimit"] == '"person";r=69;t=112'
        answer = await ask(http, "{nothing}", "ann")
        assert "ratelimit" not in answer.headers  # what is not valid costs nothing
        answer = await ask(http, "{viewer}", "ann")
        assert answer.headers["ratelimit"].startswith('"person";r=68;')
        assert answer.headers["ratelimit-policy"] == '"person";q=100;w=360'
        assert (await ask(http, "{viewer}")).headers["ratelimit"].startswith('"address";r=49;')


async def test_what_is_refused_runs_nothing_costs_nothing_and_says_when_to_come_again(journal: Journal) -> None:
    async with client() as http:
        for _ in range(3):
            assert (await ask(http, PAGE, "ann")).status_code == 200
        opened = len(journal.contexts)
        refused = await ask(http, PAGE, "ann")
        assert refused.status_code == 429
        (error,) = refused.json()["errors"]
        assert error["message"].startswith("The operation costs 31, and 7 of 100 are left for this person: wait for ")
        assert error["extensions"]["code"] == "RATE_LIMITED"
        assert 80 <= error["extensions"]["retryAfter"] <= 87
        assert refused.headers["retry-after"] == str(error["extensions"]["retryAfter"])
        assert refused.headers["ratelimit"].startswith('"person";r=7;')
        assert len(journal.contexts) == opened
        assert (await ask(http, "{items(first:6){nodes{id}}}", "ann")).status_code == 200
        assert (await ask(http, PAGE, "bob")).status_code == 200


async def test_a_client_that_asks_is_told_what_an_operation_might_have_cost_and_what_it_did() -> None:
    async with client() as http:
        query = (
            "query($deep:Boolean!){items{nodes{id ...N related(first:5)@include(if:$deep){nodes{id}}}}} fragment N on Item{name}"
        )
        began = datetime.now(UTC)
        short = query.replace("items{", "items(first:10){")
        answer = (await ask(http, short, "ann", variables={"deep": False}, extensions={"cost": True})).json()
        cost = answer["extensions"]["cost"]
        assert set(cost) == {"requested", "actual", "remaining", "resetAt"}
        assert cost["actual"] == 1 + 10 * 2
        assert datetime.fromisoformat(cost["resetAt"]) - began < timedelta(seconds=400)
        plain = (await ask(http, "{items(first:2){nodes{id}}}", "bob")).json()
        assert "extensions" not in plain


@pytest.mark.parametrize(
    ("query", "requested", "actual"),
    [
        ("{viewer}", 1, 1),
        ("{__typename}", 0, 0),
        ("{items{nodes{id}}}", 51, 3),
        ("{items{edges{cursor node{id name}} totalCount pageInfo{endCursor}}}", 154, 10),
        ("{item(id:2){id name twin{id}}}", 5, 1),
        ("{item(id:1){id ...A ...A}} fragment A on Item{name}", 4, 3),
        ("{node(id:1){id ...on Item{name}}}", 3, 3),
        ("{nodes(ids:[1,2,3]){id}}", 4, 4),
    ],
)
async def test_the_actual_cost_is_that_of_the_rows_that_came(query: str, requested: int, actual: int) -> None:
    async with client(enforced=False) as http:
        cost = (await ask(http, query, "ann", extensions={"cost": True})).json()["extensions"]["cost"]
    assert (cost["requested"], cost["actual"]) == (requested, actual)


async def test_fragments_that_spread_each_other_twice_are_counted_as_quickly() -> None:
    spreads = "".join(f"fragment F{n} on Item{{...F{n + 1} ...F{n + 1}}}" for n in range(100))
    query = "{item(id:1){...F0}}" + spreads + "fragment F100 on Item{__typename}"
    async with client() as http:
        cost = (await ask(http, query, extensions={"cost": True})).json()["extensions"]["cost"]
    assert (cost["requested"], cost["actual"]) == (1, 1)


async def test_where_limits_are_only_reported_nothing_is_refused() -> None:
    async with client(enforced=False) as http:
        answers = [await ask(http, PAGE, "ann") for _ in range(10)]
        assert {answer.status_code for answer in answers} == {200}
        assert answers[-1].headers["ratelimit"].startswith('"person";r=7;')


async def test_operations_of_a_websocket_are_charged_to_the_same_account() -> None:
    async with run_sample_server(cost_meter=meter()) as server:
        async with server.open_websocket({"Authorization": "Bearer ann"}) as ws:

            async def run(query: str, **payload: Any) -> Any:
                frame = {"id": "1", "type": "subscribe", "payload": {"query": query, **payload}}
                await ws.send(orjson.dumps(frame).decode())
                answer = orjson.loads(await ws.recv())
                if answer["type"] == "next":
                    assert orjson.loads(await ws.recv())["type"] == "complete"
                return answer["payload"]

            told = await run(PAGE, extensions={"cost": True})
            assert told["extensions"]["cost"]["remaining"] == 69
            assert "extensions" not in await run(PAGE)
            await run(PAGE)
            (error,) = await run(PAGE)
            assert error["extensions"]["code"] == "RATE_LIMITED"
            assert (await run("{viewer}"))["data"] == {"viewer": "ann"}
        async with httpx.AsyncClient() as http:
            answer = await http.post(server.url, json={"query": PAGE}, headers={"authorization": "Bearer ann"})
            assert answer.status_code == 429
