"""What groups remember of events and operations is bounded in bytes, and goes with what it belongs to."""

import gc
import weakref

from gateway.execution.executor import OperationRequest, OperationResult
from gateway.subscriptions.group_executor import EncodedPayloads
from gateway.subscriptions.manager import SubscriptionManager
from gateway.subscriptions.plan import SubscriptionPlan
from gateway.subscriptions.shared_payload import SharedPayload
from tests.support.app import App


def test_payloads_that_groups_share_are_bounded_in_bytes_and_in_events() -> None:
    shared = EncodedPayloads()
    for number in range(500):
        positions = {"team:1": number}
        for selection in range(20):
            payload = SharedPayload((b"x" * 50_000,), positions)
            shared.put(positions, shared.for_positions(positions), f"selection {selection}", payload)
            assert shared.for_positions(positions)[f"selection {selection}"] is payload
            assert shared.size <= 4 * 1024 * 1024
    for number in range(1_000):
        shared.for_positions({"team:1": number})
    assert len(shared._by_positions) <= 64


async def test_a_plan_goes_with_its_operation(app: App) -> None:
    manager = SubscriptionManager(app.executor, app.resources.services.hub)
    plans: list[weakref.ref[SubscriptionPlan]] = []
    gc.collect()
    gc.disable()
    try:
        request = OperationRequest("subscription { changes { kind } } # a document of its own")
        prepared = app.executor.prepare(request, may_introspect=True)
        assert not isinstance(prepared, OperationResult)
        plan = manager.plan(prepared)
        assert plan is not None
        assert manager.plan(prepared) is plan
        plans.append(weakref.ref(plan))
        operation = prepared.operation
        operation.subscription_plan = None  # as when the operation itself is freed
        del plan
        assert plans[0]() is None
    finally:
        gc.enable()
        await manager.close()
