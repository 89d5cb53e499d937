"""Indexes in OpenSearch what people write, move and delete."""

from persistence.search.opensearch.changes import changed_objects
from persistence.search.opensearch.indexer import Indexer, next_version
from persistence.search.opensearch.statements import CONSUMER_NAME
from workers.consumer import Batch, consumer


@consumer(name=CONSUMER_NAME, max_batch=500, max_retry_seconds=5.0, max_unavailable_tries=None)
async def index_objects(batch: Batch) -> None:
    """
    Write what the events changed, as it is now.

    It is done again when the cursor does not move; versions let the last state stay (`persistence.search.opensearch.indexer`).
    OpenSearch is waited for however long it is away.
    """
    engine = batch.services.search_engine
    assert engine is not None
    connection = batch.uow.connection
    version = await next_version(connection)
    await Indexer(engine).index(connection, await changed_objects(connection, batch.entries), version)
