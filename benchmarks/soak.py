"""Kills servers, workers, Postgres and Valkey for hours, while people write, follow and edit, and checks what they were answered.

Each round has teams of its own on the same database: clients work for a minute while a process is killed or frozen every second
or two, then everything is read again and compared with what clients were answered (`tests.support.history`). A line for each
round is appended to the log, from which the next run counts on: a night's run may be interrupted and taken up again.

An operation is one request, or one edit of a document, that was acknowledged to the client that waited for it.

Postgres runs without fsync, since nothing here crashes the machine, but acknowledges commits when they are written.
"""

import argparse
import asyncio
import itertools
import json
import logging
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
from pydantic import SecretStr

from app.audit import verify_audit
from app.counters import verify_counters
from app.migration import migrate
from app.settings import Settings
from embedded import embedded_postgres
from tests.support.backing_services import Valkey, free_port, running_valkey
from tests.support.chaos_clients import ChaosClients, working
from tests.support.history import Kind
from tests.support.postgres_processes import postgres_pids
from tests.support.secret_key import SECRET_KEY
from tests.support.server_process import Client, ServerProcess, register_user

LOG: Final = Path(__file__).parent / "results" / "soak.jsonl"
_SETTINGS: Final = {"synchronous_commit": "on"}
_PAUSES_SECONDS: Final = (0.3, 1.5)
_RESTS_SECONDS: Final = (0.5, 3.0)
_VICTIMS: Final = ("server", "server", "server", "worker", "worker", "postgres", "postgres backend", "valkey")
_FROZEN_SHARE: Final = 0.2
_MAX_SHOWN: Final = 20
_READY_TIMEOUT_SECONDS: Final = 300.0


@dataclass
class House:
    """The processes that are killed. `kills` counts them by what they were and how."""

    servers: list[ServerProcess]
    worker: ServerProcess
    valkey: Valkey
    cluster: Path
    url: str
    settings: Settings
    kills: Counter[str] = field(default_factory=Counter)
    _is_server_away: bool = False

    async def hurt(self, dice: random.Random, tasks: asyncio.TaskGroup) -> None:
        """Kill or freeze one of them, and bring it back. A server is on its way back in one of the tasks, while others are hurt;
        only then is another one killed."""
        victim = dice.choice([each for each in _VICTIMS if each != "server" or not self._is_server_away])
        is_frozen = dice.random() < _FROZEN_SHARE
        try:
            await self._hurt(victim, dice, tasks, is_frozen=is_frozen)
        except (OSError, IndexError, ValueError):
            return  # it was gone already
        self.kills[f"{victim} {'frozen' if is_frozen else 'killed'}"] += 1

    async def _hurt(self, victim: str, dice: random.Random, tasks: asyncio.TaskGroup, *, is_frozen: bool) -> None:
        match victim:
            case "valkey" if is_frozen:
                with self.valkey.black_holed():
                    await asyncio.sleep(dice.uniform(*_PAUSES_SECONDS))
            case "valkey":
                self.valkey.kill()
                await asyncio.sleep(dice.uniform(0.0, 1.0))
                await asyncio.to_thread(self.valkey.start)
            case "postgres" | "postgres backend":
                main, *others = postgres_pids(self.cluster)
                whole = victim == "postgres"
                pids = [main, *others] if whole and is_frozen else [main] if whole else [dice.choice(others)]
                if is_frozen:
                    await _freeze(pids, dice)
                else:
                    os.kill(pids[0], signal.SIGKILL)
            case _:
                process = self.worker if victim == "worker" else dice.choice(self.servers)
                if is_frozen:
                    await _freeze([process.pid], dice)
                    return
                process.kill()
                process.start()
                if process is not self.worker:
                    self._is_server_away = True
                    tasks.create_task(self._await_return(process))

    async def _await_return(self, server: ServerProcess) -> None:
        await _wait_until_ready(server)
        self._is_server_away = False

    async def wait_until_well(self) -> None:
        """Wait until all servers answer; what has ended is started again, as whatever runs servers does."""
        for each in self.servers:
            await _wait_until_ready(each)
        if not self.worker.is_running:
            self.worker.start()


async def _wait_until_ready(server: ServerProcess) -> None:
    """Wait until a server answers that it is ready. Raises AssertionError with what it says instead."""
    until, answer = time.monotonic() + _READY_TIMEOUT_SECONDS, ""
    async with httpx.AsyncClient() as http:
        while time.monotonic() < until:
            if not server.is_running:  # it cannot start without its database, say
                server.start()
            with suppress(httpx.HTTPError):
                response = await http.get(f"{server.url}/readyz")
                if response.status_code == 200:
                    return
                answer = f"{response.status_code} {response.text}"
            await asyncio.sleep(0.05)
    raise AssertionError(f"the server is not ready: {answer}\n{server.output}")


async def _freeze(pids: list[int], dice: random.Random) -> None:
    for each in pids:
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGSTOP)
    try:
        await asyncio.sleep(dice.uniform(*_PAUSES_SECONDS))
    finally:
        for each in pids:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGCONT)


