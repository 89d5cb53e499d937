"""Refuses to start a process, before anything is opened, where its settings or its database do not allow it."""

from app.listening import open_socket
from app.service_database import CannotStart
from app.settings import Settings
from persistence.engine.database import open_database
from persistence.engine.schema_version import schema_version


def require_places(settings: Settings, *, workers: int = 1) -> None:
    """See to it, before anything is opened, that what the settings name can be used: CannotStart names what cannot."""
    if settings.trusted_documents is not None:
        try:
            settings.trusted_documents.open("rb").close()
        except OSError as error:
            message = f"HIVE_TRUSTED_DOCUMENTS cannot be read: {error.strerror}: {settings.trusted_documents}."
            raise CannotStart(message) from error
    if settings.metrics_port is None:
        return
    for port in range(settings.metrics_port, settings.metrics_port + workers):
        where = f"Port {port} of {settings.metrics_host} cannot be used for metrics"
        if port > 65535:
            raise CannotStart(f"{where}: ports end at 65535. Choose with HIVE_METRICS_PORT.")
        if port == settings.port:
            raise CannotStart(f"{where}: it is the server's own. Choose with HIVE_METRICS_PORT.")
        try:
            with open_socket(settings.metrics_host) as probe:
                probe.bind((settings.metrics_host, port))
        except OSError as error:
            raise CannotStart(f"{where}: {error.strerror}. Choose with HIVE_METRICS_PORT.") from error


async def require_migrated(url: str) -> None:
    """CannotStart where the database has no tables yet."""
    async with open_database(url, max_connections=2) as database:
        if await schema_version(database) is None:
            raise CannotStart("The database was never migrated: run `server.py migrate` first.")
