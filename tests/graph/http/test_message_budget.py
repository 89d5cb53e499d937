"""The rates of messages: what a connection, a person or an address may send, and that all is given back."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from transport.message_budget import MessageBudget, MessageBudgets, MessageRates, frame_cost

RATES = MessageRates(opening=8, per_second=10, burst=40, client_per_second=30, client_burst=100, share_per_second=2)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which a test sets."""
    now = [1_000.0]
    monkeypatch.setattr("transport.message_budget.monotonic", lambda: now[0])
    return now


def spend_all(budget: MessageBudget) -> int:
    """How many messages are allowed at once."""
    count = 0
    while budget.take():
        count += 1
    return count


@examples(50, many=2_000)
@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 20)), max_size=60))
def test_never_more_than_the_burst_and_the_rate_since(steps: list[tuple[float, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        now = 0.0
        patch.setattr("transport.message_budget.monotonic", lambda: now)
        budget = MessageBudget(messages_per_second=10, burst_messages=40)
        taken = 0
        for pause, cost in steps:
            now += pause
            if not budget.take(cost):
                break
            taken += cost
            assert taken <= 40 + 10 * now + 1e-6


@examples(50, many=2_000)
@given(st.lists(st.floats(0.1, 5), max_size=200))
def test_who_stays_below_the_rate_is_never_refused(pauses: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        now = 0.0
        patch.setattr("transport.message_budget.monotonic", lambda: now)
        budget = MessageBudget(messages_per_second=10, burst_messages=40)
        for pause in pauses:
            now += pause
            assert budget.take()


def test_nothing_comes_back_before_the_client_is_accepted(clock: list[float]) -> None:
    budgets = MessageBudgets(RATES)
    budget = budgets.open("192.0.2.1")
    assert spend_all(budget) == 8
    clock[0] += 1_000
    assert not budget.take()
    budgets.accept(budget, "ada")
    assert spend_all(budget) == 40
    clock[0] += 2
    assert 19 <= spend_all(budget) <= 20


def test_connections_of_one_person_share_and_those_of_another_do_not(clock: list[float]) -> None:
    budgets = MessageBudgets(RATES)
    connections = [budgets.open(f"192.0.2.{number}") for number in range(16)]
    for each in connections:
        budgets.accept(each, "ada")
    assert sum(map(spend_all, connections)) <= 100 + 16 * 20
    other = budgets.open("192.0.2.1")
    budgets.accept(other, "bob")
    assert spend_all(other) == 40


def test_an_address_of_many_people_is_not_held_to_the_rate_of_one(clock: list[float]) -> None:
    budgets = MessageBudgets(RATES)
    opened = []
    for number in range(1_000):
        budget = budgets.open("192.0.2.1")
        assert budget.take(2)
        budgets.accept(budget, f"person {number}")
        assert budget.take(30)
        opened.append(budget)
    for each in opened:
        budgets.close(each)
    assert len(budgets) == 0


@examples(25, many=1_000)
@given(st.lists(st.tuples(st.sampled_from("oac"), st.integers(0, 5)), max_size=60))
def test_a_client_is_remembered_as_long_as_it_has_connections(steps: list[tuple[str, int]]) -> None:
    budgets = MessageBudgets(RATES)
    opened: dict[MessageBudget, str] = {}
    for step, number in steps:
        match step:
            case "o":
                opened[budgets.open(f"address {number}")] = f"address {number}"
            case "a" if opened:
                budget = list(opened)[number % len(opened)]
                budgets.accept(budget, f"person {number}")
                opened[budget] = f"person {number}"
            case "c" if opened:
                budget = list(opened)[number % len(opened)]
                budgets.close(budget)
                budgets.close(budget)
                del opened[budget]
        assert len(budgets) == len(set(opened.values()))


def test_a_long_frame_costs_more() -> None:
    assert [frame_cost(size) for size in (0, 1, 4095, 4096, 65_536)] == [1, 1, 1, 2, 17]


def test_the_clock_of_a_bucket_is_that_of_the_system() -> None:
    budget = MessageBudget(messages_per_second=1_000, burst_messages=1)
    assert spend_all(budget) >= 1
    time.sleep(0.02)
    assert budget.take()
