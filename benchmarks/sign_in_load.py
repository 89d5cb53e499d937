"""Measures signing in: whether unknown accounts take as long as known ones, and what 1,000 sign-ins at once do to others.

A server of its own on an embedded Postgres; every client has an address and an account of its own, so that the limits stand as
they are. The queries of somebody else are timed in a process apart, one after the other, with the sign-ins and without, in turns.
"""

import argparse
import asyncio
import contextlib
import json
import math
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from app.migration import migrate
from app.service_database import open_database_url
from app.settings import Settings, environment
from auth.passwords import Argon2Passwords
from domain.user import User
from embedded.child_process import tied_to_parent
from persistence.engine.database import open_database
from persistence.unit_of_work import SqlUnitOfWork, run_in_unit_of_work
from realtime.announcements import PubSub
from realtime.memory_backend import MemoryBackend

ROOT: Final = Path(__file__).resolve().parents[1]
PASSWORD: Final = "a password of the bench"  # noqa: S105 (of accounts that live as long as the bench)
SIGN_IN: Final = "mutation ($i: SessionCreateInput!) { sessionCreate(input: $i) { tokens { accessToken } errors { code } } }"
RESET: Final = "mutation ($i: PasswordResetRequestInput!) { passwordResetRequest(input: $i) { errors { code } } }"
QUERY: Final = "{ viewer { id displayName teams(first: 5) { nodes { id name } } } }"


def main(argv: list[str]) -> int:
    """Run both measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=2_000)
    parser.add_argument("--concurrent", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args(argv)
    asyncio.run(_measure(asked.tries, asked.concurrent, asked.rounds))
    return 0


async def _measure(tries: int, concurrent: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), port=_free_port(), seed_size="none", log_level="error")
        async with open_database_url(settings) as url:
            await migrate(url)
            emails = await _create_accounts(url, max(concurrent, tries // 2) + 1)
            async with _running_server(settings, url):
                print(f"load average before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
                if tries:
                    await _compare_accounts(settings.port, emails, tries)
                if rounds:
                    await _compare_load(settings.port, emails, concurrent, rounds)


# ── known and unknown ─────────────────────────────────────────────────────────────────────────────────────────────────


async def _compare_accounts(port: int, emails: list[str], tries: int) -> None:
    """Wrong passwords, and requests for a new one, for known and unknown accounts in random order."""
    known = emails[: tries // 2]
    await _compare(port, "wrong passwords", known, lambda email: _sign_in_request(email, "not the password"))
    await _compare(port, "password resets", known, _reset_request)


async def _compare(port: int, name: str, known: list[str], request: Callable[[str], bytes]) -> None:
    order = [*((True, each) for each in known), *((False, f"{uuid4()}@bench.example") for _ in known)]
    random.shuffle(order)
    times: dict[bool, list[float]] = {True: [], False: []}
    answers: dict[bool, set[str]] = {True: set(), False: set()}
    for is_known, email in order:
        started = time.perf_counter()
        answer = await _post(port, request(email))
        times[is_known].append(time.perf_counter() - started)
        answers[is_known].add(json.dumps(answer))
    assert answers[True] == answers[False], answers
    medians = {is_known: statistics.median(values) * 1000 for is_known, values in times.items()}
    gap = abs(medians[True] - medians[False])
    error = math.hypot(*(_error_of_median(values) * 1000 for values in times.values()))
    print(
        f"{len(order)} {name}, medians: known {medians[True]:.2f} ms, unknown {medians[False]:.2f} ms,"
        f" gap {gap:.3f} ± {error:.3f} (limit 1)",
        flush=True,
    )


def _error_of_median(values: list[float]) -> float:
    """Its standard error, as if the middle of the values were of a normal distribution."""
    low, _, high = statistics.quantiles(values, n=4)
    return math.sqrt(math.pi / 2) * (high - low) / 1.349 / math.sqrt(len(values))


# ── others' queries ───────────────────────────────────────────────────────────────────────────────────────────────────


async def _compare_load(port: int, emails: list[str], concurrent: int, rounds: int) -> None:
    viewer, *others = emails
    signed_in = await _post(port, _sign_in_request(viewer, PASSWORD))
    token = signed_in["data"]["sessionCreate"]["tokens"]["accessToken"]
    alone: list[float] = []
    beside: list[float] = []
    outcomes: Counter[str] = Counter()
    for _ in range(rounds):
        async with _probing(port, token, 8.0) as quiet:
            pass
        alone += [took for _, took in quiet.result()]
        async with _probing(port, token, 8.0) as busy:
            begun = time.monotonic()
            outcomes += Counter(await asyncio.gather(*(_try_sign_in(port, each) for each in others[:concurrent])))
            done = time.monotonic()
        beside += [took for due, took in busy.result() if begun <= due <= done]
        await asyncio.sleep(1.0)
    p99 = {name: statistics.quantiles(values, n=100)[98] * 1000 for name, values in (("alone", alone), ("beside", beside))}
    p50 = {name: statistics.median(values) * 1000 for name, values in (("alone", alone), ("beside", beside))}
    print(f"{rounds} × {concurrent} sign-ins at once: {dict(outcomes)}", flush=True)
    print(f"others' query alone: p50 {p50['alone']:.2f}, p99 {p99['alone']:.2f} ms ({len(alone)} queries)", flush=True)
    print(f"others' query beside them: p50 {p50['beside']:.2f}, p99 {p99['beside']:.2f} ms ({len(beside)} queries)", flush=True)
    print(
        f"p99 beside / alone: {p99['beside'] / p99['alone']:.2f} (limit 1.5); load average after: {os.getloadavg()[0]:.1f}",
        flush=True,
    )


@contextlib.asynccontextmanager
async def _probing(port: int, token: str, seconds: float) -> AsyncIterator["asyncio.Future[list[tuple[float, float]]]"]:
    """Somebody else's queries, from the beginning of the block on; the result is there after it."""
    command = [sys.executable, str(ROOT / "benchmarks" / "query_probe.py"), str(port), f"Bearer {token}", QUERY, str(seconds)]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    await process.stdout.readline()
    times: asyncio.Future[list[tuple[float, float]]] = asyncio.get_running_loop().create_future()
    yield times
    output, _ = await process.communicate()
    times.set_result(json.loads(output))


