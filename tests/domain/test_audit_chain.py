"""The law of audit logs: whatever is done to a log without the server's secret, verifying it finds."""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audit import (
    GENESIS_HASH,
    REGISTRY_ID,
    AuditEntry,
    AuditHead,
    Break,
    ChainVerifier,
    chain_hash,
    registered,
    sealed,
    verify_registry,
)

TEAM = UUID(int=7)
Log = tuple[list[AuditEntry], AuditHead]


def seal(content: bytes) -> bytes:
    return hmac.digest(b"the server's", content, "sha256")


def forged(content: bytes) -> bytes:
    return hmac.digest(b"somebody else's", content, "sha256")


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
ids = st.integers(1, 2**128 - 1).map(lambda number: UUID(int=number))
contents = st.fixed_dictionaries(
    {
        "id": ids,
        "actor_id": st.none() | ids,
        "actor_label": texts,
        "action": texts,
        "subject_type": texts,
        "subject_id": ids,
        "project_id": st.none() | ids,
        "ip_address": st.none() | texts,
        "user_agent": st.none() | texts,
        "detail": texts,
    }
)


def chain(rows: Sequence[dict[str, Any]]) -> Log:
    """A log of these contents, as the server writes it."""
    head = AuditHead(team_id=TEAM, ordinal=1)
    entries: list[AuditEntry] = []
    for number, row in enumerate(rows, 1):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
        entry = AuditEntry(**row, team_id=TEAM, number=number, at=at, hash=GENESIS_HASH)
        entry = replace(entry, hash=chain_hash(head.hash, entry))
        entries.append(entry)
        head = replace(head, number=number, hash=entry.hash)
    return entries, sealed(head, seal)


def verify(entries: Sequence[AuditEntry], head: AuditHead, **options: Any) -> Break | None:
    verifier = ChainVerifier(head, seal, **options)
    verifier.feed(entries)
    return verifier.finish(head)


def rehashed(entries: Sequence[AuditEntry]) -> list[AuditEntry]:
    """The entries with new numbers and hashes, as somebody would compute them who can write to the database."""
    previous, made = GENESIS_HASH, []
    for number, each in enumerate(entries, 1):
        each = replace(each, number=number)
        each = replace(each, hash=chain_hash(previous, each))
        previous = each.hash
        made.append(each)
    return made


def head_of(entries: Sequence[AuditEntry], seal_: Callable[[bytes], bytes]) -> AuditHead:
    last = entries[-1] if entries else None
    number, digest = (last.number, last.hash) if last else (0, GENESIS_HASH)
    return sealed(AuditHead(team_id=TEAM, ordinal=1, number=number, hash=digest), seal_)


logs = st.lists(contents, min_size=2, max_size=4).map(chain)


@given(log=logs, trimmed=st.integers(0, 5))
def test_a_log_that_was_not_touched_is_whole_also_when_its_oldest_entries_were_deleted_by_age(log: Log, trimmed: int) -> None:
    entries, head = log
    assert verify(entries, head) is None
    cut = min(trimmed, len(entries))
    trimmed_hash = entries[cut - 1].hash if cut else GENESIS_HASH
    assert verify(entries[cut:], sealed(replace(head, trimmed_to=cut, trimmed_hash=trimmed_hash), seal)) is None


EDITED = [each.name for each in fields(AuditEntry) if each.name != "number"]


def other_value(name: str, value: Any) -> Any:
    match value:
        case UUID():
            return UUID(int=value.int ^ 1)
        case datetime():
            return value + timedelta(microseconds=1)
        case bytes():
            return bytes([value[0] ^ 1]) + value[1:]
        case None:
            return UUID(int=1) if name.endswith("_id") else ""
    return f"{value}x"


@given(log=logs, data=st.data(), name=st.sampled_from(EDITED))
def test_an_edited_entry_is_found_where_it_is(log: Log, data: st.DataObject, name: str) -> None:
    entries, head = log
    index = data.draw(st.integers(0, len(entries) - 1))
    edited = [*entries]
    edited[index] = replace(entries[index], **{name: other_value(name, getattr(entries[index], name))})
    found = verify(edited, head)
    assert found is not None
    assert found.number == index + 1


