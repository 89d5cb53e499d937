"""Texts of persisted queries in Redis: known to every process, and no loss when it is away."""

import asyncio
import time
from hashlib import sha256

import pytest

from persistence.persisted_queries import open_query_texts
from persistence.persisted_queries.memory import MemoryTexts
from persistence.persisted_queries.redis import RETRY_AFTER_SECONDS, RedisTexts
from tests.support.backing_services import Valkey, free_port

TEXT = "query Ünï{__typename}"
DIGEST = sha256(TEXT.encode()).hexdigest()


async def test_another_process_knows_what_this_one_received(valkey_server: Valkey) -> None:
    async with open_query_texts(valkey_server.url) as here, open_query_texts(valkey_server.url) as there:
        assert await there.get(DIGEST) is None
        assert here.has(DIGEST, TEXT) is False
        await here.put(DIGEST, TEXT)
        assert here.has(DIGEST, TEXT) is True
        assert await there.get(DIGEST) == TEXT
        assert there.has(DIGEST, TEXT) is True


async def test_what_redis_holds_is_believed_only_under_its_own_hash(valkey_server: Valkey) -> None:
    other = sha256(b"another").hexdigest()
    async with open_query_texts(valkey_server.url) as texts:
        await texts.put(other, TEXT)
    async with open_query_texts(valkey_server.url) as texts:
        assert await texts.get(other) is None


async def test_without_an_address_there_is_only_memory() -> None:
    async with open_query_texts(None) as texts:
        assert type(texts) is MemoryTexts


async def test_redis_away_is_as_if_nothing_was_found(caplog: pytest.LogCaptureFixture) -> None:
    texts = RedisTexts(f"redis://127.0.0.1:{free_port()}/0")
    assert await texts.get(DIGEST) is None
    await texts.put(DIGEST, TEXT)
    assert await texts.get(DIGEST) == TEXT
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    await texts.close()


@pytest.mark.slow
async def test_a_redis_that_hangs_costs_half_a_second_once_and_is_asked_again_later(valkey_server: Valkey) -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    hanging = await asyncio.start_server(swallow, "127.0.0.1", 0)
    texts = RedisTexts(f"redis://127.0.0.1:{hanging.sockets[0].getsockname()[1]}/0")
    started = time.monotonic()
    for number in range(20):
        assert await texts.get(f"{number:064}") is None
    assert 0.4 < time.monotonic() - started < RETRY_AFTER_SECONDS / 2
    texts._next_try = 0.0
    started = time.monotonic()
    assert await texts.get(DIGEST) is None
    assert time.monotonic() - started > 0.4
    await texts.close()
    hanging.close()