@asynccontextmanager
async def open_house(folder: Path) -> AsyncIterator[House]:
    """Two servers and a worker over Postgres and Valkey, in a folder that may hold those of an earlier run."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(embedded_postgres(folder / "postgres", durable=False, settings=_SETTINGS))
        await migrate(url)
        valkey = stack.enter_context(running_valkey())
        ports = free_port(), free_port()
        options: dict[str, Any] = {
            "database_url": url,
            "data_dir": folder / "data",
            "redis_url": valkey.url,
            "public_url": f"http://127.0.0.1:{ports[0]}",
            "log_level": "error",
            "cost_limits": "off",
        }
        servers = [ServerProcess("api", folder=folder, port=port, **options) for port in ports]
        worker = ServerProcess("worker", folder=folder, **options)
        for each in (*servers, worker):
            each.start()
            stack.callback(each.kill)
        settings = Settings(database_url=url, data_dir=folder / "data", secret_key=SecretStr(SECRET_KEY), log_level="error")
        house = House(servers, worker, valkey, folder / "postgres", url, settings)
        await house.wait_until_well()
        yield house


async def run_round(house: House, number: int, *, seconds: float, teams: int, crowd: int) -> dict[str, Any]:
    """One round of some teams, in each of which `crowd` clients do each of what clients do: its line in the log."""
    dice, began = random.Random(number), time.monotonic()
    house.kills.clear()
    groups = []
    for nr in range(teams):
        ada = await register_user(house.servers[nr % len(house.servers)])
        people = [ada, *(Client(each, ada.token) for each in house.servers)]
        groups.append((ada, ChaosClients(people[1:], random.Random(f"{number} {nr}"))))
    all_work, is_over = asyncio.Barrier(teams + 1), asyncio.Event()

    async def work(owner: Client, clients: ChaosClients) -> None:
        async with working(clients, owner, crowd=crowd):
            await all_work.wait()
            await is_over.wait()

    try:
        async with asyncio.TaskGroup() as tasks:
            for owner, clients in groups:
                tasks.create_task(work(owner, clients))
            await all_work.wait()
            while time.monotonic() - began < seconds:
                await asyncio.sleep(dice.uniform(*_RESTS_SECONDS))
                await house.hurt(dice, tasks)
            await house.wait_until_well()
            is_over.set()
    finally:
        for server in house.servers:
            for client in server.clients:
                await client.close()
            server.clients.clear()
    return _line(house, number, [clients for _, clients in groups], time.monotonic() - began)


def _line(house: House, number: int, groups: Sequence[ChaosClients], seconds: float) -> dict[str, Any]:
    """What the groups of a round did and found."""
    found = [anomaly for each in groups for anomaly in each.anomalies()]
    acknowledged = sum((each.history.acknowledged_by_kind() for each in groups), Counter[str]())
    return {
        "round": number,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "acknowledged": acknowledged.total(),
        "of": dict(sorted(acknowledged.items())),
        "operations": sum(len(each.history.operations) for each in groups),
        "kills": dict(sorted(house.kills.items())),
        "follows": sum(each.follows for each in groups),
        "slowest_seconds": round(max(each.slowest_seconds for each in groups), 2),
        **{kind.lower(): sum(each.kind is kind for each in found) for kind in Kind},
        "violations": [violation for each in groups for violation in each.violations][:_MAX_SHOWN],
        "anomalies": [str(each) for each in found[:_MAX_SHOWN]],
    }


def totals(log: Path) -> Counter[str]:
    """What all runs in a log came to; of processes, `kills` and `frozen` apart."""
    sums: Counter[str] = Counter()
    for line in log.read_text().splitlines() if log.exists() else ():
        entry = json.loads(line)
        sums["rounds"] += 1
        for what, times in entry["kills"].items():
            sums["frozen" if what.endswith(" frozen") else "kills"] += times
        sums["violations"] += len(entry["violations"])
        for name in ("acknowledged", "operations", *(kind.lower() for kind in Kind)):
            sums[name] += entry[name]
    return sums


async def soak(log: Path, *, seconds: float, round_seconds: float, teams: int, crowd: int, operations: int, kills: int) -> int:
    """Run rounds until the time is over, or the log has so many acknowledged operations and kills: 0 where nothing went wrong."""
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="hive-soak-") as folder:
        async with open_house(Path(folder)) as house:
            for number in itertools.count(totals(log)["rounds"] + 1):
                line = await run_round(house, number, seconds=round_seconds, teams=teams, crowd=crowd)
                with log.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                so_far = totals(log)
                if time.monotonic() > until or (so_far["acknowledged"] >= operations and so_far["kills"] >= kills):
                    break
            await _verify(house)
    print(dict(totals(log)))
    return int(any(totals(log)[name] for name in ("violations", *(kind.lower() for kind in Kind))))


async def _verify(house: House) -> None:
    """Wait until the worker has handled all events, then verify numbers and audit logs."""
    print(await verify_counters(house.settings))
    logs = [line async for line in verify_audit(house.settings, None, None)]
    print(f"{len(logs)} audit logs are whole.")


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="after which no further round begins")
    parser.add_argument("--round-seconds", type=float, default=60.0)
    parser.add_argument("--teams", type=int, default=3, help="that work in a round, each on its own")
    parser.add_argument("--crowd", type=int, default=4, help="clients of a team for each of what clients do")
    parser.add_argument("--operations", type=int, default=500_000, help="acknowledged, in all runs of the log")
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--log", type=Path, default=LOG)
    asked = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    return asyncio.run(
        soak(
            asked.log,
            seconds=asked.seconds,
            round_seconds=asked.round_seconds,
            teams=asked.teams,
            crowd=asked.crowd,
            operations=asked.operations,
            kills=asked.kills,
        )
    )


if __name__ == "__main__":
    raise SystemExit(main())
