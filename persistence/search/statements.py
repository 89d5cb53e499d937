"""The statement that searches: it finds candidates in the index, and lets through what the viewer may see.

What it costs does not grow with what there is. Entries lie in *places*, a type in a project. Of each place that the viewer may
see, the newest entries are read and compared with the query (`_recent`): a frequent word is found often enough among these. Only
for types of which few were found so, the inverted index is asked for the rest (`_indexed`): whose words are rare. Titles that
begin with the query are found by an index on titles (`_titled`), however many others say the same.

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
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    column,
    exists,
    func,
    null,
    or_,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy import any_ as sql_any
from sqlalchemy import literal_column as literal
from sqlalchemy.dialects.postgresql import TSQUERY, array, distinct_on

from persistence.access import shares_team, team_visible, visible_project_ids
from persistence.engine.statement import Statement
from persistence.tables import (
    INSTANT,
    attached,
    attachments,
    comments,
    documents,
    projects,
    search_entries,
    search_terms,
    task_aliases,
    tasks,
    team_members,
    teams,
    users,
)

WINDOW_ENTRIES: Final = 4_000
"""How many of the newest entries are read, of all places together; of a single one not fewer than 8."""
FREQUENT_HITS: Final = 100
"""So many hits of one type among these are enough not to look for more of that type."""
MAX_INDEXED_ENTRIES: Final = 2_000
"""How many entries are read of those that the inverted index finds."""
MAX_HITS: Final = 500
"""How many objects one search finds."""
MAX_NAMES: Final = 50
MAX_SIMILAR_TERMS: Final = 500

_e, _a, _c, _d, _p, _t = search_entries, attachments, comments, documents, projects, tasks
_TEAMS, _PROJECTS = bindparam("teams", type_=ARRAY(Uuid)), bindparam("projects", type_=ARRAY(Uuid))
_SOURCES, _TYPES = bindparam("sources", type_=ARRAY(Text)), bindparam("types", type_=ARRAY(Text))
_SUBJECTS = bindparam("subjects", type_=ARRAY(Text))
_AS_OF, _TITLE = bindparam("as_of", type_=INSTANT), bindparam("title", type_=Text)
_QUERY = cast(bindparam("query", type_=Text), TSQUERY)
_ASSIGNEES, _LABELS = bindparam("assignees", type_=ARRAY(Uuid)), bindparam("labels", type_=ARRAY(Uuid))
_STATUSES = bindparam("statuses", type_=ARRAY(Text))
_AFTER, _BEFORE = bindparam("updated_after", type_=INSTANT), bindparam("updated_before", type_=INSTANT)
_ENTRY_COLUMNS = ("id", "type", "title_key", "tokens", "text_at")
Columns = dict[str, ColumnElement[Any]]


def _matches(tokens: ColumnElement[Any], query: ColumnElement[Any]) -> ColumnElement[bool]:
    return tokens.bool_op("@@")(query)


def _narrowed(project: Any) -> ColumnElement[bool]:
    return and_(
        or_(_TEAMS.is_(None), project.c.team_id == sql_any(_TEAMS)), or_(_PROJECTS.is_(None), project.c.id == sql_any(_PROJECTS))
    )


_allowed = select(visible_project_ids(_narrowed).label("projects")).cte("allowed")
_project = func.unnest(_allowed.c.projects).table_valued(column("id", Uuid), name="project").render_derived()
_source = func.unnest(_SOURCES).table_valued(column("type", Text), name="source").render_derived()
_places = (
    select((_source.c.type + literal("':'") + cast(_project.c.id, Text)).label("place"), _source.c.type)
    .select_from(_allowed.join(_project, true()).join(_source, true()))
    .cte("places")
)
_window = select(
    func.greatest(literal("8"), literal(str(WINDOW_ENTRIES)).op("/")(func.greatest(func.count(), literal("1")))).label("size")
).select_from(_places)
_newest = (
    select(*(_e.c[name] for name in _ENTRY_COLUMNS))
    .where(_e.c.place == _places.c.place, _e.c.text_at <= _AS_OF)
    .order_by(_e.c.place.desc(), _e.c.text_at.desc(), _e.c.id.desc())
    .limit(_window.scalar_subquery())
    .lateral("newest")
)
_recent = (
    select(*(_newest.c[name] for name in _ENTRY_COLUMNS))
    .select_from(_places.join(_newest, true()))
    .where(_matches(_newest.c.tokens, _QUERY))
    .cte("recent")
)
_frequent = select(_recent.c.type).group_by(_recent.c.type).having(func.count() >= literal(str(FREQUENT_HITS)))
_rare = func.array(select(_places.c.place).where(_places.c.type.not_in(_frequent)).scalar_subquery(), type_=ARRAY(Text))
_indexed = (
    select(*(_e.c[name] for name in _ENTRY_COLUMNS))
    .where(
        array([_e.c.place]).bool_op("&&")(select(_rare).scalar_subquery()),
        _matches(_e.c.tokens, _QUERY),
        _e.c.text_at <= _AS_OF,
    )
    .limit(literal(str(MAX_INDEXED_ENTRIES)))
    .subquery("indexed")
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
    .where(literal("''") != _TITLE, _places.c.type.in_([literal("'Task'"), literal("'Document'"), literal("'Project'")]))
)
# Each once: the same entry may be found in all three ways. Compared by id, since the rest is the same row.
_all_found = union_all(
    select(*(_recent.c[name] for name in _ENTRY_COLUMNS)), select(*(_indexed.c[name] for name in _ENTRY_COLUMNS)), _titled
).subquery("found")
_found = (
    select(*(_all_found.c[name] for name in _ENTRY_COLUMNS))
    .ext(distinct_on(_all_found.c.id))
    .order_by(_all_found.c.id)
    .subquery("found_once")
)
_word = (
    func.unnest(
        cast(bindparam("words", type_=ARRAY(Text)), ARRAY(TSQUERY)),
        cast(bindparam("title_words", type_=ARRAY(Text)), ARRAY(TSQUERY)),
    )
    .table_valued(column("query"), column("title_query"), with_ordinality="nr", name="word")
    .render_derived()
)


def _bits(query: ColumnElement[Any], name: str) -> Any:
    bit = literal("1").op("<<")(cast(_word.c.nr, Integer) - literal("1"))
    return func.coalesce(func.sum(bit).filter(_matches(_found.c.tokens, query)), literal("0")).label(name)


_counted = (
    select(
        func.count().filter(_matches(_found.c.tokens, _word.c.query)).label("words"),
        func.count().filter(_matches(_found.c.tokens, _word.c.title_query)).label("title_words"),
        _bits(_word.c.query, "matched"),
        _bits(_word.c.title_query, "in_title"),
    )
    .select_from(_word)
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
    .limit(literal(str(2 * MAX_HITS)))
    .cte("candidates")
)
_is_allowed = sql_any(cast(select(_allowed.c.projects).scalar_subquery(), ARRAY(Uuid)))
_nothing_text, _nothing_id = cast(null(), Text), cast(null(), Uuid)


def _hits(source: str, table: Any, **columns: ColumnElement[Any]) -> Select[Any]:
    """The candidates of one type, joined with their objects; columns that the type has not are NULL."""
    defaults: Columns = {
        "type_name": literal(f"'{source}'", Text),
        "target_id": table.c.id,
        "updated_at": table.c.updated_at,
        "team_id": _nothing_id,
        "project_id": _nothing_id,
        "status": _nothing_text,
        "priority": _nothing_text,
        "assignee_id": _nothing_id,
        "author_id": _nothing_id,
        "label_ids": cast(null(), ARRAY(Uuid)),
    }
    found = _candidates
    return select(
        *((defaults | columns)[name].label(name) for name in defaults),
        found.c.id.label("source_id"),
        literal(f"'{source}'", Text).label("source_type"),
        found.c.title_key,
        found.c.matched,
        found.c.in_title,
        func.ts_rank_cd(found.c.tokens, _QUERY, literal("1"), type_=Double).label("proximity"),
    ).where(found.c.id == table.c.id, found.c.type == literal(f"'{source}'", Text))


_task_hits = _hits(
    "Task",
    _t,
    team_id=_t.c.team_id,
    project_id=_t.c.project_id,
    status=cast(_t.c.status, Text),
    priority=cast(_t.c.priority, Text),
    assignee_id=_t.c.assignee_id,
    author_id=_t.c.creator_id,
    label_ids=_t.c.label_ids,
).where(_t.c.deleted_at.is_(None), _t.c.project_id == _is_allowed)
_document_hits = _hits("Document", _d, team_id=_d.c.team_id, project_id=_d.c.project_id, author_id=_d.c.owner_id).where(
    _d.c.deleted_at.is_(None), _d.c.project_id == _is_allowed
)
_project_hits = _hits(
    "Project", _p, team_id=_p.c.team_id, project_id=_p.c.id, status=cast(_p.c.status, Text), author_id=_p.c.creator_id
).where(_p.c.deleted_at.is_(None), _p.c.id == _is_allowed)


def _beside_subject(hits: Select[Any], type_column: Any, id_column: Any, at_task: Any, at_document: Any) -> Select[Any]:
    """Only those whose task or document is visible and not deleted."""
    on_task = exists(
        select(literal("1")).where(at_task.c.id == id_column, at_task.c.deleted_at.is_(None), at_task.c.project_id == _is_allowed)
    )
    on_document = exists(
        select(literal("1")).where(
            at_document.c.id == id_column, at_document.c.deleted_at.is_(None), at_document.c.project_id == _is_allowed
        )
    )
    return hits.where(
        type_column == sql_any(_SUBJECTS),
        or_(and_(type_column == literal("'Task'"), on_task), and_(type_column == literal("'Document'"), on_document)),
    )


def _project_of(type_column: Any, id_column: Any, attribute: str) -> ColumnElement[Any]:
    at_task, at_document = tasks.alias("place_task"), documents.alias("place_document")
    return func.coalesce(
        select(at_task.c[attribute]).where(at_task.c.id == id_column, type_column == literal("'Task'")).scalar_subquery(),
        select(at_document.c[attribute])
        .where(at_document.c.id == id_column, type_column == literal("'Document'"))
        .scalar_subquery(),
    )


_comment_hits = _beside_subject(
    _hits(
        "Comment",
        _c,
        team_id=_project_of(_c.c.subject_type, _c.c.subject_id, "team_id"),
        project_id=_project_of(_c.c.subject_type, _c.c.subject_id, "project_id"),
        author_id=_c.c.author_id,
    ).where(_c.c.deleted_at.is_(None)),
    _c.c.subject_type,
    _c.c.subject_id,
    tasks.alias("comment_task"),
    documents.alias("comment_document"),
)
_said = comments.alias("file_comment")
_file_hits = _beside_subject(
    _hits(
        "Attachment",
        _a,
        type_name=_a.c.subject_type,
        target_id=_a.c.subject_id,
        team_id=_project_of(_a.c.about_type, _a.c.about_id, "team_id"),
        project_id=_project_of(_a.c.about_type, _a.c.about_id, "project_id"),
        author_id=_a.c.uploader_id,
    ).where(
        attached,
        ~exists(select(literal("1")).where(_said.c.id == _a.c.subject_id, _said.c.deleted_at.is_not(None))),
    ),
    _a.c.about_type,
    _a.c.about_id,
    tasks.alias("file_task"),
    documents.alias("file_document"),
)
_all_hits = union_all(_task_hits, _document_hits, _project_hits, _comment_hits, _file_hits).subquery("hit")
FIND: Final = Statement(
    select(*_all_hits.c).where(
        _all_hits.c.type_name == sql_any(_TYPES),
        or_(_ASSIGNEES.is_(None), _all_hits.c.assignee_id == sql_any(_ASSIGNEES)),
        or_(_LABELS.is_(None), _all_hits.c.label_ids.bool_op("&&")(_LABELS)),
        or_(_STATUSES.is_(None), and_(_all_hits.c.type_name == literal("'Task'"), _all_hits.c.status == sql_any(_STATUSES))),
        or_(_AFTER.is_(None), _all_hits.c.updated_at > _AFTER),
        or_(_BEFORE.is_(None), _all_hits.c.updated_at < _BEFORE),
    )
)
"""Hits of tasks, documents, projects, comments and files, in no order, twice `MAX_HITS` at most."""

# ── names ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

# People and teams are few to one viewer, and are found without an index: who joins is found at once, who leaves is not.
_name_word = (
    func.unnest(bindparam("names", type_=ARRAY(Text)), bindparam("name_places", type_=ARRAY(Integer)))
    .table_valued(column("text", Text), column("place", Integer), name="name_word")
    .render_derived()
)
_member = team_members.alias("named_member")


def _says_all(text: ColumnElement[Any]) -> ColumnElement[bool]:
    """For each place of the query, one of its words begins a word of the text, whose words have blanks before them."""
    is_missing = func.strpos(text, literal("' '") + _name_word.c.text) == literal("0")
    missing = select(literal("1")).select_from(_name_word).group_by(_name_word.c.place).having(func.bool_and(is_missing))
    return ~exists(missing)


def _words_of(*parts: ColumnElement[Any]) -> ColumnElement[Any]:
    text: Any = literal("' '")
    for part in parts:
        text = text + part + literal("' '")
    return func.translate(text, literal("'@._-+''()/'"), literal("'          '"), type_=Text)


_user_names = (
    select(
        literal("'User'", Text).label("type_name"),
        users.c.id.label("target_id"),
        users.c.updated_at,
        cast(users.c.status, Text).label("status"),
        users.c.name_collation.label("name"),
        users.c.email_key.label("more"),
    )
    .where(
        literal("'User'") == sql_any(_TYPES),
        shares_team(users.c.id),
        _says_all(_words_of(users.c.name_collation, users.c.email_key)),
        or_(
            _TEAMS.is_(None),
            exists(select(literal("1")).where(_member.c.user_id == users.c.id, _member.c.team_id == sql_any(_TEAMS))),
        ),
    )
    .order_by(users.c.name_collation, users.c.id)
    .limit(literal(str(MAX_NAMES)))
    .subquery("user_name")
)
_team_names = (
    select(
        literal("'Team'", Text).label("type_name"),
        teams.c.id.label("target_id"),
        teams.c.updated_at,
        _nothing_text.label("status"),
        teams.c.name_collation.label("name"),
        func.lower(teams.c.key, type_=Text).label("more"),
    )
    .where(
        literal("'Team'") == sql_any(_TYPES),
        team_visible(teams.c.id),
        _says_all(_words_of(teams.c.name_collation, func.lower(teams.c.key))),
        or_(_TEAMS.is_(None), teams.c.id == sql_any(_TEAMS)),
    )
    .order_by(teams.c.name_collation, teams.c.id)
    .limit(literal(str(MAX_NAMES)))
    .subquery("team_name")
)
_names = union_all(select(*_user_names.c), select(*_team_names.c)).subquery("named")
FIND_NAMES: Final = Statement(
    select(*_names.c).where(
        or_(_AFTER.is_(None), _names.c.updated_at > _AFTER), or_(_BEFORE.is_(None), _names.c.updated_at < _BEFORE)
    )
)
"""Users and teams whose name, address or key has all words, up to `MAX_NAMES` of each by name."""

_key = bindparam("key", type_=Text)
_ids_by_key = union(
    select(_t.c.id).where(_t.c.key == _key), select(task_aliases.c.task_id).where(task_aliases.c.key == _key)
).subquery("key_id")
FIND_KEY: Final = Statement(
    select(
        _t.c.id.label("target_id"),
        _t.c.updated_at,
        _t.c.team_id,
        _t.c.project_id,
        cast(_t.c.status, Text).label("status"),
        cast(_t.c.priority, Text).label("priority"),
        _t.c.assignee_id.label("assignee_id"),
        _t.c.creator_id.label("author_id"),
        _t.c.label_ids,
    )
    .join(_ids_by_key, _ids_by_key.c.id == _t.c.id)
    .where(
        literal("'Task'") == sql_any(_TYPES),
        _t.c.deleted_at.is_(None),
        _t.c.project_id == sql_any(visible_project_ids(_narrowed)),
        or_(_ASSIGNEES.is_(None), _t.c.assignee_id == sql_any(_ASSIGNEES)),
        or_(_LABELS.is_(None), _t.c.label_ids.bool_op("&&")(_LABELS)),
        or_(_STATUSES.is_(None), cast(_t.c.status, Text) == sql_any(_STATUSES)),
        or_(_AFTER.is_(None), _t.c.updated_at > _AFTER),
        or_(_BEFORE.is_(None), _t.c.updated_at < _BEFORE),
    )
)
"""The task that has a key, or once had it."""

_term = search_terms
_keys = bindparam("keys", type_=ARRAY(Integer))
SIMILAR_TERMS: Final = Statement(
    select(_term.c.term).where(_term.c.lookup_keys.bool_op("&&")(_keys)).limit(literal(str(MAX_SIMILAR_TERMS)))
)
"""Words that may differ from another by typing errors, given its `domain.search.typo.lookup_keys`."""
