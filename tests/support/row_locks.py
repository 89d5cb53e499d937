"""Calls that wait in line for the same row, so that what they read before their turn is old when it comes."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from tests.support.app import App

_BLOCKED_SECONDS = 0.2


class BlockedCalls:
    """Calls that were started, in the order in which they came."""

    def __init__(self, calls: asyncio.TaskGroup) -> None:
        self._calls = calls
        self._started: list[asyncio.Task[Any]] = []

    def start(self, call: Coroutine[Any, Any, Any]) -> None:
        """Start a call."""
        self._started.append(self._calls.create_task(call))

    @property
    def results(self) -> list[Any]:
        """What the calls came to; known after the block."""
        return [call.result() for call in self._started]


@asynccontextmanager
async def calls_blocked_on_row(app: App, table: str, row_id: UUID) -> AsyncIterator[BlockedCalls]:
    """Who joins in the block comes to stand before the row, and goes on, one after the other, when the block ends."""
    async with asyncio.TaskGroup() as calls, app.sql.acquire() as raw, raw.transaction():
        await raw.execute(f"SELECT FROM {table} WHERE id = $1 FOR UPDATE", row_id)
        yield BlockedCalls(calls)
        await asyncio.sleep(_BLOCKED_SECONDS)
