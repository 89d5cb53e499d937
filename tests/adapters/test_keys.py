"""Signing keys: encrypted at rest, rotated with overlap, revoked; and the secret that encrypts them."""

import asyncio
import json
import stat
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from auth.key_store import KeyStore, TooManyKeys, UndecryptableKeys
from auth.keys import MAX_KEYS, OVERLAP_SECONDS, SigningKey, SigningKeys, generate_key
from auth.server_secret import ServerSecret, read_or_create_secret
from auth.tokens import AccessTokens
from domain.errors import Unauthenticated
from domain.session import Device, Session, open_session
from persistence.unit_of_work import unit_of_work
from tests.support.app import App
from tests.support.teams import create_person

SECRET = ServerSecret("a secret of these tests, long enough")
ISSUER = "https://hive.example"
MOVE = "UPDATE signing_keys SET signs_from = now() - $1 * interval '1 s' WHERE kid = $2"


@pytest.fixture
async def store(app: App) -> AsyncIterator[KeyStore]:
    """A store without keys; those of the application come back."""
    before = await app.sql.fetch('DELETE FROM signing_keys RETURNING kid, encrypted_jwk, "only", created_at, signs_from')
    yield KeyStore(app.resources.database, SECRET)
    await app.sql.execute("DELETE FROM signing_keys")
    await app.sql.executemany(
        'INSERT INTO signing_keys (kid, encrypted_jwk, "only", created_at, signs_from) VALUES ($1, $2, $3, $4, $5)',
        [tuple(row) for row in before],
    )


@pytest.fixture
async def session(app: App) -> Session:
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        return (await open_session(uow, (await create_person(uow, "Keys")).user, Device()))[0]


async def test_the_private_key_is_nowhere_in_the_database(app: App, store: KeyStore) -> None:
    keys = await store.open()
    (row,) = await app.sql.fetch("SELECT * FROM signing_keys")
    private = keys.signing.as_dict(private=True)["d"]
    assert isinstance(private, str)
    assert private not in repr(dict(row))
    assert row["private_jwk"] is None
    assert (await store.open()).signing.as_dict(private=True)["d"] == private


async def test_processes_that_start_together_have_the_same_key(app: App, store: KeyStore) -> None:
    found = await asyncio.gather(*(KeyStore(app.resources.database, SECRET).open() for _ in range(4)))
    assert len({keys.signing.kid for keys in found}) == 1


async def test_keys_of_another_secret_are_not_loaded_and_not_replaced(app: App, store: KeyStore) -> None:
    await store.open()
    before = await app.sql.fetch("SELECT * FROM signing_keys")
    with pytest.raises(UndecryptableKeys):
        await KeyStore(app.resources.database, ServerSecret("another secret, just as long as this")).open()
    assert await app.sql.fetch("SELECT * FROM signing_keys") == before


async def test_a_ciphertext_under_another_id_is_refused(app: App, store: KeyStore) -> None:
    await store.open()
    await app.sql.execute("UPDATE signing_keys SET kid = 'other'")
    with pytest.raises(UndecryptableKeys):
        await store.open()


async def test_a_key_in_clear_is_encrypted_and_replaced(app: App, store: KeyStore) -> None:
    old = ECKey.generate_key("P-256", auto_kid=True)
    clear = json.dumps(old.as_dict(private=True))
    await app.sql.execute('INSERT INTO signing_keys (kid, private_jwk, "only") VALUES ($1, $2, true)', old.kid, clear)
    keys = await store.open()
    rows = await app.sql.fetch("SELECT kid, private_jwk, encrypted_jwk FROM signing_keys")
    assert [row["private_jwk"] for row in rows] == [None, None]
    assert all(str(old.as_dict(private=True)["d"]) not in row["encrypted_jwk"] for row in rows)
    assert keys.signing.kid == old.kid
    assert keys.newest.kid != old.kid
    assert keys.newest.signs_from > time.time() + 200


def test_a_new_key_is_published_before_it_signs_and_an_old_one_verifies_after() -> None:
    clock = [1000.0]
    first, second = generate_key(1000.0), generate_key(1300.0)
    keys = SigningKeys([second, first], now=lambda: clock[0])
    assert {each["kid"] for each in keys.jwks()["keys"]} == {first.kid, second.kid}
    assert keys.signing is first.key
    clock[0] = 1300.0
    assert keys.signing is second.key
    assert keys.find(first.kid) is first.key


def test_the_jwks_holds_no_private_part() -> None:
    (public,) = SigningKeys([generate_key(0.0)]).jwks()["keys"]
    assert set(public) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (public["kty"], public["crv"], public["alg"], public["use"]) == ("EC", "P-256", "ES256", "sig")


