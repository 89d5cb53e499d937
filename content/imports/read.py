"""Reads a part of a file in a worker process: its records, each checked, and what is wrong with the others."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from content.imports.boards import read_board
from content.imports.check import Record, check, describe
from content.imports.left_out import LeftOut
from content.imports.markdown import read_file
from content.imports.tables import read_table
from domain.errors import DomainError, Invalid
from domain.job import TransferFormat

Row = int


class Read(NamedTuple):
    """Records, what is wrong, and what is left out, each with its row."""

    records: list[tuple[Row, Record]]
    issues: list[tuple[Row, str]]
    warnings: list[tuple[Row, str]] = []  # noqa: RUF012 (a default that nobody changes)


def read_lines(content: bytes, first_row: int) -> Read:
    """Whole lines of JSON Lines, the first of which has a number."""
    rows: list[tuple[int, Any]] = []
    issues: list[tuple[int, str]] = []
    for row, line in enumerate(content.split(b"\n"), start=first_row):
        if not line.strip():
            continue
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            issues.append((row, f"This line is not JSON: {error}."))
            continue
        if not isinstance(record, dict):
            issues.append((row, "This line is no object."))
        elif record.get("type") != "Export":
            rows.append((row, record))
    return _checked(rows, issues)


def read_whole(format_: TransferFormat, content: bytes) -> Read:
    """A file that is read as a whole: a table, a board, issues."""
    left_out = LeftOut()
    try:
        if format_ in (TransferFormat.TRELLO_JSON, TransferFormat.GITHUB_JSON):
            read = _checked(read_board(format_, content.removeprefix(b"\xef\xbb\xbf"), left_out), [])
        else:
            read = _checked(read_table(format_, decode(content), left_out), [])
    except Invalid as error:
        return Read([], [(1, error.message)])
    return read._replace(warnings=left_out.messages())


def read_files(files: Sequence[tuple[int, str, bytes]]) -> Read:
    """Markdown files of an archive, each with the number of its entry and its path."""
    found: list[tuple[int, dict[str, Any]]] = []
    issues: list[tuple[int, str]] = []
    for row, path, content in files:
        try:
            found += ((row, each) for each in read_file(path, decode(content)))
        except Invalid as error:
            issues.append((row, f"{path}: {error.message}"))
    return _checked(found, issues)


def decode(content: bytes) -> str:
    """Text in UTF-8, with or without a byte order mark. Raises Invalid."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Invalid(("file",), "The file is in UTF-16; save it as UTF-8.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Invalid(("file",), f"The file is not in UTF-8: line {line} has the byte 0x{content[error.start]:02x}.") from error


def _checked(rows: Iterable[tuple[int, dict[str, Any]]], issues: list[tuple[int, str]]) -> Read:
    records = []
    for row, record in rows:
        try:
            records.append((row, check(record)))
        except DomainError as error:
            issues.append((row, describe(error)))
    return Read(records, issues)
