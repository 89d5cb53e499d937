"""A name of a file in an archive can be stored by every system, whatever people have called things."""

from pathlib import PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.transfer.markdown_file import FileNames, attachment_name, file_name
from tests.support.injections import injections

MAX_BYTES = 255
_FORBIDDEN = set('<>:"/\\|?*') | {chr(code) for code in range(32)}


def assert_storable(name: str) -> None:
    assert name
    assert not set(name) & _FORBIDDEN, name
    assert name not in (".", "..")
    assert not name.endswith((" ", ".")), name
    assert not PureWindowsPath(name).is_reserved(), name
    assert len(name.encode()) <= MAX_BYTES, name


@given(st.text(max_size=300) | st.sampled_from([each.text for each in injections() if each.text is not None]))
def test_whatever_the_title_its_file_can_be_stored_everywhere(title: str) -> None:
    names = FileNames()
    for _ in range(2):
        assert_storable(names.unique("", file_name(title), ".md"))
    assert_storable(attachment_name(title))


@pytest.mark.parametrize(
    ("uploaded", "expected"),
    [
        ("notes.txt", "notes.txt"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("COM¹.log", "_COM¹.log"),
        ("conin$", "_conin$"),
        ("aux .txt", "_aux.txt"),
        ("C:evil.exe", "C evil.exe"),
        (".bashrc", "bashrc"),
        ("a" * 250 + ".tar", "a" * 80 + ".tar"),
        ("🦊" * 80 + ".png", "🦊" * 50 + ".png"),
        ("what? now", "what now"),
    ],
)
def test_an_uploaded_file_keeps_its_ending_and_what_can_be_stored_of_its_name(uploaded: str, expected: str) -> None:
    assert attachment_name(uploaded) == expected
