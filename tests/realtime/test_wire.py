"""The bytes of the providers' protocols: what is written is read back, and nothing else is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.lib0 import varint
from realtime.collaboration import messages
from realtime.collaboration.messages import Kind, Malformed, Peer, Reader, Sync

NUMBERS = st.integers(min_value=0, max_value=2**53 - 1)


@given(NUMBERS)
def test_a_number_is_read_as_it_was_written(value: int) -> None:
    reader = Reader(varint(value))
    assert reader.number() == value
    assert reader.is_done


@given(st.lists(st.builds(Peer, NUMBERS, NUMBERS, st.text()), max_size=5))
def test_peers_are_read_as_they_were_written(told: list[Peer]) -> None:
    assert messages.peers(messages.awareness_update(told)) == told


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        told = messages.peers(data)
    except Malformed:
        return
    assert messages.peers(messages.awareness_update(told)) == told


def test_a_message_is_its_kinds_and_its_content_behind_its_length() -> None:
    reader = Reader(messages.sync(Sync.UPDATE, b"edit"))
    assert (reader.number(), reader.number(), reader.bytes(), reader.is_done) == (Kind.SYNC, Sync.UPDATE, b"edit", True)


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 8, b"\xff\xff\xff\xff\xff\xff\xff\x7f"])
def test_a_number_that_is_cut_off_or_too_large_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        Reader(data).number()


def test_a_length_beyond_the_end_is_refused() -> None:
    with pytest.raises(Malformed):
        Reader(b"\x05four").bytes()
    with pytest.raises(Malformed):
        Reader(b"\x02\xff\xfe").text()
