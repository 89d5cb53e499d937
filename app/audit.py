"""Does what `server.py admin verify-audit` and `export-audit` are asked for, over audit logs of any length."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson

from app.keys import audit_seal, open_secret
from app.service_database import CannotStart, open_database_url
from app.settings import Settings
from app.start_checks import require_migrated
from domain import codec
from domain.audit import REGISTRY_ID, AuditEntry, AuditHead, Break, ChainVerifier, Seal, verify_registry
from persistence.engine.database import Database, open_database
from persistence.stores import audit

Anchors = dict[UUID, dict[int, bytes]]
_MAX_BREAKS_SHOWN: Final = 100
_MAX_ANCHORS_PER_LOG: Final = 100


async def verify_audit(settings: Settings, team: str | None, anchor_file: Path | None) -> AsyncIterator[str]:
    """
    Verify the logs of all teams, or of one, named by its key or id; yields a line for each log that is whole.

    `anchor_file` holds hashes from earlier runs, `{team id: {number: hash}}`. They are compared too, and those of the heads are
    added once everything is right. Raises CannotStart where a log is broken.
    """
    anchors = await asyncio.to_thread(_read_anchors, anchor_file)
    async with _open(settings) as database:
        seal = audit_seal(await asyncio.to_thread(open_secret, settings))
        heads = await audit.heads(database)
        broken = verify_registry(heads, await audit.teams_with_entries(database), seal)
        of_teams = {each.team_id: each for each in heads if each.team_id != REGISTRY_ID}
        if team is not None:
            team_id = await _team_named(database, team)
            of_teams = {team_id: of_teams[team_id]} if team_id in of_teams else {}
        else:
            gone = [each for each in anchors if each not in of_teams]
            broken += [Break(team_id=each, number=None, reason="the log was there before, and is gone") for each in gone]
        for head in of_teams.values():
            latest, found = await _verify_log(database, head, seal, anchors.get(head.team_id, {}))
            if found is not None:
                broken.append(found)
                continue
            anchors.setdefault(head.team_id, {})[latest.number] = latest.hash
            kept = latest.number - latest.trimmed_to
            yield f"team {head.team_id}: {kept} entries are whole, the last is {latest.number} {latest.hash.hex()}"
    if broken:
        lines = "\n".join(map(str, broken[:_MAX_BREAKS_SHOWN]))
        raise CannotStart(f"Audit logs are not as they were written:\n{lines}")
    if anchor_file is not None:
        await asyncio.to_thread(_write_anchors, anchor_file, anchors)


async def export_audit(settings: Settings, team: str) -> AsyncIterator[str]:
    """The log of a team, named by its key or id, an entry a line (docs/audit.md)."""
    async with _open(settings) as database:
        async for entries in audit.read_log(database, await _team_named(database, team)):
            for each in entries:
                yield orjson.dumps(exported(each), default=codec.encode).decode()


def exported(entry: AuditEntry) -> dict[str, Any]:
    """An entry as it is exported: what its hash is made of, and the hash."""
    return {
        "teamId": entry.team_id,
        "number": entry.number,
        "id": entry.id,
        "at": entry.at.isoformat(timespec="microseconds"),
        "actorId": entry.actor_id,
        "actorLabel": entry.actor_label,
        "action": entry.action,
        "subjectType": entry.subject_type,
        "subjectId": entry.subject_id,
        "projectId": entry.project_id,
        "ipAddress": entry.ip_address,
        "userAgent": entry.user_agent,
        "detail": entry.detail,
        "hash": entry.hash.hex(),
    }


async def _verify_log(
    database: Database, head: AuditHead, seal: Seal, anchors: Mapping[int, bytes]
) -> tuple[AuditHead, Break | None]:
    """The head up to which a log is whole, or its first break. It may grow and be trimmed meanwhile."""
    while True:
        verifier, after, is_growing = ChainVerifier(head, seal, anchors=anchors), audit.BEFORE_ALL, True
        latest = head
        while is_growing and verifier.broken is None:
            is_growing = False
            async for entries in audit.read_log(database, head.team_id, after=after):
                verifier.feed(entries)
                is_growing = True
            after = verifier.number
            latest = (await audit.heads(database, [head.team_id]) or [head])[0]
            is_growing = is_growing and verifier.number < latest.number
        found = verifier.finish(latest)
        if found is None or latest.trimmed_to == head.trimmed_to:
            return latest, found
        head = latest


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Database]:
    async with open_database_url(settings) as url:
        await require_migrated(url)
        async with open_database(url, max_connections=2) as database:
            yield database


async def _team_named(database: Database, name: str) -> UUID:
    found = await audit.team_named(database, name)
    if found is None:
        raise CannotStart(f"There is no team with the key or id {name}.")
    return found


def _read_anchors(path: Path | None) -> Anchors:
    if path is None or not path.exists():
        return {}
    try:
        return {
            UUID(team): {int(number): bytes.fromhex(digest) for number, digest in known.items()}
            for team, known in orjson.loads(path.read_bytes()).items()
        }
    except (OSError, ValueError, AttributeError) as error:
        raise CannotStart(f"The file of anchors {path} cannot be read: {error}") from error


def _write_anchors(path: Path, anchors: Anchors) -> None:
    """The hashes of each log's last entries; the newest hundred, so that the file stays small."""
    written = {
        str(team): {str(number): known[number].hex() for number in sorted(known)[-_MAX_ANCHORS_PER_LOG:]}
        for team, known in anchors.items()
    }
    draft = path.with_name(f"{path.name}.draft")
    try:
        draft.write_bytes(orjson.dumps(written, option=orjson.OPT_INDENT_2))
        draft.replace(path)
    except OSError as error:
        raise CannotStart(f"The file of anchors {path} cannot be written: {error}") from error
