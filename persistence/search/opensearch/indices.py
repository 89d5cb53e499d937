"""Defines the four indices of OpenSearch: names, settings and mappings, and the document that stands for an entry.

Words are made by `domain.search.tokens` before they are sent, as for the index in Postgres, so that both fold alike: OpenSearch
splits at blanks only. Beginnings of words, and of titles, are indexed (`index_prefixes`), so that a prefix is a look-up.

An index is sorted by the time of its texts: a query that asks for the newest matches stops at as many as it wants.

Each index has a number in its name, that of the mapping (`tasks-v1-…`). Searches use the alias (`tasks`), and so do writes;
while an index is built, `tasks-next` is that one. The rights of a document are those of its project: `project_id` is all that
is indexed of them, and who sees which project is asked of Postgres with every search.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from domain.search.entry import SearchEntry
from domain.search.tokens import side_words, words

MAPPING_VERSION: Final = 1
"""The number of the mapping: a change of it, or of how words are made, builds new indices."""
MAX_WORD_PREFIX_CHARS: Final = 8
MAX_TITLE_PREFIX_CHARS: Final = 19
_MAX_TEXT_WORDS: Final = 40_000
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class IndexKind:
    """One of the indices, and the types of objects in it."""

    name: str
    types: tuple[str, ...]


KINDS: Final = (
    IndexKind("tasks", ("Task",)),
    IndexKind("documents", ("Document",)),
    IndexKind("comments", ("Comment",)),
    IndexKind("names", ("Project", "Attachment")),
)
KIND_OF: Final[Mapping[str, IndexKind]] = {type_name: kind for kind in KINDS for type_name in kind.types}
"""By the name of the type."""

_WORDS: Final = {
    "type": "text",
    "analyzer": "whitespace",
    "norms": False,
    "index_prefixes": {"min_chars": 1, "max_chars": MAX_WORD_PREFIX_CHARS},
}
_MAPPING: Final = {
    "dynamic": "strict",
    "_meta": {"version": MAPPING_VERSION},
    # What is searched is not stored a second time: indices are built from Postgres, never from themselves.
    "_source": {"excludes": ["title", "text", "start"]},
    "properties": {
        "id": {"type": "keyword"},
        "type": {"type": "keyword"},
        "project_id": {"type": "keyword"},
        "at": {"type": "long"},
        "title": _WORDS,
        "text": _WORDS,
        "start": {
            "type": "text",
            "analyzer": "keyword",
            "norms": False,
            "index_options": "docs",
            "index_prefixes": {"min_chars": 1, "max_chars": MAX_TITLE_PREFIX_CHARS},
        },
        "digest": {"type": "keyword", "index": False},
    },
}
_SETTINGS: Final = {
    "number_of_shards": 1,
    "auto_expand_replicas": "0-1",
    "refresh_interval": "1s",
    "sort.field": ["at", "id"],
    "sort.order": ["desc", "asc"],
}


@dataclass(frozen=True, slots=True)
class IndexNames:
    """The names of all indices of a deployment, which begin with its prefix."""

    prefix: str

    def alias(self, kind: IndexKind) -> str:
        """The index that is searched and written."""
        return f"{self.prefix}-{kind.name}"

    def next_alias(self, kind: IndexKind) -> str:
        """The index that is being built, and written too."""
        return f"{self.prefix}-{kind.name}-next"

    def template(self, kind: IndexKind) -> str:
        """The template of the indices of this version of the mapping."""
        return f"{self.prefix}-{kind.name}-v{MAPPING_VERSION}"

    def index(self, kind: IndexKind, now: datetime) -> str:
        """The name of a new index."""
        return f"{self.template(kind)}-{now:%Y%m%d%H%M%S%f}"

    def version_of(self, kind: IndexKind, index: str) -> int:
        """The version of the mapping in the name of an index; 0 where it has none."""
        found = re.fullmatch(rf"{re.escape(self.alias(kind))}-v(\d{{1,9}})-\d+", index)
        return 0 if found is None else int(found[1])


def template_body(names: IndexNames, kind: IndexKind) -> dict[str, Any]:
    """The template of a kind of indices."""
    return {
        "index_patterns": [f"{names.template(kind)}-*"],
        "priority": 500,
        "template": {"settings": {"index": _SETTINGS}, "mappings": _MAPPING},
        "_meta": {"version": MAPPING_VERSION},
    }


def to_instant(at: datetime) -> int:
    """An instant as it is indexed: microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def document_of(entry: SearchEntry) -> dict[str, Any]:
    """What is indexed of an entry. Lists hold texts between which no phrase runs."""
    title = [" ".join(each) for each in (words(entry.keywords), words(entry.title), sorted(side_words(entry.title))) if each]
    text = [" ".join(each) for each in (words(entry.text)[:_MAX_TEXT_WORDS], sorted(side_words(entry.text))) if each]
    held = {
        "id": str(entry.id),
        "type": entry.type_name,
        "project_id": str(entry.project_id),
        "title": title,
        "text": text,
        "start": entry.title_key,
    }
    digest = hashlib.blake2b(repr(sorted(held.items())).encode(), digest_size=12).hexdigest()
    # An object may be changed without its text: that moves its time, and is no reason to index it again.
    return {**held, "at": to_instant(entry.at), "digest": digest}