@given(log=logs, data=st.data())
def test_removed_reordered_repeated_and_appended_entries_are_found(log: Log, data: st.DataObject) -> None:
    entries, head = log
    first = data.draw(st.integers(0, len(entries) - 1))
    second = data.draw(st.integers(0, len(entries) - 1).filter(lambda index: index != first))
    swapped = [*entries]
    swapped[first] = replace(entries[second], number=first + 1)
    swapped[second] = replace(entries[first], number=second + 1)
    following = replace(entries[first], id=UUID(int=1), number=len(entries) + 1)
    following = replace(following, hash=chain_hash(entries[-1].hash, following))
    tampered = {
        "removed": entries[:first] + entries[first + 1 :],
        "truncated": entries[:first],
        "swapped": swapped,
        "repeated": sorted([*entries, entries[first]], key=lambda each: each.number),
        "appended in the chain": [*entries, following],
        "moved": [*entries[:first], *(replace(each, number=each.number + 1) for each in entries[first:])],
    }
    for way, rows in tampered.items():
        assert verify(rows, head) is not None, way


@given(log=logs, data=st.data())
def test_a_chain_that_was_computed_anew_does_not_have_the_seal(log: Log, data: st.DataObject) -> None:
    entries, head = log
    index = data.draw(st.integers(0, len(entries) - 1))
    without = rehashed(entries[:index] + entries[index + 1 :])
    for sealer in (forged, lambda _: head.seal, lambda _: b""):
        found = verify(without, head_of(without, sealer))
        assert found == Break(team_id=TEAM, number=None, reason="the head of the log is not sealed with this server's secret")
    assert verify(without, head_of(without, seal)) is None  # with the secret it would be a log like any other


@given(log=logs, data=st.data())
def test_a_log_that_was_put_back_to_an_older_state_is_found_by_an_anchor(log: Log, data: st.DataObject) -> None:
    entries, head = log
    kept = data.draw(st.integers(0, len(entries) - 1))
    older = entries[:kept], head_of(entries[:kept], seal)
    assert verify(*older) is None
    assert verify(*older, anchors={head.number: head.hash}) == Break(
        team_id=TEAM, number=head.number, reason="the log is shorter than it was"
    )
    rewritten, new_head = chain([{**row, "detail": "another"} for row in map(content_of, entries)])
    found = verify(rewritten, new_head, anchors={head.number: head.hash})
    assert found is not None
    assert found.number == head.number


def content_of(entry: AuditEntry) -> dict[str, Any]:
    names = {each.name for each in fields(AuditEntry)} - {"team_id", "number", "at", "hash"}
    return {name: getattr(entry, name) for name in names}


@given(count=st.integers(1, 5), data=st.data())
def test_a_log_that_disappeared_as_a_whole_is_missed_in_the_registry(count: int, data: st.DataObject) -> None:
    registry = sealed(AuditHead(team_id=REGISTRY_ID, ordinal=0), seal)
    heads: list[AuditHead] = []
    for number in range(1, count + 1):
        registry, head = registered(registry, UUID(int=number), seal)
        heads.append(head)
    logs_there = [each.team_id for each in heads]
    assert verify_registry([registry, *heads], logs_there, seal) == []
    gone = data.draw(st.integers(0, count - 1))
    rest = heads[:gone] + heads[gone + 1 :]
    assert verify_registry([registry, *rest], [each.team_id for each in rest], seal)
    assert verify_registry([registry, *rest], logs_there, seal)
    assert verify_registry(rest, [], seal) or not rest
    smaller = sealed(replace(registry, number=count - 1), forged)
    assert verify_registry([smaller, *rest], [], seal)
    renumbered = [replace(each, ordinal=number) for number, each in enumerate(rest, 1)]
    assert verify_registry([replace(registry, number=count - 1), *renumbered], [], seal)


@pytest.mark.parametrize("stray", [UUID(int=5)])
def test_entries_of_a_log_without_a_head_are_found(stray: UUID) -> None:
    assert [str(each) for each in verify_registry([], [stray], seal)] == [f"team {REGISTRY_ID}: the registry of logs is missing"]
    registry, head = registered(sealed(AuditHead(team_id=REGISTRY_ID, ordinal=0), seal), TEAM, seal)
    found = verify_registry([registry, head], [TEAM, stray], seal)
    assert found == [Break(team_id=stray, number=None, reason="the log has no head")]
