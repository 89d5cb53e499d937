"""The statements that find users, teams and tasks by their names and keys, and words that are written almost alike.

People and teams are few to one viewer, and are found without an index: who joins a team is found by it at once, and who leaves is
not.
"""

from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    Text,
    bindparam,
    cast,
    column,
    exists,
    func,
    null,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy import any_ as sql_any
from sqlalchemy import literal_column as literal

from domain.search.tokens import ARABIC_LETTERS, TATWEEL
from persistence.access import shares_team, team_visible, visible_project_array
from persistence.engine.statement import Statement
from persistence.search.parameters import AFTER, ASSIGNEES, BEFORE, LABELS, STATUSES, TEAMS, TYPES, narrowed
from persistence.tables import search_terms, task_aliases, tasks, team_members, teams, users

MAX_NAMES: Final = 50
MAX_SIMILAR_TERMS: Final = 500
_SEPARATORS: Final = "@._-+'\u2019()/,&\u00b7:;!?\"\x01\x02"
# Characters of the first that have none in the second are left out.
_REPLACED = literal("'" + (_SEPARATORS + "".join(ARABIC_LETTERS) + TATWEEL).replace("'", "''") + "'", Text)
_REPLACEMENTS = literal("'" + " " * len(_SEPARATORS) + "".join(ARABIC_LETTERS.values()) + "'", Text)
_t = tasks
_nothing_text = cast(null(), Text)

_name_word = (
    func.unnest(bindparam("names", type_=ARRAY(Text)), bindparam("name_places", type_=ARRAY(Integer)))
    .table_valued(column("text", Text), column("place", Integer), name="name_word")
    .render_derived()
)
_member = team_members.alias("named_member")


def _says_all(text: ColumnElement[Any]) -> ColumnElement[bool]:
    """For each place of the query, one of its words is in the text, whose words have blanks before them."""
    is_missing = func.strpos(text, _name_word.c.text) == literal("0")
    places: Select[Any] = select(literal("1")).select_from(_name_word).group_by(_name_word.c.place)
    return ~exists(places.having(func.bool_and(is_missing)))


def _words_of(*parts: ColumnElement[Any]) -> ColumnElement[Any]:
    """Texts with a blank before each word, and letters as `domain.search.tokens` has them."""
    text: Any = literal("' '")
    for part in parts:
        text = text + part + literal("' '")
    return func.translate(text, _REPLACED, _REPLACEMENTS, type_=Text)


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
        literal("'User'") == sql_any(TYPES),
        shares_team(users.c.id),
        # The last name first, and without a blank, as Chinese and Japanese names are written.
        _says_all(_words_of(users.c.name_collation, users.c.email_key, users.c.last_name + users.c.first_name)),
        or_(
            TEAMS.is_(None),
            exists(select(literal("1")).where(_member.c.user_id == users.c.id, _member.c.team_id == sql_any(TEAMS))),
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
        literal("'Team'") == sql_any(TYPES),
        team_visible(teams.c.id),
        _says_all(_words_of(teams.c.name_collation, func.lower(teams.c.key))),
        or_(TEAMS.is_(None), teams.c.id == sql_any(TEAMS)),
    )
    .order_by(teams.c.name_collation, teams.c.id)
    .limit(literal(str(MAX_NAMES)))
    .subquery("team_name")
)
_names = union_all(select(*_user_names.c), select(*_team_names.c)).subquery("named")
FIND_NAMES: Final = Statement(
    select(*_names.c).where(
        or_(AFTER.is_(None), _names.c.updated_at > AFTER), or_(BEFORE.is_(None), _names.c.updated_at < BEFORE)
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
        literal("'Task'") == sql_any(TYPES),
        _t.c.deleted_at.is_(None),
        _t.c.project_id == sql_any(visible_project_array(narrowed)),
        or_(ASSIGNEES.is_(None), _t.c.assignee_id == sql_any(ASSIGNEES)),
        or_(LABELS.is_(None), _t.c.label_ids.bool_op("&&")(LABELS)),
        or_(STATUSES.is_(None), cast(_t.c.status, Text) == sql_any(STATUSES)),
        or_(AFTER.is_(None), _t.c.updated_at > AFTER),
        or_(BEFORE.is_(None), _t.c.updated_at < BEFORE),
    )
)
"""The task that has a key, or once had it."""

_term = search_terms
_keys = bindparam("keys", type_=ARRAY(Integer))
SIMILAR_TERMS: Final = Statement(
    select(_term.c.term).where(_term.c.lookup_keys.bool_op("&&")(_keys)).limit(literal(str(MAX_SIMILAR_TERMS)))
)
"""Words that may differ from another by typing errors, given its `domain.search.typo.lookup_keys`."""
