"""Attacks on a server process of its own, under a memory cap, while another user's requests are timed: a pytest plugin's helpers.

An attack runs in threads and with blocking sockets, so that it is as fast as one client can be. What is measured meanwhile is the
reach: how long another user waits for `{viewer{id}}`, and anybody for `/healthz`. Both are compared with the same probes before
the attack, so that a slow machine is not taken for a slow server: a test fails beyond `MAX_RATIO` times the quiet p99 and the
limit of the law together.
"""

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from tests.support.server_process import ROOT, ServerProcess

MEMORY_LIMIT_BYTES: Final = 6_000_000 * 1024
MAX_VIEWER_P99_MS: Final = 50.0
MAX_HEALTH_P99_MS: Final = 100.0
MAX_RATIO: Final = 8.0
"""Times the p99 of the same probes without an attack: both must be exceeded to fail, since the machine may be shared."""

HANDSHAKE: Final = (
    b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)


class Target:
    """The server under attack."""

    def __init__(self, process: ServerProcess) -> None:
        self.process = process
        self.port = process.port
        self.token = self.register()

    def graphql(self, query: str, *, token: str | None = None, timeout_seconds: float = 30.0, **variables: Any) -> Any:
        """The response to an operation."""
        return self.post({"query": query, "variables": variables}, token=token, timeout_seconds=timeout_seconds)

    def post(self, body: dict[str, Any], *, token: str | None = None, timeout_seconds: float = 30.0) -> Any:
        """The response to a request."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout_seconds)
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        try:
            connection.request("POST", "/graphql", json.dumps(body), headers)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def mutate(self, name: str, input_type: str, selection: str, /, *, token: str | None = None, **fields: Any) -> Any:
        """The payload of a mutation, which must succeed."""
        query = f"mutation ($input: {input_type}!) {{ {name}(input: $input) {{ {selection} errors {{ code message }} }} }}"
        answer = self.graphql(query, token=token or self.token, input=fields)
        assert not answer.get("errors"), answer
        assert not answer["data"][name]["errors"], answer
        return answer["data"][name]

    def open(self, *, receive_buffer_bytes: int | None = None) -> socket.socket:
        """A connection, perhaps one that takes little at a time."""
        opened = socket.socket()
        if receive_buffer_bytes is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        opened.settimeout(10)
        opened.connect(("127.0.0.1", self.port))
        return opened

    def open_websocket(self, path: bytes = b"/graphql", *, init: bool = True, **options: Any) -> socket.socket:
        """A websocket after its handshake, and after a stranger's `connection_init` where that is wanted."""
        opened = self.open(**options)
        opened.sendall(HANDSHAKE % path)
        head = b""
        while b"\r\n\r\n" not in head:
            head += opened.recv(4096)
        assert head.startswith(b"HTTP/1.1 101 "), head
        if init:
            opened.sendall(frame(1, b'{"type":"connection_init"}'))
        return opened

    @property
    def memory_mib(self) -> float:
        """Resident memory of the process."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def memory_after(self, seconds: float, *, below_mib: float) -> float:
        """Resident memory, as soon as it is small enough, or after this time."""
        deadline = time.monotonic() + seconds
        while (used := self.memory_mib) > below_mib and time.monotonic() < deadline:
            time.sleep(0.5)
        return used

    def register(self) -> str:
        """The access token of a new user."""
        fields = {"email": f"{uuid4().hex}@example.com", "password": "correct horse battery", "firstName": "V", "lastName": "V"}
        query = "mutation ($i: UserRegisterInput!) { userRegister(input: $i) { tokens { accessToken } errors { code } } }"
        answer = self.graphql(query, i=fields)
        token: str = answer["data"]["userRegister"]["tokens"]["accessToken"]
        return token


def frame(opcode: int, payload: bytes) -> bytes:
    """A client's frame, masked with zeros."""
    length = len(payload)
    head = bytes((0x80 | opcode,))
    if length < 126:
        head += bytes((0x80 | length,))
    elif length < 65_536:
        head += bytes((0x80 | 126,)) + struct.pack(">H", length)
    else:
        head += bytes((0x80 | 127,)) + struct.pack(">Q", length)
    return head + bytes(4) + payload


def flood(target: socket.socket, data: bytes, seconds: float) -> int:
    """Send the same bytes again and again, as fast as they are taken, while reading whatever comes; how many bytes were sent."""
    stop = time.monotonic() + seconds
    sent = 0

    def read() -> None:
        with contextlib.suppress(OSError):
            while time.monotonic() < stop + 1 and target.recv(1 << 18):
                pass

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    target.settimeout(seconds)
    with contextlib.suppress(OSError):
        while time.monotonic() < stop:
            sent += target.send(data)
    return sent


@dataclass(frozen=True)
class Reach:
    """How long others waited, in milliseconds, and which of their requests were not answered well."""

    viewer_p50: float
    viewer_p99: float
    health_p99: float
    failures: tuple[str, ...]


@contextmanager
def _probe(target: Target, *request: str) -> Iterator[dict[str, Any]]:
    """Time a request again and again in a process of its own during the block; the dict has its report after it."""
    report: dict[str, Any] = {}
    command = [sys.executable, "-m", "tests.support.attack_probe", str(target.port), *request]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield report
        finally:
            output, _ = process.communicate(b"\n", timeout=60)
            report |= json.loads(output)


@contextmanager
def probing(target: Target, *, token: str | None = None) -> Iterator[list[Reach]]:
    """Time others' requests during the block; the list has the reach after it. `token`: of another user than the target's."""
    found: list[Reach] = []
    with (
        _probe(target, "POST", "/graphql", token or target.token, '{"query":"{viewer{id}}"}') as viewer,
        _probe(target, "GET", "/healthz", "", "") as health,
    ):
        time.sleep(0.3)  # until they have begun
        yield found
    found.append(
        Reach(
            _percentile(viewer["took_ms"], 0.5),
            _percentile(viewer["took_ms"], 0.99),
            _percentile(health["took_ms"], 0.99),
            (*viewer["failures"], *health["failures"]),
        )
    )


def quiet_reach(target: Target, seconds: float = 2.0) -> Reach:
    """The reach of no attack."""
    with probing(target) as found:
        time.sleep(seconds)
    return found[0]


def check_reach(name: str, quiet: Reach, during: Reach, memory_mib: Sequence[float]) -> None:
    """Print a row of the table in docs/security/attacks.md, and assert the law: nobody else waits long."""
    memory = " → ".join(f"{each:.0f}" for each in memory_mib)
    sys.stdout.write(
        f"| {name} | {during.viewer_p50:.1f} / {during.viewer_p99:.1f} (quiet {quiet.viewer_p99:.1f}) "
        f"| {during.health_p99:.1f} (quiet {quiet.health_p99:.1f}) | {memory} |\n"
    )
    assert during.failures == ()
    assert during.viewer_p99 <= max(MAX_VIEWER_P99_MS, MAX_RATIO * quiet.viewer_p99)
    assert during.health_p99 <= max(MAX_HEALTH_P99_MS, MAX_RATIO * quiet.health_p99)


def cap_memory(process: ServerProcess) -> None:
    """Let the process have no more address space than the limit: it would end before it takes the machine's memory."""
    subprocess.run(["prlimit", f"--as={MEMORY_LIMIT_BYTES}", "--pid", str(process.pid)], check=True)


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values) or [0.0]
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
