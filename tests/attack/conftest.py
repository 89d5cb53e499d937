"""One server process for all attacks, under a memory cap; what one attack leaves behind would show in the next."""

import time
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from tests.support.attacks import Reach, Target, cap_memory, quiet_reach
from tests.support.server_process import START_TIMEOUT_SECONDS, running_process


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server that answers."""
    options = {"seed_size": "none", "log_level": "warning"}
    # Its memory is measured, so it shares no pages with others.
    with running_process(folder=tmp_path_factory.mktemp("attacked"), new_interpreter=True, **options) as process:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not _is_ready(process.port):
            assert time.monotonic() < deadline, process.output
            time.sleep(0.1)
        cap_memory(process)
        yield Target(process)
        assert "Traceback" not in process.output, process.output


@pytest.fixture(scope="session")
def quiet(target: Target) -> Reach:
    """How long others wait when nobody attacks; the server has warmed up before."""
    quiet_reach(target)
    return quiet_reach(target)


def _is_ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
