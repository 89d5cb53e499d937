"""Runs of each family of cases the first one only, when asked with `--first-cases`: a pytest plugin.

Cases of one test differ in what they are given; a change that breaks the test mostly breaks all. So `make test-fast` asks for this.
"""

from collections.abc import Iterable

import pytest

_OPTION = "--first-cases"


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `make test-fast` asks for."""
    parser.addoption(_OPTION, action="store_true", help="run of each parametrized test the first case only")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Called by pytest with what marks and words have left."""
    if not config.getoption(_OPTION):
        return
    first = first_of_each_family([item.nodeid for item in items])
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in first])
    items[:] = [item for item in items if item.nodeid in first]


def first_of_each_family(node_ids: Iterable[str]) -> set[str]:
    """Of the ids of tests, those of the first case of each test."""
    families: dict[str, str] = {}
    for node_id in node_ids:
        families.setdefault(node_id.partition("[")[0], node_id)
    return set(families.values())
