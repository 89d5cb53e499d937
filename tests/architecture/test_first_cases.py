"""`--first-cases` leaves of each family of cases the first, and of each file that needs a database the first few."""

import pytest

from tests.support.first_cases import MAX_TESTS_OF_FILE, first_of_each_family, first_of_each_file


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
    assert first_of_each_family(collected) == first


def test_of_each_file_that_needs_a_database_the_first_tests_stay_and_of_others_all() -> None:
    files = ("tests/graph/test_a.py", "tests/graph/http/test_a.py", "tests/domain/test_a.py", "tests/oauth/test_a.py")
    collected = [f"{file}::test_{number}" for number in range(MAX_TESTS_OF_FILE + 2) for file in files]
    left_out = {f"{file}::test_{MAX_TESTS_OF_FILE + extra}" for file in (files[0], files[3]) for extra in range(2)}
    assert first_of_each_file(collected) == set(collected) - left_out
