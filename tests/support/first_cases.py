"""Runs of each family of cases the first one only, when asked with `--first-cases`: a pytest plugin.

Cases of one test differ in what they are given; a change that breaks the test mostly breaks all. So `make test-fast` asks for this.
"""

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
    seen: set[str] = set()
    first: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        family = item.nodeid.partition("[")[0]
        (others if family in seen else first).append(item)
        seen.add(family)
    config.hook.pytest_deselected(items=others)
    items[:] = first
