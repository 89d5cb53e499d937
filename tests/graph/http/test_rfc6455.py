"""Frames of websockets: ours reads what `websockets` reads, however the bytes are cut, and refuses what it refuses."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

from tests.support.examples import examples
from transport import rfc6455
from transport.rfc6455 import FrameReader, ProtocolError

KINDS = {Opcode.TEXT: rfc6455.TEXT, Opcode.BINARY: rfc6455.BINARY, Opcode.PING: rfc6455.PING, Opcode.PONG: rfc6455.PONG}


def read_all(reader: FrameReader, data: bytes) -> list[tuple[int, bytes]]:
    """What is complete after more bytes."""
    reader.feed(data)
    return list(iter(reader.next_message, None))


def split_randomly(data: bytes, rng: random.Random) -> list[bytes]:
    """The same bytes in pieces."""
    pieces = []
    while data:
        size = rng.choice((1, 2, 3, 7, 60, 1000))
        pieces.append(data[:size])
        data = data[size:]
    return pieces


@examples(15, many=600)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(KINDS)), st.sampled_from((b"", b"x", b"abc" * 50, b"d" * 66_000)), st.integers(1, 4))
    ),
    st.integers(0, 1_000),
)
def test_what_was_sent_is_read_however_it_is_cut(messages: list[tuple[Opcode, bytes, int]], seed: int) -> None:
    dice = random.Random(seed)
    sent, expected = b"", []
    for opcode, payload, parts in messages:
        control = opcode in (Opcode.PING, Opcode.PONG)
        body = payload[:125] if control else payload
        expected.append((KINDS[opcode], body))
        pieces = [body] if control else [body[index::parts] for index in range(parts)]
        if not control:
            expected[-1] = (KINDS[opcode], b"".join(pieces))
        for index, piece in enumerate(pieces):
            frame = Frame(Opcode.CONT if index else opcode, piece, fin=index == len(pieces) - 1)
            sent += frame.serialize(mask=True)
    reader = FrameReader(1_000_000)
    assert [message for piece in split_randomly(sent, dice) for message in read_all(reader, piece)] == expected


@examples(75, many=3_000)
@given(st.lists(st.tuples(st.integers(0, 255), st.booleans(), st.binary(max_size=130)), max_size=4))
def test_what_websockets_refuses_is_refused(frames: list[tuple[int, bool, bytes]]) -> None:
    sent = b"".join(
        bytes((first, 0x80 * masked | min(len(payload), 126)))
        + (len(payload).to_bytes(2, "big") if len(payload) >= 126 else b"")
        + bytes(4 * masked)
        + payload
        for first, masked, payload in frames
    )
    other = Protocol(Side.SERVER, max_size=100)
    other.receive_data(sent)
    assert is_refused(sent) == (other.parser_exc is not None)


def is_refused(sent: bytes) -> bool:
    """Whether ours closes with an error."""
    try:
        for kind, payload in read_all(FrameReader(100), sent):
            if kind == rfc6455.CLOSE:
                rfc6455.parse_close_code(payload)
                return False
    except ProtocolError:
        return True
    return False


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
def test_headers_are_those_of_websockets(length: int) -> None:
    payload = b"x" * length
    assert rfc6455.frame_header(rfc6455.TEXT, length) + payload == Frame(Opcode.TEXT, payload).serialize(mask=False)


def test_a_message_in_many_parts_is_bounded_too() -> None:
    reader = FrameReader(100)
    first = Frame(Opcode.TEXT, b"x" * 60, fin=False).serialize(mask=True)
    assert read_all(reader, first) == []
    with pytest.raises(ProtocolError, match="100 bytes"):
        read_all(reader, Frame(Opcode.CONT, b"x" * 60).serialize(mask=True))


def test_a_message_has_a_bounded_number_of_parts() -> None:
    reader = FrameReader(100)
    assert read_all(reader, Frame(Opcode.TEXT, b"", fin=False).serialize(mask=True)) == []
    with pytest.raises(ProtocolError, match="4096 frames"):
        read_all(reader, Frame(Opcode.CONT, b"", fin=False).serialize(mask=True) * 5000)


def test_what_waits_to_be_read_is_one_copy_however_many_messages_it_holds() -> None:
    sent = Frame(Opcode.PING, b"").serialize(mask=True) * 40_000
    reader = FrameReader(100)
    reader.feed(sent)
    assert reader.next_message() == (rfc6455.PING, b"")
    assert len(reader._buffer) == len(sent)  # the same bytes: taking a message out does not copy the rest
    reader.discard()
    assert not reader.has_data


def test_the_masked_message_of_the_rfc_is_read() -> None:
    reader = FrameReader(100)
    reader.feed(bytes.fromhex("818537fa213d7f9f4d5158"))  # RFC 6455, section 5.7
    assert reader.next_message() == (rfc6455.TEXT, b"Hello")
