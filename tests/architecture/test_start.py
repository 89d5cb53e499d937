"""A worker holds in memory only what its settings ask for: what others need is imported when it is needed."""

import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_LAZY_IMPORTS = {
    "aioboto3": "files in a bucket",
    "alembic": "migrating",
    "botocore": "files in a bucket",
    "httpx2": "outside OpenID providers",
    "hypothesis": "tests",
    "seed": "filling an empty database",
    "prometheus_client": "a port for metrics",
    "redis": "several processes",
    "webauthn": "people with passkeys",
    "sqlalchemy.orm": "nothing: statements are SQLAlchemy's Core",
}
_PROGRAM = "import sys, server, app.serving, app.supervisor; print(*sorted(name for name in sys.argv[1:] if name in sys.modules))"


@pytest.mark.slow
def test_the_start_of_a_worker_imports_nothing_that_only_some_settings_need() -> None:
    found = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *_LAZY_IMPORTS], cwd=_ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert {name: _LAZY_IMPORTS[name] for name in found.stdout.split()} == {}