async def _try_sign_in(port: int, email: str) -> str:
    answer = await _post(port, _sign_in_request(email, PASSWORD))
    if "errors" in answer:
        return str(answer["errors"][0]["extensions"]["code"])
    errors = answer["data"]["sessionCreate"]["errors"]
    return str(errors[0]["code"]) if errors else "signed in"


# ── what both stand on ────────────────────────────────────────────────────────────────────────────────────────────────


def _sign_in_request(email: str, password: str) -> bytes:
    """From an address of its own."""
    variables = {"i": {"email": email, "password": password}}
    return _request({"query": SIGN_IN, "variables": variables}, address=_random_address())


def _reset_request(email: str) -> bytes:
    return _request({"query": RESET, "variables": {"i": {"email": email}}}, address=_random_address())


def _random_address() -> str:
    return f"2001:db8:{random.randrange(65536):x}:{random.randrange(65536):x}::1"


def _request(body: dict[str, Any], *, address: str | None = None, authorization: str | None = None) -> bytes:
    content = json.dumps(body).encode()
    headers = {"Host": "bench", "Content-Type": "application/json", "Content-Length": str(len(content))}
    headers |= {"X-Forwarded-For": address} if address else {}
    headers |= {"Authorization": authorization} if authorization else {}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /graphql HTTP/1.1\r\n{head}\r\n".encode() + content


async def _post(port: int, request: bytes) -> Any:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.partition(b":")[2]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        return json.loads(await reader.readexactly(length))
    finally:
        writer.close()


async def _create_accounts(url: str, count: int) -> list[str]:
    passwords = Argon2Passwords()
    password_hash = await passwords.hash(PASSWORD)
    passwords.close()
    emails = [f"person-{number}-{uuid4().hex[:6]}@bench.example" for number in range(count)]

    async def insert(uow: SqlUnitOfWork) -> None:
        for number, email in enumerate(emails):
            person = User(
                id=uow.new_id(),
                created_at=uow.now,
                updated_at=uow.now,
                email_address=email,
                first_name="Person",
                last_name=str(number),
            )
            assert await uow.users.add(person, password_hash)

    async with open_database(url, max_connections=2) as database, PubSub.open(MemoryBackend()) as pubsub:
        await run_in_unit_of_work(database, pubsub, insert)
    return emails


@contextlib.asynccontextmanager
async def _running_server(settings: Settings, url: str) -> AsyncIterator[None]:
    given = environment(
        database_url=url,
        port=str(settings.port),
        data_dir=str(settings.data_dir),
        seed_size="none",
        log_level="error",
        trusted_proxies="127.0.0.1",  # requests come from addresses of their own
    )
    command = tied_to_parent([sys.executable, str(ROOT / "server.py"), "api"])
    server = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=given, stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                await asyncio.open_connection("127.0.0.1", settings.port)
                break
            await asyncio.sleep(0.1)
        yield
    finally:
        server.terminate()
        await server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
