"""The statement that searches: it finds candidates in the index, and lets through what the viewer may see.

What it costs does not grow with what there is. Entries lie in *places*, a type in a project. Of each place that the viewer may
see, the newest entries are read and compared with the query (`_recent`): a frequent word is found often enough among these. Only
for types of which few were found so, the inverted index is asked for the rest (`_indexed`): whose words are rare. It lists all
matches before it returns the first. So where more than 20,000 are expected (`persistence.search.frequencies`), of a word that is
frequent among the older entries, the newest entries of periods are read instead (`_sampled`): today and yesterday, two days
before, four days before … Titles that begin with the query are found by an index on titles (`_titled`), however many others say
the same.

Rights are not in the index. `allowed` computes the projects that the viewer may see from the same tables and by the same rules as
every list (`persistence.access`), and each candidate is joined with its object as it is now: its project, its deletion, its
assignee. So a change of rights is in force with its commit.

Rejected: ORDER BY ts_rank over all matches (reads them all: a word in every one of a million rows took seconds); statistics of
the planner to tell frequent words from rare ones (one viewer's rare word is another's frequent one); `gin_fuzzy_search_limit` (a
random part of the matches, another one for each page).
"""

from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Double,
    Integer,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    column,
    exists,
    func,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy import literal_column as literal
from sqlalchemy.dialects.postgresql import TSQUERY, array

from persistence.access import visible_project_array
from persistence.engine.statement import Statement
from persistence.search.hit_statements import visible_hits
from persistence.search.parameters import narrowed
from persistence.tables import INSTANT, search_entries

WINDOW_ENTRIES: Final = 4_000
"""How many of the newest entries are read, of all places together; of a single one not fewer than 8."""
FREQUENT_HITS: Final = 100
"""So many hits of one type among these are enough not to look for more of that type."""
MAX_INDEXED_ENTRIES: Final = 1_000
"""How many entries are read of those that the inverted index finds."""
SAMPLED_ENTRIES: Final = 6_000
"""How many older entries are read of types in which more entries match than the inverted index may list."""
PERIODS: Final = tuple((2.0**number if number else 0.0, 2.0 ** (number + 1)) for number in range(12))
"""The periods in which these are looked for, the newest of each: their ages, in days. The last one has no end."""
MAX_HITS: Final = 300
"""How many objects one search finds."""
MAX_COMPARED_DOCUMENTS: Final = MAX_HITS
"""How many documents are compared word by word, the newest."""
MAX_CANDIDATES: Final = MAX_HITS + 50
"""So many are joined with their objects: some more, in place of what comes twice or is not visible."""

_e = search_entries
_SOURCES = bindparam("sources", type_=ARRAY(Text))
_AS_OF, _TITLE = bindparam("as_of", type_=INSTANT), bindparam("title", type_=Text)
_WORDS = bindparam("words", type_=ARRAY(Text))
_QUERY = cast(bindparam("query", type_=Text), TSQUERY)
_ENTRY_COLUMNS = ("id", "type", "title_key", "tokens", "text_at")


def _matches(tokens: ColumnElement[Any], query: ColumnElement[Any]) -> ColumnElement[bool]:
    return tokens.bool_op("@@")(query)


