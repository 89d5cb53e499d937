"""Says which cases `make test` runs, and which only `make test-long` and `make matrix` do."""

from collections.abc import Iterable
from typing import Any

import pytest


def some_in_quick(names: Iterable[str], *quick: str) -> list[Any]:
    """All names as parameters, of which those that are not named as quick have the mark `long`."""
    found = list(names)
    assert set(quick) <= set(found)
    return [name if name in quick else pytest.param(name, marks=pytest.mark.long) for name in found]
