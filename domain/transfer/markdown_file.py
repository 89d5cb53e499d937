"""A task or a document as a Markdown file: front matter that YAML and JSON read alike, then the text.

    ---
    type: "Task"
    title: "Say hello"
    labels: ["greeting"]
    ---

    The description.

Every value of the front matter is JSON on one line, which is YAML too. The text follows as it is, to the end of the file.
"""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from domain.normalization import normalize

_FENCE: Final = "---"
_MAX_NAME_CHARS: Final = 80
_MAX_NAME_BYTES: Final = 200
"""Of 255 that file systems allow: a number and an ending come behind it."""
_MAX_ENDING_CHARS: Final = 10
_UNSAFE: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+')
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[\d\u00b9\u00b2\u00b3]) *(\.|$)", re.IGNORECASE)
_LINE_SEPARATORS: Final = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def write(attributes: Mapping[str, Any], text: str | None) -> str:
    """The file. Attributes that are None or empty are left out."""
    lines = [_FENCE]
    lines += [f"{name}: {_json(value)}" for name, value in attributes.items() if value not in (None, "", [], ())]
    return "\n".join([*lines, _FENCE, "", text or ""])


def read(content: str) -> tuple[dict[str, Any], str]:
    """The attributes and the text that `write` was given. Raises ValueError."""
    lines = content.split("\n")
    if lines[0] != _FENCE or _FENCE not in lines[1:]:
        raise ValueError("There is no front matter: the file begins with a line ---, and a second one ends it.")
    end = lines.index(_FENCE, 1)
    attributes: dict[str, Any] = {}
    for line in lines[1:end]:
        name, found, value = line.partition(": ")
        if not found:
            raise ValueError(f"This line of the front matter is no attribute: {line[:80]}")
        try:
            attributes[name] = json.loads(value)
        except (ValueError, RecursionError):
            attributes[name] = value  # a plain word of YAML
    rest = lines[end + 1 :]
    return attributes, "\n".join(rest[1:] if rest and rest[0] == "" else rest)


def file_name(title: str) -> str:
    """A name for a file that every system can store: not empty, 80 characters and 200 bytes at most, without what is a path or a
    device."""
    name = _UNSAFE.sub(" ", normalize("NFC", title))
    name = " ".join(name.split())[:_MAX_NAME_CHARS].encode()[:_MAX_NAME_BYTES].decode(errors="ignore").strip(" .")
    if not name:
        return "Untitled"
    return f"_{name}" if _RESERVED.match(name) else name


def attachment_name(uploaded: str) -> str:
    """The same for the name of an uploaded file, whose ending stays."""
    stem, dot, ending = uploaded.rpartition(".")
    if not stem or not ending.isalnum() or len(ending) > _MAX_ENDING_CHARS:
        return file_name(uploaded)
    return file_name(stem) + dot + ending


class FileNames:
    """Names that differ from each other also where upper and lower case do not."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}

    def unique(self, folder: str, name: str, ending: str = "") -> str:
        """The path of a file in a folder, with a number where the name is in use there."""
        path = f"{folder}/{name}" if folder else name
        number = self._used[path.casefold()] = self._used.get(path.casefold(), 0) + 1
        if number == 1:
            return path + ending
        return self.unique(folder, f"{name} ({number})", ending)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_to_json).translate(_LINE_SEPARATORS)


def _to_json(value: Any) -> str:
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")
