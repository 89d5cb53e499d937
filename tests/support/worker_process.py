"""Worker processes that crash, and what must be true after them."""

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path

from tests.support.forked_process import fork_program, module_main
from tests.support.workers import WorkerDatabase


class WorkerProcess:
    """A process of `tests.support.crashing_worker`, or of another module like it."""

    def __init__(self, url: str, folder: Path, point: str = "none", *, module: str = "crashing_worker") -> None:
        self._process = fork_program(
            module_main,
            [f"tests.support.{module}", url, str(folder), point],
            output=folder / "output.txt",
            environment=dict(os.environ),  # noqa: TID251 (a process of its own inherits it)
        )

    @property
    def exit_code(self) -> int | None:
        """Its exit code, negative for the signal that killed it; None while it runs."""
        return self._process.exitcode

    async def wait_for_exit(self, *, timeout_seconds: float = 30.0) -> int:
        """Its exit code; negative: the signal that killed it."""
        async with asyncio.timeout(timeout_seconds):
            while (code := self.exit_code) is None:
                await asyncio.sleep(0.01)
        return code

    async def freeze(self, seconds: float) -> None:
        """Stop it for so long, as a machine that is out of breath does: it knows nothing of it."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        self._process.join()

    async def stop(self) -> int:
        """End it in good order: its exit code."""
        self._process.terminate()
        try:
            return await self.wait_for_exit()
        finally:
            self.kill()


async def wait_until_all_is_done(database: WorkerDatabase, *, timeout_seconds: float = 30.0) -> None:
    """Wait until every event was recorded and its letter was sent."""

    async def is_done() -> bool:
        events, letters = await database.events(), await database.effects("letter")
        return len(await database.effects("recorder")) >= len(events) and len(letters) >= len(events)

    await database.wait_until(is_done, timeout_seconds=timeout_seconds)


async def require_each_effect_once(database: WorkerDatabase, folder: Path, *, sent_again: int) -> None:
    """Everything is recorded once, in order, and nothing was given up; at most so many letters were sent twice."""
    events = await database.events()
    recorded = await database.effects("recorder")
    for stream in {stream for stream, _ in events}:
        assert [each for each in recorded if each[0] == stream] == [each for each in events if each[0] == stream]
    assert sorted(await database.effects("letter")) == events
    ticks = Counter(await database.effects("tick"))
    assert set(ticks.values()) <= {1}
    assert await database.dead_letters() == []
    assert await database.app.sql.fetchval("SELECT count(*) FROM jobs") == 0
    sent = Counter((folder / "sent").read_text().split())
    assert len(sent) == len(events)
    assert sum(sent.values()) - len(sent) <= sent_again
