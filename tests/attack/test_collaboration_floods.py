"""A guest who may only read a document sends without end: others are served, and visitors of the document stay."""

import base64
import contextlib
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import uuid4

import pycrdt
import pytest

from content.lib0 import encode_varint
from tests.support.attacks import Reach, Target, check_reach, flood, frame, probing

pytestmark = pytest.mark.attack
SECONDS = 3.0
SLACK_MIB = 60.0  # the room of a document of 5 MiB, which stays for a while
LARGE_CHARACTERS = 5 * 2**20
_STEP_1, _STEP_2, _AWARENESS, _QUERY_AWARENESS = b"\x00\x00", b"\x00\x02", b"\x01", b"\x03"
_CLOCK = count(1)


@dataclass(frozen=True)
class SharedDocuments:
    """Global ids of a small and a large document, and the token of a guest who may read both."""

    small: str
    large: str
    guest_token: str


@pytest.fixture(scope="module")
def shared(target: Target) -> SharedDocuments:
    team = target.mutate("teamCreate", "TeamCreateInput", "team { id }", name="Flood", key=f"F{uuid4().hex[:6].upper()}")["team"][
        "id"
    ]
    project = target.mutate("projectCreate", "ProjectCreateInput", "project { id }", teamId=team, name="Flood")["project"]["id"]
    email = f"{uuid4().hex}@example.com"
    fields = {"email": email, "password": "correct horse battery", "firstName": "G", "lastName": "G"}
    guest = target.mutate("userRegister", "UserRegisterInput", "user { id } tokens { accessToken }", **fields)
    token = guest["tokens"]["accessToken"]
    invited = target.mutate("teamInvite", "TeamInviteInput", "invitationToken", teamId=team, email=email, role="GUEST")
    accept = "mutation ($token: String!) { invitationAccept(input: { token: $token }) { team { id } } }"
    body = {"query": accept, "variables": {"token": invited["invitationToken"]}}
    assert target.post(body, token=token)["data"]["invitationAccept"]["team"]
    target.mutate("projectSetMembers", "ProjectSetMembersInput", "project { id }", id=project, addUserIds=[guest["user"]["id"]])

    def create(title: str) -> str:
        created = target.mutate(
            "documentCreate", "DocumentCreateInput", "document { id }", projectId=project, title=title, content="hello"
        )
        return str(created["document"]["id"])

    documents = SharedDocuments(create("Small"), create("Large"), token)
    _fill(target, documents.large)
    return documents


def _fill(target: Target, document: str) -> None:
    """Write a text of 5 MiB into a document, as an editor does, and wait until it is stored."""
    written: pycrdt.Doc[Any] = pycrdt.Doc()
    fragment = written.get("default", type=pycrdt.XmlFragment)
    with written.transaction():
        for _ in range(LARGE_CHARACTERS // 8192):
            paragraph = pycrdt.XmlElement("paragraph")
            fragment.children.append(paragraph)
            paragraph.children.append(pycrdt.XmlText("lorem ipsum " * 682))
    update = written.get_update()
    websocket = _open(target, document, target.token)
    websocket.settimeout(60)
    websocket.sendall(frame(2, _STEP_2 + encode_varint(len(update)) + update))
    query = "query ($id: ID!) { document(id: $id) { content(format: CRDT) { crdt } } }"
    deadline = time.monotonic() + 60
    while True:
        answer = target.graphql(query, token=target.token, id=document)
        content = (answer.get("data") or {}).get("document")
        if content and len(base64.b64decode(content["content"]["crdt"] or "")) >= len(update):
            break
        assert time.monotonic() < deadline, json.dumps(answer)[:300]
        time.sleep(0.5)
    websocket.close()


def _open(target: Target, document: str, token: str) -> socket.socket:
    websocket = target.open_websocket(f"/collaboration/{document}?token={token}".encode(), init=False)
    websocket.settimeout(10)
    websocket.sendall(frame(2, _STEP_1 + b"\x01\x00"))
    assert websocket.recv(65536)[:1] == b"\x82"  # the server knows by now who it is, and what they may send
    return websocket


def awareness(peers: int, state_bytes: int) -> bytes:
    """States of so many peers, none of which is the sender's, at a clock that was not used before."""
    clock, state = next(_CLOCK), json.dumps("x" * state_bytes).encode()
    states = b"".join(
        encode_varint(1000 + peer) + encode_varint(clock) + encode_varint(len(state)) + state for peer in range(peers)
    )
    body = encode_varint(peers) + states
    return frame(2, _AWARENESS + encode_varint(len(body)) + body)


def state_vector(clients: int) -> bytes:
    """The request of somebody who has one clock of each of these clients."""
    body = encode_varint(clients) + b"".join(encode_varint(client + 1) + b"\x01" for client in range(clients))
    return frame(2, _STEP_1 + encode_varint(len(body)) + body)


FLOODS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "awareness of 130,000 peers": ("small", lambda: awareness(130_000, 1)),
    "awareness of 15 KiB": ("small", lambda: b"".join(awareness(1, 15 * 1024) for _ in range(50))),
    "awareness of 32 peers of 15 KiB": ("small", lambda: b"".join(awareness(32, 15 * 1024) for _ in range(5))),
    "small awareness": ("small", lambda: b"".join(awareness(1, 1024) for _ in range(100))),
    "questions for awareness": ("small", lambda: frame(2, _QUERY_AWARENESS) * 500),
    "state vectors of a small document": ("small", lambda: state_vector(0) * 500),
    "state vectors of 100,000 clients": ("small", lambda: state_vector(100_000)),
    "state vectors of a large document": ("large", lambda: state_vector(0) * 20),
    "updates": ("small", lambda: frame(2, _STEP_2 + encode_varint(1 << 19) + bytes(1 << 19))),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_a_guest_who_floods_a_document(target: Target, quiet: Reach, shared: SharedDocuments, kind: str) -> None:
    which, make_message = FLOODS[kind]
    message = make_message()
    document = shared.small if which == "small" else shared.large
    visitor = _open(target, document, target.token)
    before = target.memory_mib
    with probing(target) as reach:
        stop = time.monotonic() + SECONDS
        while (left := stop - time.monotonic()) > 0.1:
            with contextlib.suppress(OSError, AssertionError):  # refused while too many are open, or too often
                attacker = _open(target, document, shared.guest_token)
                flood(attacker, message, left)
                attacker.close()
            time.sleep(0.05)
        during = target.memory_mib
    after = target.memory_after(30, below_mib=before * 1.1)
    check_reach(f"d2: {kind}", quiet, reach[0], (before, during, after))
    assert after <= before * 1.1 + SLACK_MIB
    _require_served(visitor)
    visitor.close()


def _require_served(visitor: socket.socket) -> None:
    """A ping is answered on the connection, after whatever came before."""
    mark = uuid4().bytes
    visitor.settimeout(10)
    visitor.sendall(frame(9, mark))
    received = b""
    while mark not in received:
        data = visitor.recv(1 << 20)
        assert data, "the connection was closed"
        received = received[-64:] + data
