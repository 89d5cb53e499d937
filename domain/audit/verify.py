"""Verifies audit logs: finds any entry that was edited, removed, reordered, inserted or appended, and logs that are cut short."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from domain.audit.entry import GENESIS_HASH, REGISTRY_ID, AuditEntry, AuditHead, Seal, chain_hash, seal_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """Where a log is broken, and how. `number`: of the first entry that is not as it was; None for the log as a whole."""

    team_id: UUID
    number: int | None
    reason: str

    def __str__(self) -> str:
        where = "" if self.number is None else f" at {self.number}"
        return f"team {self.team_id}{where}: {self.reason}"


class ChainVerifier:
    """
    Follows one chain from its beginning, entry by entry in the order of their numbers.

    The log may grow meanwhile: `finish` is given its head as it was read after the entries. `anchors`: hashes that entries had at
    some time, by their numbers, from outside of the database.
    """

    def __init__(self, head: AuditHead, seal: Seal, *, anchors: Mapping[int, bytes] | None = None) -> None:
        self._team_id = head.team_id
        self._seal = seal
        self._anchors = dict(anchors or {})
        self._hash = head.trimmed_hash
        self.number = head.trimmed_to
        """That of the last entry that follows on the one before it."""
        self.broken: Break | None = None
        self._check_seal(head)

    def feed(self, entries: Sequence[AuditEntry]) -> None:
        """Go on with the next entries."""
        for each in entries:
            if self.broken is not None:
                return
            self._follow(each)

    def finish(self, head: AuditHead) -> Break | None:
        """The first break, once every entry was fed; None for a log that is whole."""
        self._check_seal(head)
        if self.broken is None and self.number < head.number:
            self._break(self.number + 1, f"the log ends before this entry, and went on to {head.number}")
        if self.broken is None and self.number > head.number:
            self._break(head.number + 1, "the entry was appended past the head of the log")
        if self.broken is None and self._hash != head.hash:
            self._break(head.number, "the last entry is not the one that was sealed")
        if self.broken is None and (beyond := [each for each in self._anchors if each > self.number]):
            self._break(min(beyond), "the log is shorter than it was")
        return self.broken

    def _check_seal(self, head: AuditHead) -> None:
        if self.broken is None and not hmac.compare_digest(head.seal, seal_of(head, self._seal)):
            self._break(None, "the head of the log is not sealed with this server's secret")

    def _follow(self, entry: AuditEntry) -> None:
        expected = self.number + 1
        if entry.number != expected:
            reason = "entries are missing here" if entry.number > expected else "the entry was inserted"
            self._break(min(entry.number, expected), reason)
        elif chain_hash(self._hash, entry) != entry.hash:
            self._break(entry.number, "the entry was edited, or does not follow on the one before")
        elif self._anchors.get(entry.number, entry.hash) != entry.hash:
            self._break(entry.number, "the entry had another hash before")
        else:
            self.number, self._hash = entry.number, entry.hash

    def _break(self, number: int | None, reason: str) -> None:
        self.broken = Break(team_id=self._team_id, number=number, reason=reason)


def verify_registry(heads: Sequence[AuditHead], logs: Sequence[UUID], seal: Seal) -> list[Break]:
    """What is wrong with the heads as a whole: logs that have disappeared, or came in another way. `logs`: the teams that have
    entries."""
    registry = next((each for each in heads if each.team_id == REGISTRY_ID), None)
    of_teams = sorted((each for each in heads if each.team_id != REGISTRY_ID), key=lambda each: each.ordinal)
    if registry is None:
        if not of_teams and not logs:
            return []
        return [Break(team_id=REGISTRY_ID, number=None, reason="the registry of logs is missing")]
    broken: list[Break] = []
    if not hmac.compare_digest(registry.seal, seal_of(registry, seal)):
        broken.append(Break(team_id=REGISTRY_ID, number=None, reason="the registry is not sealed with this server's secret"))
    followed = GENESIS_HASH
    for each in of_teams:
        followed = hashlib.sha256(followed + each.team_id.bytes).digest()
    if [each.ordinal for each in of_teams] != list(range(1, registry.number + 1)) or followed != registry.hash:
        reason = f"{registry.number} logs were begun, and {len(of_teams)} are here in their places"
        broken.append(Break(team_id=REGISTRY_ID, number=None, reason=reason))
    known = {each.team_id for each in of_teams}
    broken += [Break(team_id=each, number=None, reason="the log has no head") for each in logs if each not in known]
    return broken
