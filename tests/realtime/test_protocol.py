"""The bytes of the providers' protocols: what is written is read back, and nothing else is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.lib0 import encode_varint
from realtime.collaboration import messages
from realtime.collaboration.messages import AwarenessState, MalformedMessage, MessageReader, MessageType, SyncStep

NUMBERS = st.integers(min_value=0, max_value=2**53 - 1)


@given(NUMBERS)
def test_a_number_is_read_as_it_was_written(value: int) -> None:
    reader = MessageReader(encode_varint(value))
    assert reader.read_varint() == value
    assert reader.is_done


@given(st.lists(st.builds(AwarenessState, NUMBERS, NUMBERS, st.text()), max_size=5))
def test_peers_are_read_as_they_were_written(results: list[AwarenessState]) -> None:
    assert messages.decode_awareness(messages.encode_awareness(results)) == results


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        results = messages.decode_awareness(data)
    except MalformedMessage:
        return
    assert messages.decode_awareness(messages.encode_awareness(results)) == results


def test_a_message_is_its_kinds_and_its_content_behind_its_length() -> None:
    reader = MessageReader(messages.sync_message(SyncStep.UPDATE, b"edit"))
    assert (reader.read_varint(), reader.read_varint(), reader.read_bytes(), reader.is_done) == (
        MessageType.SYNC,
        SyncStep.UPDATE,
        b"edit",
        True,
    )


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 8, b"\xff\xff\xff\xff\xff\xff\xff\x7f"])
def test_a_number_that_is_cut_off_or_too_large_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        MessageReader(data).read_varint()


def test_a_length_beyond_the_end_is_refused() -> None:
    with pytest.raises(MalformedMessage):
        MessageReader(b"\x05four").read_bytes()
    with pytest.raises(MalformedMessage):
        MessageReader(b"\x02\xff\xfe").read_text()


@given(
    st.lists(st.tuples(st.integers(0, 2**32), st.integers(0, 50), st.sampled_from(["null", "{}"])), max_size=20),
    st.integers(-1, 50),
)
def test_of_known_states_only_those_that_are_newer_or_end_a_presence_are_read(
    states: list[tuple[int, int, str]], known: int
) -> None:
    found = [messages.AwarenessState(*each) for each in states]
    read = messages.decode_awareness(messages.encode_awareness(found), lambda client: known)
    assert read == [each for each in found if each.clock > known or each.state == "null"]
