"""Peers: nobody speaks for another, old words don't count, and the silent are forgotten."""

from datetime import UTC, datetime
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from realtime.collaboration.messages import AwarenessState
from realtime.collaboration.presence import (
    MAX_CLIENTS_PER_USER,
    PRESENCE_TIMEOUT_SECONDS,
    REMOVED_STATE,
    AwarenessTable,
    session_awareness,
    session_removal,
)

ADA, BOB = uuid4(), uuid4()
HERE, THERE = object(), object()


def test_what_is_newer_is_news_and_what_is_older_is_not() -> None:
    peers = AwarenessTable()
    first, second = AwarenessState(1, 1, '{"x":1}'), AwarenessState(1, 2, '{"x":2}')
    assert peers.update([first], ADA, HERE, 0.0) == [first]
    assert peers.update([first], ADA, HERE, 0.0) == []
    assert peers.update([second], ADA, HERE, 0.0) == [second]
    assert peers.update([first], ADA, HERE, 0.0) == []
    assert peers.all_states() == [second]


def test_nobody_speaks_for_another() -> None:
    peers = AwarenessTable()
    peers.update([AwarenessState(1, 1, "{}")], ADA, HERE, 0.0)
    assert peers.update([AwarenessState(1, 9, '{"forged":true}'), AwarenessState(1, 10, REMOVED_STATE)], BOB, THERE, 0.0) == []
    assert peers.all_states() == [AwarenessState(1, 1, "{}")]


def test_who_leaves_takes_their_clients_along_and_an_older_state_does_not_bring_them_back() -> None:
    table = AwarenessTable()
    table.update([AwarenessState(1, 5, "{}"), AwarenessState(2, 5, "{}")], ADA, HERE, 0.0)
    table.update([AwarenessState(3, 5, "{}")], BOB, THERE, 0.0)
    assert table.remove_participant(HERE) == [AwarenessState(1, 5, REMOVED_STATE), AwarenessState(2, 5, REMOVED_STATE)]
    assert table.update([AwarenessState(1, 4, "{}")], ADA, HERE, 0.0) == []
    assert table.all_states() == [AwarenessState(3, 5, "{}")]


def test_who_was_cut_off_is_there_again_with_the_clock_that_they_had() -> None:
    table = AwarenessTable()
    table.update([AwarenessState(1, 5, "{}")], ADA, HERE, 0.0)
    table.remove_participant(HERE)
    assert table.is_return(AwarenessState(1, 5, "{}"))
    assert not table.is_return(AwarenessState(1, 6, "{}"))
    assert table.update([AwarenessState(1, 5, "{}")], ADA, HERE, 1.0) == [AwarenessState(1, 5, "{}")]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20))
def test_a_stock_client_sees_everybody_who_is_in_the_table_after_their_next_renewal(steps: list[int]) -> None:
    """y-protocols accepts a state with a higher clock, or a removal with the clock that it knows."""
    table, seen_clock, seen = AwarenessTable(), -1, False
    clock = 0
    for step in steps:
        if step == 0:
            changed = table.remove_participant(HERE)
        elif step == 1:
            changed = table.update([AwarenessState(1, clock, "{}")], ADA, HERE, 0.0)  # reconnected
        else:
            clock += 1
            changed = table.update([AwarenessState(1, clock, "{}")], ADA, HERE, 0.0)  # renewed
        for state in changed:
            is_removal = state.state == REMOVED_STATE
            if state.clock > seen_clock or (state.clock == seen_clock and is_removal and seen):
                seen_clock, seen = state.clock, not is_removal
        if step >= 2:
            assert seen
        if not table.all_states():
            assert not seen


def test_the_silent_are_forgotten() -> None:
    peers = AwarenessTable()
    peers.update([AwarenessState(1, 1, "{}")], ADA, HERE, 0.0)
    peers.update([AwarenessState(2, 1, "{}")], BOB, THERE, PRESENCE_TIMEOUT_SECONDS)
    assert peers.expire(PRESENCE_TIMEOUT_SECONDS + 1) == [AwarenessState(1, 1, REMOVED_STATE)]
    assert peers.all_states() == [AwarenessState(2, 1, "{}")]


def test_a_client_brings_so_many_peers_and_no_more_and_none_that_is_too_large() -> None:
    peers = AwarenessTable()
    crowd = [AwarenessState(client, 1, "{}") for client in range(MAX_CLIENTS_PER_USER + 5)]
    assert peers.update(crowd, ADA, HERE, 0.0) == crowd[:MAX_CLIENTS_PER_USER]
    assert peers.update([AwarenessState(99, 1, '"' + "x" * 20_000 + '"')], BOB, THERE, 0.0) == []


def test_a_session_of_the_graph_is_a_peer_with_its_place() -> None:
    peers, at = AwarenessTable(), datetime(2026, 11, 22, tzinfo=UTC)
    results = session_awareness(ADA, "tab", at=at, cursor=3, selection_end=None, is_typing=True)
    assert results.client > 2**32
    peers.update([results, AwarenessState(7, 1, '{"name":"awareness"}')], ADA, None, 0.0)
    provider, session = peers.presences()
    assert (session.session_id, session.user_id, session.cursor, session.selection_end, session.is_typing) == (
        "tab",
        ADA,
        3,
        None,
        True,
    )
    assert (provider.session_id, provider.user_id, provider.cursor) == ("7", ADA, None)
    assert len(peers.update([session_removal(ADA, "tab", at=at)], ADA, None, 0.0)) == 1
    assert [each.session_id for each in peers.presences()] == ["7"]
