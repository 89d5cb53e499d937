"""`--first-cases` leaves of each family of cases the first."""

import pytest

from tests.support.first_cases import first_of_each_family


@pytest.mark.parametrize(
    ("collected", "first"),
    [
        ([], []),
        (["a.py::test_x", "a.py::test_y", "b.py::test_x"], ["a.py::test_x", "a.py::test_y", "b.py::test_x"]),
        (["a.py::test_x[1]", "a.py::test_x[2]", "a.py::test_y[a[b]]"], ["a.py::test_x[1]", "a.py::test_y[a[b]]"]),
        (["a.py::test_x[1]", "a.py::test_y", "a.py::test_x[2]"], ["a.py::test_x[1]", "a.py::test_y"]),
    ],
)
def test_of_each_family_the_first_case_stays(collected: list[str], first: list[str]) -> None:
    assert first_of_each_family(collected) == set(first)
