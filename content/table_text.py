"""Reads and writes tables of cells as text: CSV, and tables of Markdown.

Both know only text. What reads as a number or TRUE/FALSE becomes one if it would be written the same again, so "007" stays text.

CSV is RFC 4180, with a comma, a semicolon (which Excel writes where the comma is the decimal sign) or a tab between cells. A
first line `sep=;` names the delimiter; otherwise it is the one that gives all rows the same length. A byte order mark is left
out. Tables are written so that they read as they were: with commas, and with quotes around cells that hold any of the three.
"""

import csv
import html
import io
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

import orjson

from domain.errors import Invalid

Value = str | int | float | bool
Line = Sequence[Value | None]

_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,12})?")
_PATH: Final = ("input", "content")
_DELIMITERS: Final = ",;\t"
_SAMPLE_ROWS: Final = 100
_SEPARATOR_LINE = re.compile(r"sep=([,;\t])\r?\n")
_DECIMAL = re.compile(r"-?[\d.\s\u2019']*,\d+")
_NEEDS_QUOTES = re.compile(r'[,;\t"\r\n]|^\ufeff|^\s|\s$|^sep=')
_RULE = re.compile(r"\|?(?:\s*:?-+:?\s*\|)*(?:\s*:?-+:?\s*)?")
_CELL = re.compile(r"(?:\\.|[^|\\]|\\$)*(?:\||$)")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])|<br\s*/?>|&#?\w+;")


def to_csv(lines: Iterable[Line]) -> str:
    """RFC 4180 with commas and line feeds."""
    return "".join(_csv_line([to_text(value) for value in line]) + "\n" for line in lines)


def from_csv(text: str) -> list[list[Value | None]]:
    """Lines of cells; empty lines at the end are left out. Raises Invalid."""
    return [[from_text(value) for value in row] for row in read_csv(text)]


def read_csv(text: str) -> list[list[str]]:
    """The same, of cells as they stand there."""
    text = text.removeprefix("\ufeff").replace("\0", "\ufffd")
    separator = _SEPARATOR_LINE.match(text)
    rows = _csv_rows(text[separator.end() :], separator[1]) if separator else _csv_rows(text, _delimiter(text))
    while rows and not rows[-1]:
        rows.pop()
    return rows


def to_markdown(lines: Sequence[Line]) -> str:
    """A table whose head is the first row; no rows, or no columns, are the empty string."""
    if not lines or not lines[0]:
        return ""
    rows = ["| " + " | ".join(_markdown_cell(to_text(value)) for value in line) + " |" for line in lines]
    return "\n".join([rows[0], "|" + " --- |" * len(lines[0]), *rows[1:]]) + "\n"


def from_markdown(text: str) -> list[list[Value | None]]:
    """The cells of a text's first table; of a text without one, those of CSV. Raises Invalid."""
    lines = [line.strip() for line in text.replace("\0", "\ufffd").split("\n")]
    for at in range(1, len(lines)):
        if "-" in lines[at] and "|" in lines[at] and _RULE.fullmatch(lines[at]):
            body = [lines[at - 1], *_until_blank(lines[at + 1 :])]
            return [[from_text(value) for value in _cells_of(line)] for line in body]
    return from_csv(text)


def to_text(value: Value | None) -> str:
    """A cell as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def from_text(text: str) -> Value | None:
    """A cell from its text."""
    if text in ("TRUE", "FALSE"):
        return text == "TRUE"
    if _NUMBER.fullmatch(text) and text != "-0":
        number = float(text) if "." in text else int(text)
        return number if to_text(number) == text else text
    return text or None


_QUOTED_CELL: Final = {each: re.compile(rf'(^|[{each}\r\n])"(?:[^"]|"")*+"(?=[{each}\r\n]|$)', re.ASCII) for each in _DELIMITERS}
_NO_WEIGHT: Final = (False, 0.0, 0, 0)


def _csv_line(cells: Sequence[str]) -> str:
    if len(cells) == 1 and not cells[0]:
        return '""'  # an empty line would be no row
    return ",".join('"' + cell.replace('"', '""') + '"' if _NEEDS_QUOTES.search(cell) else cell for cell in cells)


def _csv_rows(text: str, delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise Invalid(_PATH, f"This is not CSV: {error}.") from error


def _delimiter(text: str) -> str:
    """Guesses the delimiter. Quotes stand around whole cells if they do with any; then it gives most rows one length, then leaves
    fewest others within cells, then makes most cells."""
    best, delimiter = _NO_WEIGHT, ","
    for candidate in _DELIMITERS:
        if candidate not in text:
            continue
        try:
            rows = [
                row
                for row in islice(csv.reader(io.StringIO(text, newline=""), delimiter=candidate, strict=True), _SAMPLE_ROWS)
                if row
            ]
        except csv.Error:
            continue
        lengths = [len(row) for row in rows]
        width = max(lengths, default=0)
        if width < 2:
            continue
        foreign = sum(_holds_another(cell, candidate) for row in rows for cell in row)
        whole = '"' not in _QUOTED_CELL[candidate].sub(r"\1", text)
        weight = (whole, lengths.count(lengths[0]) / len(lengths) if lengths[0] > 1 else 0.0, -foreign, width)
        if weight > best or (best == _NO_WEIGHT and delimiter == ","):
            best, delimiter = weight, candidate
    return delimiter


def _holds_another(cell: str, delimiter: str) -> bool:
    """Returns whether a cell holds another delimiter; a decimal comma is none."""
    return any(other in cell for other in _DELIMITERS if other != delimiter) and not _DECIMAL.fullmatch(cell)


def _markdown_cell(text: str) -> str:
    """A cell that is read as this text; white space at the ends is named, as a reader would strip it."""
    written = (
        re.sub(r"[\\|*_`\[\]<~]|&(?=#?\w+;)", r"\\\g<0>", text)
        .replace("\r", "&#13;")
        .replace("\n", "<br>")
        .replace("\0", "\ufffd")
    )
    for at in (0, -1):
        if written and written[at].isspace():
            entity = f"&#{ord(written[at])};"
            written = entity + written[1:] if at == 0 else written[:-1] + entity
    return written


def _cells_of(line: str) -> list[str]:
    inner = line.removeprefix("|")
    inner = re.sub(r"(?<!\\)((?:\\\\)*)\|$", r"\1", inner)
    parts = _CELL.findall(inner)
    cells = [part.removesuffix("|") for part in (parts[:-1] if parts and not parts[-1] else parts)]
    return [_ESCAPED.sub(_meant, part.strip()) for part in cells]


def _meant(found: re.Match[str]) -> str:
    if found[1]:
        return found[1]
    return "\n" if found[0].startswith("<") else html.unescape(found[0])


def _until_blank(lines: Iterable[str]) -> list[str]:
    body: list[str] = []
    for line in lines:
        if not line:
            break
        body.append(line)
    return body
