"""Runs of each family of cases the first one only, when asked with `--first-cases`: a pytest plugin.

Cases of one test differ in what they are given; a change that breaks the test mostly breaks all. So `make test-fast` asks for this.
Of files whose tests need a database it runs the first few tests.
"""

import re
from collections import Counter
from collections.abc import Iterable

import pytest

MAX_TESTS_OF_FILE = 3
_OPTION = "--first-cases"
_WITH_DATABASE = re.compile(r"tests/(adapters|graph|isolation|oauth|search)/[^/]+$")


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `make test-fast` asks for."""
    parser.addoption(
        _OPTION,
        action="store_true",
        help="run of each parametrized test the first case only, and of files that need a database the first few tests",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Called by pytest with what marks and words have left."""
    if not config.getoption(_OPTION):
        return
    first = first_of_each_file(first_of_each_family([item.nodeid for item in items]))
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in first])
    items[:] = [item for item in items if item.nodeid in first]


def first_of_each_family(node_ids: Iterable[str]) -> list[str]:
    """Of the ids of tests, those of the first case of each test."""
    families: dict[str, str] = {}
    for node_id in node_ids:
        families.setdefault(node_id.partition("[")[0], node_id)
    return list(families.values())


def first_of_each_file(node_ids: Iterable[str]) -> set[str]:
    """Of the ids of tests, those of the first of each file that needs a database, and all of the others."""
    counts: Counter[str] = Counter()
    chosen = set()
    for node_id in node_ids:
        file = node_id.partition("::")[0]
        counts[file] += 1
        if counts[file] <= MAX_TESTS_OF_FILE or _WITH_DATABASE.match(file) is None:
            chosen.add(node_id)
    return chosen
