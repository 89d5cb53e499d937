"""A server whose background task dies ends, and says which one."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.task_supervision import EXIT_CODE

_ROOT = Path(__file__).parents[2]
_SCRIPT = """
import asyncio, time
import server
from app.task_supervision import end_on_dead_task
from realtime.background_tasks import BackgroundTasks

async def die():
    raise LookupError("a broken object")

async def main():
    with end_on_dead_task(drain_timeout_seconds={drain_timeout_seconds}):
        tasks = BackgroundTasks()
        tasks.supervise(die(), "hub: feeds")
        try:
            await asyncio.Event().wait()
        finally:
            print("drained", flush=True)
            {while_draining}

server._run(main())
"""


def _run(**values: str) -> subprocess.CompletedProcess[str]:
    script = _SCRIPT.format(**values)
    return subprocess.run([sys.executable, "-c", script], cwd=_ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
def test_a_dead_background_task_drains_and_ends_the_process() -> None:
    ended = _run(drain_timeout_seconds="60", while_draining="pass")
    assert ended.stdout == "drained\n"
    assert "The background task hub: feeds has ended; the process ends." in ended.stderr
    assert "LookupError: a broken object" in ended.stderr
    assert ended.stderr.rstrip().endswith(
        "app.task_supervision.BackgroundTaskDied: The background task hub: feeds has ended: see the log."
    )
    assert ended.returncode == 1  # of the interpreter, which shows the exception


@pytest.mark.slow
def test_a_process_that_does_not_drain_is_ended_by_a_timer() -> None:
    ended = _run(drain_timeout_seconds="0.2", while_draining="time.sleep(50)")
    assert ended.returncode == EXIT_CODE
    assert "The process does not drain; it ends at once." in ended.stderr
