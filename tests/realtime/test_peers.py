"""Peers: nobody speaks for another, old words don't count, and the silent are forgotten."""

from datetime import UTC, datetime
from uuid import uuid4

from realtime.collaboration.messages import Peer
from realtime.collaboration.presence import GONE, PEERS_OF_ONE, SILENCE, Peers, session_gone, session_peer

ADA, BOB = uuid4(), uuid4()
HERE, THERE = object(), object()


def test_what_is_newer_is_news_and_what_is_older_is_not() -> None:
    peers = Peers()
    first, second = Peer(1, 1, '{"x":1}'), Peer(1, 2, '{"x":2}')
    assert peers.tell([first], ADA, HERE, 0.0) == [first]
    assert peers.tell([first], ADA, HERE, 0.0) == []
    assert peers.tell([second], ADA, HERE, 0.0) == [second]
    assert peers.tell([first], ADA, HERE, 0.0) == []
    assert peers.all() == [second]


def test_nobody_speaks_for_another() -> None:
    peers = Peers()
    peers.tell([Peer(1, 1, "{}")], ADA, HERE, 0.0)
    assert peers.tell([Peer(1, 9, '{"forged":true}'), Peer(1, 10, GONE)], BOB, THERE, 0.0) == []
    assert peers.all() == [Peer(1, 1, "{}")]


def test_who_leaves_takes_his_peers_along_and_an_old_word_does_not_bring_them_back() -> None:
    peers = Peers()
    peers.tell([Peer(1, 5, "{}"), Peer(2, 5, "{}")], ADA, HERE, 0.0)
    peers.tell([Peer(3, 5, "{}")], BOB, THERE, 0.0)
    assert peers.leave(HERE) == [Peer(1, 6, GONE), Peer(2, 6, GONE)]
    assert peers.tell([Peer(1, 5, "{}")], ADA, HERE, 0.0) == []
    assert peers.tell([Peer(1, 7, "{}")], ADA, HERE, 0.0) == [Peer(1, 7, "{}")]


def test_the_silent_are_forgotten() -> None:
    peers = Peers()
    peers.tell([Peer(1, 1, "{}")], ADA, HERE, 0.0)
    peers.tell([Peer(2, 1, "{}")], BOB, THERE, SILENCE)
    assert peers.expire(SILENCE + 1) == [Peer(1, 2, GONE)]
    assert peers.all() == [Peer(2, 1, "{}")]


def test_a_client_brings_so_many_peers_and_no_more_and_none_that_is_too_large() -> None:
    peers = Peers()
    crowd = [Peer(client, 1, "{}") for client in range(PEERS_OF_ONE + 5)]
    assert peers.tell(crowd, ADA, HERE, 0.0) == crowd[:PEERS_OF_ONE]
    assert peers.tell([Peer(99, 1, '"' + "x" * 20_000 + '"')], BOB, THERE, 0.0) == []


def test_a_session_of_the_graph_is_a_peer_with_its_place() -> None:
    peers, at = Peers(), datetime(2026, 11, 22, tzinfo=UTC)
    told = session_peer(ADA, "tab", at=at, cursor=3, selection_end=None, is_typing=True)
    assert told.client > 2**32
    peers.tell([told, Peer(7, 1, '{"name":"awareness"}')], ADA, None, 0.0)
    provider, session = peers.presences()
    assert (session.session_id, session.user_id, session.cursor, session.selection_end, session.is_typing) == (
        "tab",
        ADA,
        3,
        None,
        True,
    )
    assert (provider.session_id, provider.user_id, provider.cursor) == ("7", ADA, None)
    assert len(peers.tell([session_gone(ADA, "tab", at=at)], ADA, None, 0.0)) == 1
    assert [each.session_id for each in peers.presences()] == ["7"]
