"""Lines of the log hold no mail address and no secret, whoever wrote them, and are otherwise what was logged."""

import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.log_format import MaskingFormatter, log_handler, mask

_NAME = st.from_regex(r"[A-Za-z0-9.!#$%&*+/?^_`{|}~-]{1,64}", fullmatch=True)
_HOST = st.from_regex(r"[a-z0-9-]{1,20}(\.[a-z0-9-]{1,20}){1,3}", fullmatch=True)
_AROUND = st.sampled_from(["{}", "<{}>", "550 5.1.1 <{}>: no such user", "('{}', 1)", "mailto:{}", "to={}, relay=none", "\n{}\n"])


@given(_NAME, _HOST, _AROUND)
def test_of_a_mailbox_nothing_but_its_host_is_left(name: str, host: str, around: str) -> None:
    assert mask(around.format(f"{name}@{host}")) == around.format(f"…@{host}")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("postgresql://hive:s3cret@db.internal:5432/hive refuses", "postgresql://…@db.internal:5432/hive refuses"),
        ("smtp://u%40x:p@mail:587", "smtp://…@mail:587"),
        ("Authorization: Bearer eyJhbGciOi.eyJzdWIi.c2ln-_x of", "Authorization: Bearer … of"),
        ("token eyJhbGciOi.eyJzdWIi.c2ln-_x.", "token eyJ…."),
        ("hive_pat_AbC-_9 and hive_share_x9 and whsec_a+/b=", "hive_pat_… and hive_share_… and whsec_…"),
        ("GET /blobs/a/b?size=1&signature=ab-_c&expires=1 200", "GET /blobs/a/b?size=1&signature=…&expires=1 200"),
        ("GET /verify?token=abc%20d", "GET /verify?token=…"),
        (
            "The consumer search gives up team:0197 at 7: NotFound: @ home",
            "The consumer search gives up team:0197 at 7: NotFound: @ home",
        ),
    ],
)
def test_secrets_are_masked_and_nothing_else(line: str, expected: str) -> None:
    assert mask(line) == expected


def test_a_traceback_is_masked_and_what_is_meant_for_the_operator_is_not() -> None:
    try:
        raise ValueError("Key (email)=(ada@example.com) already exists")
    except ValueError:
        record = logging.LogRecord("a", logging.ERROR, __file__, 1, "unexpected %s", ("bob@example.com",), sys.exc_info())
    line = MaskingFormatter().format(record)
    assert "unexpected …@example.com" in line
    assert "ValueError: Key (email)=(…@example.com) already exists" in line
    assert "ada" not in line

    shown = logging.LogRecord("a", logging.INFO, __file__, 1, "Mail to %s", ("ada@example.com",), None)
    shown.is_shown_whole = True
    handler = log_handler()
    assert handler.format(shown).endswith("INFO a: Mail to ada@example.com")
