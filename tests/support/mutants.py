"""A plugin of pytest that weakens one rule about rights, before anything of the product is imported.

`pytest -p tests.support.mutants --mutant persistence.stores.task:project_visible` lets everybody see what that module narrows by
that condition. Statements are made when modules are imported, so the function is exchanged before, and looks at who calls it.
"""

import ast
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

_ROOT: Final = Path(__file__).parents[2]
_CONDITIONS: Final = ("team_visible", "project_visible", "shares_team", "administers_server", "project_open_to")
_FOLDER: Final = "tests/isolation"
_SELECTIONS: Final = ("visible_project_ids", "visible_projects", "visible_project_array")


def mutants() -> Iterator[str]:
    """The names of all weakenings: each use of a condition on reads, and each way in which rights are asked for elsewhere."""
    for path in sorted((_ROOT / "persistence").rglob("*.py")):
        module = ".".join(path.relative_to(_ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "persistence.access":
                yield from (f"{module}:{each.name}" for each in node.names if each.name in (*_CONDITIONS, *_SELECTIONS))
    yield from _ELSEWHERE


def tests_of(mutant: str) -> Sequence[Sequence[str]]:
    """The tests that are to notice it, as arguments of pytest: the quickest first, and others where these do not."""
    if mutant in _OF_WRITES:
        return [["tests/graph/test_rights.py"]]
    groups = (("nodes", "subscriptions"), ("marks", "share_links"), ("ids", "side_paths", "rights_lost"))
    first = [[f"{_FOLDER}/test_{name}.py" for name in group] for group in groups]
    later = ("side_paths", "rights_lost", "ids", "explain_access", "credentials")
    return [*first, [*(f"{_FOLDER}/test_{name}.py" for name in later), "-m", "long or not long"]]


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that names a mutant."""
    parser.addoption("--mutant", help="the rule to weaken")


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Weaken the rule that is named."""
    name = early_config.known_args_namespace.mutant
    if name in _ELSEWHERE:
        _ELSEWHERE[name]()
    elif name:
        _weaken(*name.split(":"))


def _reads_are_not_narrowed() -> None:
    for function in (*_CONDITIONS, *_SELECTIONS):
        _weaken(None, function)


def _weaken(module: str | None, function: str) -> None:
    """Let what the module, or any of them, narrows by the condition be seen by everybody."""
    from sqlalchemy import any_, func, select, true

    from persistence import access
    from persistence.tables import projects

    rule: Callable[..., Any] = getattr(access, function)

    def every_project() -> Any:
        return select(projects.c.id)

    instead: Mapping[str, Callable[[], Any]] = {
        "visible_project_ids": every_project,
        "visible_project_array": lambda: func.array(every_project().scalar_subquery()),
        "visible_projects": lambda: any_(func.array(every_project().scalar_subquery())),
    }

    def weakened(*arguments: Any, **options: Any) -> Any:
        if module is not None and sys._getframe(1).f_globals["__name__"] != module:
            return rule(*arguments, **options)
        return instead.get(function, true)()

    setattr(access, function, weakened)


def _guards_admit_everybody() -> None:
    from schema import fields

    fields.check_guard = lambda guard, context: None


def _roles_grant_everything() -> None:
    from domain import permissions

    permissions.granted_actions = lambda *arguments, **options: frozenset(permissions.Action)


def _outsiders_have_a_role() -> None:
    from domain import permissions

    rule = permissions.access

    def access(actor: Any, role: Any, kind: Any, **options: Any) -> Any:
        return rule(actor, role or permissions.Role.MEMBER, kind, **options)

    permissions.access = access


def _sessions_never_end() -> None:
    from auth.tokens import AccessTokens

    async def check_active(self: Any, credentials: Any) -> None:
        """Takes every session for an open one."""

    AccessTokens.check_active = check_active  # type: ignore[method-assign]


def _tokens_have_every_scope() -> None:
    from resolvers.context import Context

    Context.require = lambda self, scope: None  # type: ignore[method-assign]


def _changes_are_sent_to_everybody() -> None:
    from resolvers.event_visibility import ChangeVisibility

    ChangeVisibility.may_see = lambda self, entry: True  # type: ignore[method-assign]


def _rooms_keep_whoever_came_in() -> None:
    from realtime.collaboration.room import Room

    Room.apply_rights = lambda self, access: None  # type: ignore[method-assign]


def _links_select_anything() -> None:
    from gateway.execution import shared_access

    shared_access.require_shared_fields = lambda *arguments: None


_OF_WRITES: Final = ("roles grant everything", "outsiders have a role")
_ELSEWHERE: Final[Mapping[str, Callable[[], None]]] = {
    "guards admit everybody": _guards_admit_everybody,
    "roles grant everything": _roles_grant_everything,
    "outsiders have a role": _outsiders_have_a_role,
    "sessions never end": _sessions_never_end,
    "tokens have every scope": _tokens_have_every_scope,
    "reads are not narrowed": _reads_are_not_narrowed,
    "changes are sent to everybody": _changes_are_sent_to_everybody,
    "rooms keep whoever came in": _rooms_keep_whoever_came_in,
    "links select anything": _links_select_anything,
}
