"""Long tests are marked as such."""

import pytest

from tests.support.time_limit import LIMIT_SECONDS, LONG_MARKS, require_within_limit


@pytest.mark.parametrize(
    ("seconds", "marks"),
    [(LIMIT_SECONDS, set[str]()), (0.0, set[str]()), *((LIMIT_SECONDS + 100, {each}) for each in LONG_MARKS)],
)
def test_a_short_test_may_have_no_mark_and_a_marked_one_may_take_long(seconds: float, marks: set[str]) -> None:
    require_within_limit(seconds, marks.__contains__)


@pytest.mark.parametrize("marks", [set[str](), {"parametrize"}])
def test_a_long_test_without_a_mark_fails(marks: set[str]) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"took 10\.1 s of the processor"):
        require_within_limit(LIMIT_SECONDS + 0.1, marks.__contains__)
