"""Hashing passwords: what is right and wrong, and what happens when many hash at once."""

import asyncio
from collections.abc import Iterator

import pytest

from auth import passwords as pool
from auth.passwords import Argon2Passwords
from domain.errors import Overloaded, Unavailable


@pytest.fixture
def passwords() -> Iterator[Argon2Passwords]:
    opened = Argon2Passwords()
    yield opened
    opened.close()


async def test_a_password_matches_its_own_hash_only(passwords: Argon2Passwords) -> None:
    hashed = await passwords.hash("correct horse battery")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify("correct horse battery", hashed) is True
    assert await passwords.verify("wrong horse battery", hashed) is False
    assert await passwords.verify("nobody has this password", None) is False
    assert await passwords.verify("correct horse battery", "no hash") is False


async def test_beyond_those_who_may_wait_callers_are_refused_at_once_and_later_ones_let_in(
    passwords: Argon2Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_MAX_WAITING", 3)
    monkeypatch.setattr(pool, "_QUEUE_TIMEOUT_SECONDS", 60.0)
    results = await asyncio.gather(*(passwords.hash("x") for _ in range(40)), return_exceptions=True)
    refused = [each for each in results if isinstance(each, Overloaded)]
    assert len(refused) == 40 - pool._MAX_CONCURRENT_HASHES - 3
    assert all(isinstance(each, (str, Overloaded)) for each in results)
    assert await passwords.verify("x", await passwords.hash("x")) is True
    passwords.require_capacity()


async def test_who_waits_too_long_is_told_and_leaves_the_queue(
    passwords: Argon2Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_QUEUE_TIMEOUT_SECONDS", 0.0)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(pool._MAX_CONCURRENT_HASHES):
            tasks.create_task(passwords.hash("x"))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await passwords.hash("x")
    monkeypatch.setattr(pool, "_QUEUE_TIMEOUT_SECONDS", 60.0)
    assert await passwords.verify("x", await passwords.hash("x")) is True