async def test_an_outdated_key_is_deleted_when_its_last_token_has_expired(app: App, store: KeyStore) -> None:
    keys = await store.open()
    first = keys.signing.kid
    assert first is not None
    second = await store.rotate(keys)
    await app.sql.execute(MOVE, OVERLAP_SECONDS - 5, second)
    await store.refresh(keys)
    assert keys.find(first) is not None
    await app.sql.execute(MOVE, OVERLAP_SECONDS + 1, second)
    await app.sql.execute(MOVE, 2 * OVERLAP_SECONDS, first)
    await store.refresh(keys)
    assert keys.signing.kid == second
    assert keys.find(first) is None
    assert await app.sql.fetchval("SELECT count(*) FROM signing_keys") == 1


async def test_a_key_is_rotated_when_it_is_old_and_once_only(store: KeyStore, app: App) -> None:
    keys = await store.open()
    await store.maintain(keys, max_age_seconds=3600.0)
    await store.maintain(keys, max_age_seconds=None)
    assert await app.sql.fetchval("SELECT count(*) FROM signing_keys") == 1
    await app.sql.execute("UPDATE signing_keys SET signs_from = now() - interval '2 h'")
    await store.maintain(keys, max_age_seconds=3600.0)
    await store.maintain(keys, max_age_seconds=3600.0)
    assert await app.sql.fetchval("SELECT count(*) FROM signing_keys") == 2


async def test_revoking_deletes_all_others_whatever_they_were_encrypted_with(app: App, store: KeyStore) -> None:
    await store.open()
    other = KeyStore(app.resources.database, ServerSecret("a secret that took the other's place"))
    fresh = await other.rotate(revoke_others=True)
    keys = await other.open()
    assert keys.signing.kid == fresh
    assert len(keys.jwks()["keys"]) == 1


async def test_the_number_of_keys_is_bounded(app: App, store: KeyStore) -> None:
    keys = await store.open()
    await app.sql.execute(
        "INSERT INTO signing_keys (kid, encrypted_jwk) SELECT 'filler ' || each, '' FROM generate_series(2, $1) AS each", MAX_KEYS
    )
    with pytest.raises(TooManyKeys):
        await store.rotate()
    await app.sql.execute("DELETE FROM signing_keys WHERE kid LIKE 'filler%'")
    await store.refresh(keys)


async def test_tokens_of_a_revoked_key_are_refused_though_they_were_verified_before(
    app: App, store: KeyStore, session: Session
) -> None:
    keys = await store.open()
    tokens = AccessTokens(keys, app.resources.database, issuer=ISSUER)
    authorization = f"Bearer {tokens.issue(session)}"
    assert await tokens.authenticate(authorization) is not None
    await store.rotate(keys, revoke_others=True)
    with pytest.raises(Unauthenticated):
        await tokens.authenticate(authorization)
    assert await tokens.authenticate(f"Bearer {tokens.issue(session)}") is not None


async def test_fifty_rotations_under_load_give_no_wrong_answer(app: App, store: KeyStore, session: Session) -> None:
    immediate = KeyStore(app.resources.database, SECRET, lead_seconds=0.0)
    here, there = await immediate.open(), await immediate.open()
    processes = [AccessTokens(keys, app.resources.database, issuer=ISSUER) for keys in (here, there)]
    rotated, answers = asyncio.Event(), 0

    async def load() -> None:
        nonlocal answers
        while not rotated.is_set():
            issued = processes[0].issue(session)
            for each in processes:
                bearer = await each.authenticate(f"Bearer {issued}")
                assert bearer is not None
                assert bearer.actor.session_id == session.id
                answers += 1
            jwt.decode(issued, KeySet.import_key_set({"keys": there.jwks()["keys"]}), algorithms=["ES256"])
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        group.create_task(load())
        for _ in range(50):
            await immediate.rotate(there)  # the one that only verifies has it before the other signs with it
            await immediate.refresh(here)
        rotated.set()
    assert answers >= 50
    assert len({each["kid"] for each in here.jwks()["keys"]}) == 51


def test_the_secret_of_a_folder_is_for_its_owner_only_and_stays(tmp_path: Path) -> None:
    secret = read_or_create_secret(tmp_path)
    assert len(secret) == 43
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert read_or_create_secret(tmp_path) == secret
    assert [each.name for each in tmp_path.iterdir()] == ["secret_key"]


def test_a_damaged_secret_is_not_used_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("short")
    with pytest.raises(OSError, match="holds no secret"):
        read_or_create_secret(tmp_path)
    assert (tmp_path / "secret_key").read_text() == "short"


def test_each_purpose_has_a_key_of_its_own() -> None:
    assert SECRET.derive("a") != SECRET.derive("b")
    assert SECRET.derive("a") == ServerSecret("a secret of these tests, long enough").derive("a")
    assert len(SECRET.derive("a")) == 32


def test_the_first_key_signs_even_where_the_clock_is_behind() -> None:
    ahead = SigningKey("ahead", generate_key(0.0).key, time.time() + 60)
    assert SigningKeys([ahead]).signing is ahead.key