_allowed = select(visible_project_array(narrowed).label("projects")).cte("allowed")
_project = func.unnest(_allowed.c.projects).table_valued(column("id", Uuid), name="project").render_derived()
_source = func.unnest(_SOURCES).table_valued(column("type", Text), name="source").render_derived()
_window = func.greatest(
    literal("8"), literal(str(WINDOW_ENTRIES)).op("/")(func.greatest(func.count().over(), literal("1"))), type_=Integer
)
_places = (
    select(
        (_source.c.type + literal("':'") + cast(_project.c.id, Text)).label("place"),
        _source.c.type,
        # The words of a document lie apart from its row: to compare one takes as long as ten others.
        case(
            (_source.c.type == literal("'Document'"), func.greatest(literal("4"), _window.op("/")(literal("8")))), else_=_window
        ).label("size"),
    )
    .select_from(_allowed.join(_project, true()).join(_source, true()))
    .cte("places")
)
_newest = (
    select(*(_e.c[name] for name in _ENTRY_COLUMNS))
    .where(_e.c.place == _places.c.place, _e.c.text_at <= _AS_OF)
    .order_by(_e.c.place.desc(), _e.c.text_at.desc(), _e.c.id.desc())
    .limit(_places.c.size)
    .lateral("newest")
)
# The limit, which is never reached, tells the planner how few these are.
_recent = (
    select(*(_newest.c[name] for name in _ENTRY_COLUMNS))
    .select_from(_places.join(_newest, true()))
    .where(_matches(_newest.c.tokens, _QUERY))
    .limit(literal(str(5 * WINDOW_ENTRIES)))
    .cte("recent")
)
_frequent = select(_recent.c.type).group_by(_recent.c.type).having(func.count() >= literal(str(FREQUENT_HITS)))
# Of a place whose entries have all been read, no index knows anything more.
_older = exists(
    select(literal("1"))
    .where(_e.c.place == _places.c.place, _e.c.text_at <= _AS_OF)
    .order_by(_e.c.place.desc(), _e.c.text_at.desc(), _e.c.id.desc())
    .offset(_places.c.size)
    .limit(literal("1"))
)
_common = (
    func.unnest(bindparam("common_places", type_=ARRAY(Text)), bindparam("common_shares", type_=ARRAY(Double)))
    .table_valued(column("place", Text), column("share", Double), name="common")
    .render_derived()
)
_rare = (
    select(
        _places.c.place,
        (
            func.sum(func.coalesce(_common.c.share, bindparam("other_share", type_=Double))).over(partition_by=_places.c.type)
            >= bindparam("min_sampled_share", type_=Double)
        ).label("is_sampled"),
    )
    .select_from(_places.outerjoin(_common, _common.c.place == _places.c.place))
    .where(_places.c.type.not_in(_frequent), _older)
    .cte("rare")
)
_listed_places = func.array(select(_rare.c.place).where(~_rare.c.is_sampled).scalar_subquery(), type_=ARRAY(Text))
_indexed = (
    select(*(_e.c[name] for name in _ENTRY_COLUMNS))
    .where(
        array([_e.c.place]).bool_op("&&")(select(_listed_places).scalar_subquery()),
        _matches(_e.c.tokens, _QUERY),
        _e.c.text_at <= _AS_OF,
        _e.c.id.not_in(select(_recent.c.id)),
    )
    .limit(literal(str(MAX_INDEXED_ENTRIES)))
    .subquery("indexed")
)
_period = (
    func.unnest(bindparam("periods_after", type_=ARRAY(INSTANT)), bindparam("periods_until", type_=ARRAY(INSTANT)))
    .table_valued(column("after", INSTANT), column("until", INSTANT), name="period")
    .render_derived()
)
_sample_size = (
    select(func.greatest(literal("1"), literal(str(SAMPLED_ENTRIES // len(PERIODS))).op("/")(func.count())))
    .select_from(_rare)
    .where(_rare.c.is_sampled)
    .scalar_subquery()
)
_of_period = (
    select(*(_e.c[name] for name in _ENTRY_COLUMNS))
    .where(_e.c.place == _rare.c.place, _e.c.text_at <= _period.c.until, _e.c.text_at > _period.c.after)
    .order_by(_e.c.place.desc(), _e.c.text_at.desc(), _e.c.id.desc())
    .limit(_sample_size)
    .lateral("of_period")
)
_sampled = (
    select(*(_of_period.c[name] for name in _ENTRY_COLUMNS))
    .select_from(_rare.join(_period, true()).join(_of_period, true()))
    .where(_rare.c.is_sampled, _matches(_of_period.c.tokens, _QUERY), _of_period.c.id.not_in(select(_recent.c.id)))
    .limit(literal(str(MAX_INDEXED_ENTRIES)))
    .subquery("sampled")
)
_same_title = (
    select(*(_e.c[name] for name in _ENTRY_COLUMNS))
    .where(
        _e.c.place == _places.c.place,
        _e.c.title_key != literal("''"),
        _e.c.title_key >= _TITLE,
        _e.c.title_key < _TITLE + literal("U&'\\+10FFFF'"),
        _e.c.text_at <= _AS_OF,
    )
    .order_by(_e.c.title_key)
    .limit(literal("5"))
    .lateral("same_title")
)
_titled = (
    select(*(_same_title.c[name] for name in _ENTRY_COLUMNS))
    .select_from(_places.join(_same_title, true()))
    .where(
        literal("''") != _TITLE,
        _same_title.c.id.not_in(select(_recent.c.id)),
        _places.c.type.in_([literal("'Task'"), literal("'Document'"), literal("'Project'")]),
    )
)
# An entry whose title begins with the query may come twice; results are made unique where they are ranked.
_all_found = union_all(
    *(select(*(each.c[name] for name in _ENTRY_COLUMNS)) for each in (_recent, _indexed, _sampled)), _titled
).cte("all_found")
_is_document = _all_found.c.type == literal("'Document'")
_newest_documents = (
    select(_all_found)
    .where(_is_document)
    .order_by(_all_found.c.text_at.desc(), _all_found.c.id)
    .limit(literal(str(MAX_COMPARED_DOCUMENTS)))
    .subquery("newest_document")
)
_found = union_all(select(_all_found).where(~_is_document), select(_newest_documents)).subquery("found")
_word = (
    func.unnest(
        cast(_WORDS, ARRAY(TSQUERY)),
        cast(bindparam("title_words", type_=ARRAY(Text)), ARRAY(TSQUERY)),
    )
    .table_valued(column("query"), column("title_query"), with_ordinality="nr", name="word")
    .render_derived()
)


# Each word is compared once, and in the title only where it stands in the text: OFFSET keeps Postgres from doing it for each sum.
_compared = (
    select(
        literal("1").op("<<")(cast(_word.c.nr, Integer) - literal("1")).label("bit"),
        _matches(_found.c.tokens, _word.c.query).label("matches"),
        and_(_matches(_found.c.tokens, _word.c.query), _matches(_found.c.tokens, _word.c.title_query)).label("in_title"),
    )
    .select_from(_word)
    .correlate(_found)
    .offset(literal("0"))
    .subquery("compared")
)
_counted = (
    select(
        func.count().filter(_compared.c.matches).label("words"),
        func.count().filter(_compared.c.in_title).label("title_words"),
        func.coalesce(func.sum(_compared.c.bit).filter(_compared.c.matches), literal("0")).label("matched"),
        func.coalesce(func.sum(_compared.c.bit).filter(_compared.c.in_title), literal("0")).label("in_title"),
    )
    .select_from(_compared)
    .lateral("counted")
)
_candidates = (
    select(
        _found.c.id,
        _found.c.type,
        _found.c.title_key,
        _found.c.tokens,
        _counted.c.matched,
        _counted.c.in_title,
        (func.left(_found.c.title_key, func.length(_TITLE)) == _TITLE).label("titled"),
    )
    .select_from(_found.join(_counted, true()))
    .where(or_(_counted.c.words > literal("0"), func.left(_found.c.title_key, func.length(_TITLE)) == _TITLE))
    .order_by(
        literal("titled").desc(), _counted.c.words.desc(), _counted.c.title_words.desc(), _found.c.text_at.desc(), _found.c.id
    )
    .limit(literal(str(MAX_CANDIDATES)))
    .cte("candidates")
)
# Of one word there is nothing to tell, and it takes 50 µs.
_proximity = case(
    (
        func.cardinality(_WORDS) > literal("1"),
        func.ts_rank_cd(_candidates.c.tokens, _QUERY, literal("1"), type_=Double),
    ),
    else_=literal("0", Double),
)
FIND: Final = Statement(visible_hits(_candidates, _allowed, _proximity))
"""Hits of tasks, documents, projects, comments and files, in no order, `MAX_CANDIDATES` at most."""
