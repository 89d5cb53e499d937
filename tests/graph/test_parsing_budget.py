"""Strangers may have so many tokens of unknown documents parsed, by address."""

import pytest

from gateway.execution import parsing_budget
from gateway.execution.executor import OperationRequest, OperationResult, PreparedOperation
from gateway.execution.parsing_budget import ParsingBudgets
from tests.support.app import App


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still unless a test moves it."""
    now = [0.0]
    monkeypatch.setattr(parsing_budget, "monotonic", lambda: now[0])
    return now


def test_a_budget_is_spent_and_refilled_by_address(clock: list[float]) -> None:
    budgets = ParsingBudgets(burst_tokens=100, tokens_per_second=10)
    assert [budgets.of("a").take(60), budgets.of("a").take(60)] == [None, 2.0]
    assert budgets.of("b").take(100) is None
    clock[0] = 2.0
    assert [budgets.of("a").take(60), budgets.of("a").take(1)] == [None, 0.1]
    clock[0] = 1_000.0
    assert [budgets.of("a").take(100), budgets.of("a").take(1)] == [None, 0.1]


def test_clients_without_an_address_share_a_budget(clock: list[float]) -> None:
    budgets = ParsingBudgets(burst_tokens=10, tokens_per_second=1)
    assert [budgets.of(None).take(10), budgets.of(None).take(1)] == [None, 1.0]


def test_the_number_of_addresses_is_bounded() -> None:
    budgets = ParsingBudgets()
    for number in range(20_000):
        budgets.of(str(number))
    assert budgets._buckets.used_bytes <= budgets._buckets.max_bytes
    assert len(budgets._buckets) < 20_000


def test_only_unknown_documents_are_paid_for(app: App, clock: list[float]) -> None:
    budget = ParsingBudgets(burst_tokens=15, tokens_per_second=1).of("a")

    def prepare(query: str) -> PreparedOperation | OperationResult:
        return app.executor.prepare(OperationRequest(query=query), parsing_budget=budget)

    known = "{ viewer { id budget: firstName } }"
    for _ in range(5):
        assert isinstance(prepare(known), PreparedOperation)
    refused = prepare("{ viewer { id other: firstName lastName } }")
    assert isinstance(refused, OperationResult)
    assert refused.errors[0]["extensions"] == {"code": "RATE_LIMITED", "retryable": True, "retryAfter": 4}
    assert isinstance(prepare(known), PreparedOperation)
    clock[0] = 4.0
    assert isinstance(prepare("{ viewer { id other: firstName lastName } }"), PreparedOperation)
