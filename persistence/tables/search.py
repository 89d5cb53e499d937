"""The search index: the words of objects, the words that there are at all, and what is still to be indexed.

It holds nothing that is not in the other tables, and is made anew from them (`persistence.search.rebuild`). It refers to no
table: what was deleted is left out by the statement that searches.
"""

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR

from persistence.tables.columns import INSTANT, metadata

search_entries = Table(
    "search_entries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("type", Text, nullable=False),
    Column("project_id", Uuid, nullable=False),
    # Type and project in one, for indexes: `domain.search.entry.place`.
    Column("place", Text, nullable=False),
    # The task or document that a comment or file is about, with which it changes projects.
    Column("subject_id", Uuid),
    Column("title_key", Text, nullable=False),
    Column("tokens", TSVECTOR, nullable=False),
    # When the text was written: what is searched first.
    Column("text_at", INSTANT, nullable=False),
    Index(None, "place", "text_at", "id"),
    Index("ix_search_entries_place_title_key", "place", "title_key", postgresql_where=text("title_key <> ''")),
    Index("ix_search_entries_subject_id", "subject_id", postgresql_where=text("subject_id IS NOT NULL")),
)
# The list of pending entries is short, since every search reads it from end to end.
Index(
    "ix_search_entries_tokens",
    text("(ARRAY[place])"),
    search_entries.c.tokens,
    postgresql_using="gin",
    postgresql_with={"gin_pending_list_limit": "256"},  # KiB
)

# For corrections. `lookup_keys` are those of `domain.search.typo.lookup_keys`.
search_terms = Table(
    "search_terms",
    metadata,
    Column("term", Text, primary_key=True),
    Column("lookup_keys", ARRAY(Integer), nullable=False),
    Index("ix_search_terms_lookup_keys", "lookup_keys", postgresql_using="gin"),
)

# Objects whose words are not in `search_terms` yet; `is_indexed` says whether their entries are up to date.
search_queue = Table(
    "search_queue",
    metadata,
    Column("type", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("is_indexed", Boolean, nullable=False),
    PrimaryKeyConstraint("type", "id"),
)
