"""Charges the cost of operations to the accounts of whoever sends them, and says what is left.

Every transport charges an operation once, between its preparation and its context, so that what is refused has cost nothing. A
subscription is charged when it starts; its events are not, as the server decides how many there are. A dry run costs 1.

The charge is what the operation may cost at most, which is known beforehand and the same each time. Rejected: giving back what
turned out not to be needed, as a client could not foresee what it may ask, and counting rows takes longer than reading them. A
client that wants to know sends `extensions: {cost: true}`, and is answered with `extensions { cost { requested actual … } }`.

Where limits are not enforced (in development) everything is charged and said, and nothing is refused.
"""

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from domain.cost_limit import CostAccount, CostBalance, CostCharge, CostLimit, CostLimiter, CostLimitExceeded
from gateway.execution.executor import Executor, OperationRequest, OperationResult, PreparedOperation
from gateway.http.ports import RequestInfo
from transport.http_response import Header

AccountsOf = Callable[[Any, str | None], Sequence[CostAccount]]
"""The accounts of credentials, None for a stranger, and a network address."""


class CostMeter:
    """Charges operations, for all transports of a process."""

    def __init__(self, limiter: CostLimiter, accounts_of: AccountsOf, *, enforced: bool) -> None:
        self._limiter = limiter
        self._accounts_of = accounts_of
        self._enforced = enforced

    async def charge(self, prepared: PreparedOperation, credentials: Any, info: RequestInfo) -> RequestInfo:
        """The information with the charge of the operation. Raises CostLimitExceeded."""
        balance = await self.charge_cost(credentials, info.ip, 1 if prepared.is_dry_run else prepared.cost)
        return RequestInfo(info.user_agent, info.ip, info.request_id, CostCharge(prepared.cost, balance, time.time()))

    async def charge_cost(self, credentials: Any, address: str | None, cost: int) -> CostBalance:
        """What is left after a charge, of an operation or of what it has led to. Raises CostLimitExceeded."""
        try:
            return await self._limiter.charge(self._accounts_of(credentials, address), cost)
        except CostLimitExceeded as error:
            if self._enforced:
                raise
            return error.balance


def wants_cost(request: OperationRequest) -> bool:
    """Whether the client asks for the cost of the operation."""
    return request.extensions.get("cost") is True


def with_cost(result: OperationResult, prepared: PreparedOperation, charge: CostCharge, executor: Executor) -> OperationResult:
    """The result with what the operation might have cost, what it did cost, and what is left."""
    cost = {
        "requested": charge.cost,
        "actual": executor.actual_cost(prepared, result.data),
        "remaining": charge.balance.remaining,
        "resetAt": charge.reset_at,
    }
    return result._replace(extensions={"cost": cost})


def rate_limit_headers(balance: CostBalance) -> tuple[Header, ...]:
    """`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers): what is left, and seconds until all of it is."""
    limit = balance.limit
    left = f'"{limit.name}";r={balance.remaining};t={-int(-balance.debt_seconds // 1)}'
    return (b"ratelimit", left.encode()), _policy_header(limit)


@lru_cache(maxsize=64)
def _policy_header(limit: CostLimit) -> Header:
    return b"ratelimit-policy", f'"{limit.name}";q={limit.burst};w={int(limit.max_debt_seconds)}'.encode()
