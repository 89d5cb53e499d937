"""Who may do what, for every field of the roots: generated from the table of rules, so that a new field needs an answer here.

Four callers: nobody, somebody of another team, a guest of the team, and the owner through a token that lends everything but
the scope that guards the field. After each refusal everything is as it was.
"""

from typing import Any

import pytest

from domain.actor import ALL_SCOPES, Actor, Scope
from gateway.execution.executor import OperationRequest, OperationResult
from schema.fields import Binding
from schema.root import bindings, schema
from tests.graph.test_replay import REPLAYED
from tests.support.app import App, Person
from tests.support.graph_actions import mutate_ok, mutation_text, table_states
from tests.support.tenant_copies import create_tenant_for
from tests.support.tenants import MUTATIONS, QUERIES, SUBSCRIPTIONS, QueryCase, Tenant, create_tenant

pytestmark = pytest.mark.slow

# What an owner is refused too: signing in is tried with nonsense, and the rest is for somebody else than the owner.
_NOT_FOR_OWNERS = (
    "apiTokenCreate",
    "emailVerify",
    "factorConfirm",
    "invitationAccept",
    "notificationsUnsubscribe",
    "passwordReset",
    "passwordResetRequest",
    "pushDeviceRegister",
    "sessionCreate",
    "sessionCreateWithPasskey",
    "sessionReauthenticate",
    "sessionRefresh",
    "teamCreate",
    "userDelete",
    "userReactivate",
    "userRegister",
    "userSuspend",
)
_DELETED_FIRST = {"projectRestore": "projectDelete", "taskRestore": "taskDelete", "documentRestore": "documentDelete"}
_PUBLIC = {
    "Mutation.emailVerify",
    "Mutation.notificationsUnsubscribe",
    "Mutation.passkeyRequestCreate",
    "Mutation.passwordReset",
    "Mutation.passwordResetRequest",
    "Mutation.sessionCreate",
    "Mutation.sessionCreateWithPasskey",
    "Mutation.sessionRefresh",
    "Mutation.userRegister",
    "Query.rateLimit",
    "Query.server",
    "Query.shareLink",
    "Query.viewer",
}
_FOR_ONESELF = {"calendarFeedRotate"}  # whoever calls it changes their own
_FOR_ANYBODY = {"passkeyRequestCreate"}  # it stores nothing


@pytest.fixture(scope="module")
async def tenant(app: App) -> Tenant:
    """One tenant for all tests here: what is refused leaves it as it is."""
    return await create_tenant(app)


def bindings_of(root: str) -> dict[str, Binding]:
    """The rules of a root's fields, by their names."""
    return {name.partition(".")[2]: binding for name, binding in bindings.items() if name.startswith(f"{root}.")}


def actor_without(person: Person, scope: Any) -> Actor:
    """Somebody through a token that lends everything but one scope."""
    return Actor(user_id=person.user.id, scopes=ALL_SCOPES - {scope})


def error_code(answer: Any) -> str:
    """The code of an answer's only top-level error."""
    (error,) = answer["errors"]
    return str(error["extensions"]["code"])


def scoped_fields(root: str) -> list[str]:
    """The fields of a root that a scope guards."""
    return sorted(name for name, binding in bindings_of(root).items() if isinstance(binding.guard, Scope))


# ── the tables are whole ──────────────────────────────────────────────────────────────────────────────────────────────


def test_every_field_of_the_roots_stands_in_the_tables() -> None:
    assert set(MUTATIONS) == set(bindings_of("Mutation"))
    assert set(QUERIES) == set(bindings_of("Query"))
    assert set(SUBSCRIPTIONS) == set(bindings_of("Subscription"))


def test_what_nobody_may_ask_is_public_by_decision() -> None:
    assert {name for name, binding in bindings.items() if binding.guard == "public"} == _PUBLIC


def test_every_field_that_takes_an_id_is_asked_with_one() -> None:
    core = schema._schema
    for type_, table in ((core.query_type, QUERIES), (core.subscription_type, SUBSCRIPTIONS)):
        assert type_ is not None
        taking = {name for name, field in type_.fields.items() if {"id", "ids", "key", "nodeId"} & set(field.args)}
        assert {name for name, question in table.items() if question.id_types} == taking


# Of the rest test_replay says so, of which each is a first call of the owner's.
@pytest.mark.parametrize("name", sorted(set(MUTATIONS) - set(_NOT_FOR_OWNERS) - set(REPLAYED)))
async def test_what_others_are_refused_is_a_valid_call_of_the_owner(app: App, name: str) -> None:
    tenant = await create_tenant_for(app, name)
    if name in _DELETED_FIRST:
        await mutate_ok(app, tenant.team.owner, _DELETED_FIRST[name], **MUTATIONS[name].input(tenant))
    _assert_outcome(await execute_mutation(app, tenant.team.owner, tenant, name), name, "allowed")


# ── mutations ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def execute_mutation(app: App, person: Person | None, tenant: Tenant, name: str, actor: Actor | None = None) -> Any:
    """The answer to a mutation over the tenant's objects."""
    return await app.execute(person, mutation_text(name), actor=actor, input=MUTATIONS[name].input(tenant))


@pytest.mark.parametrize("name", sorted(MUTATIONS))
async def test_nobody_writes_without_signing_in(app: App, tenant: Tenant, name: str) -> None:
    before = await table_states(app)
    answer = await execute_mutation(app, None, tenant, name)
    if f"Mutation.{name}" in _PUBLIC:
        assert "errors" not in answer
        assert (answer["data"][name]["errors"] == []) is (name in _FOR_ANYBODY)
    else:
        assert (answer["data"], error_code(answer)) == ({name: None}, "UNAUTHENTICATED")
    assert await table_states(app) == before


@pytest.mark.parametrize("name", sorted(MUTATIONS))
async def test_somebody_of_another_team_writes_nothing_here(app: App, tenant: Tenant, name: str) -> None:
    before = await table_states(app)
    answer = await execute_mutation(app, tenant.team.outsider, tenant, name)
    _assert_outcome(answer, name, MUTATIONS[name].outsider)
    if name not in _FOR_ONESELF:
        assert await table_states(app) == before


@pytest.mark.parametrize("name", sorted(MUTATIONS))
async def test_a_guest_writes_what_guests_may(app: App, tenant: Tenant, name: str) -> None:
    before = await table_states(app)
    answer = await execute_mutation(app, tenant.team.guest, tenant, name)
    _assert_outcome(answer, name, MUTATIONS[name].guest)
    if MUTATIONS[name].guest != "allowed":
        assert await table_states(app) == before


@pytest.mark.parametrize("name", scoped_fields("Mutation"))
async def test_the_owner_writes_nothing_through_a_token_without_the_scope(app: App, tenant: Tenant, name: str) -> None:
    scope = bindings_of("Mutation")[name].guard
    before = await table_states(app)
    answer = await execute_mutation(app, None, tenant, name, actor_without(tenant.team.owner, scope))
    assert (answer["data"], error_code(answer)) == ({name: None}, "INSUFFICIENT_SCOPE")
    assert answer["errors"][0]["extensions"] == {"code": "INSUFFICIENT_SCOPE", "scope": scope}
    assert await table_states(app) == before


def _assert_outcome(answer: Any, name: str, expected: str) -> None:
    """The payload is of the expected class."""
    assert "errors" not in answer, answer["errors"]
    codes = {each["code"] for each in answer["data"][name]["errors"]}
    match expected:
        case "allowed":
            assert codes == set()
        case "INVALID":
            assert codes
            assert codes <= {"INVALID", "REQUIRED", "UNAUTHENTICATED"}
        case _:
            assert codes == {expected}


# ── queries ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def variables(question: QueryCase, tenant: Tenant) -> dict[str, Any]:
    """The variables of a question about the tenant's first object that fits."""
    return {"of": tenant.objects[question.id_types[0]]} if question.id_types else {}


@pytest.mark.parametrize("name", sorted(QUERIES))
async def test_nobody_reads_without_signing_in(app: App, tenant: Tenant, name: str) -> None:
    answer = await app.execute(None, QUERIES[name].text, **variables(QUERIES[name], tenant))
    if f"Query.{name}" in _PUBLIC:
        assert "errors" not in answer
    else:
        assert (answer["data"] or {name: None}, error_code(answer)) == ({name: None}, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name, question in QUERIES.items() for kind in question.id_types], ids="-".join
)
async def test_what_the_owner_sees_is_not_there_for_another_team(app: App, tenant: Tenant, name: str, kind: str) -> None:
    given = {"of": tenant.objects[kind]}
    seen = (await app.run(tenant.team.owner, QUERIES[name].text, **given))[name]
    assert seen not in (None, [None])
    hidden = (await app.run(tenant.team.outsider, QUERIES[name].text, **given))[name]
    assert hidden in (None, [None])


@pytest.mark.parametrize(
    "kind", ["Activity", "Attachment", "Change", "Comment", "Document", "DocumentVersion", "Project", "Task", "TaskLink"]
)
async def test_what_lies_in_a_private_project_is_not_there_for_the_rest_of_the_team(app: App, tenant: Tenant, kind: str) -> None:
    given = {"of": tenant.private_objects[kind]}
    assert (await app.run(tenant.team.owner, QUERIES["node"].text, **given))["node"] == {"id": tenant.private_objects[kind]}
    for somebody in (tenant.team.admin, tenant.team.member, tenant.team.guest):
        assert await app.run(somebody, QUERIES["node"].text, **given) == {"node": None}


async def test_lists_show_an_outsider_their_own_only(app: App, tenant: Tenant) -> None:
    lists = "{ users { nodes { id } } teams { nodes { name } } projects { nodes { name } } tasks { totalCount } }"
    seen = await app.run(tenant.team.outsider, lists)
    assert seen["users"]["nodes"] == [{"id": tenant.team.outsider.id}]
    assert seen["teams"]["nodes"] != [{"name": tenant.team.team.name}]
    assert (len(seen["teams"]["nodes"]), seen["projects"]["nodes"]) == (1, [{"name": "Elsewhere"}])
    assert seen["tasks"]["totalCount"] == 0


@pytest.mark.parametrize("name", scoped_fields("Query"))
async def test_nothing_is_read_through_a_token_without_the_scope(app: App, tenant: Tenant, name: str) -> None:
    scope = bindings_of("Query")[name].guard
    actor = actor_without(tenant.team.owner, scope)
    answer = await app.execute(None, QUERIES[name].text, actor=actor, **variables(QUERIES[name], tenant))
    assert answer["data"] == {name: None}
    assert answer["errors"][0]["extensions"] == {"code": "INSUFFICIENT_SCOPE", "scope": scope}


async def test_the_viewer_does_not_receive_themselves_without_one_of_two_scopes(app: App, tenant: Tenant) -> None:
    owner = tenant.team.owner
    for scope in (Scope.PROFILE_READ, Scope.NOTIFICATIONS_READ):
        alone = Actor(user_id=owner.user.id, scopes=frozenset({scope}))
        assert (await app.execute(None, "{ viewer { id } }", actor=alone))["data"] == {"viewer": {"id": owner.id}}
    neither = Actor(user_id=owner.user.id, scopes=ALL_SCOPES - {Scope.PROFILE_READ, Scope.NOTIFICATIONS_READ})
    answer = await app.execute(None, "{ viewer { id } }", actor=neither)
    assert (answer["data"], error_code(answer)) == ({"viewer": None}, "INSUFFICIENT_SCOPE")


@pytest.mark.parametrize("kind", QUERIES["node"].id_types)
async def test_a_node_asks_for_the_scope_of_its_type(app: App, tenant: Tenant, kind: str) -> None:
    owner = tenant.team.owner
    nothing = Actor(user_id=owner.user.id, scopes=frozenset())
    given = {"of": tenant.objects[kind]}
    refused = await app.execute(None, QUERIES["node"].text, actor=nothing, **given)
    assert (refused["data"], error_code(refused)) == ({"node": None}, "INSUFFICIENT_SCOPE")
    scope = Scope(refused["errors"][0]["extensions"]["scope"])
    enough = Actor(user_id=owner.user.id, scopes=frozenset({scope}))
    assert (await app.execute(None, QUERIES["node"].text, actor=enough, **given))["data"]["node"] == {"id": tenant.objects[kind]}


# Those of an account: see test_notification_settings.
_RELATIONS = sorted(
    name
    for name, each in bindings.items()
    if each.kind == "relation" and isinstance(each.guard, Scope) and not name.startswith("Account.")
)


@pytest.mark.parametrize("coordinate", _RELATIONS)
async def test_a_relation_with_a_scope_is_refused_without_it(app: App, tenant: Tenant, coordinate: str) -> None:
    type_name, _, field = coordinate.partition(".")
    scope = bindings[coordinate].guard
    text = f"query ($of: ID!) {{ node(id: $of) {{ ... on {type_name} {{ {field} {{ __typename }} }} }} }}"
    of = tenant.team.owner.id if type_name == "User" else tenant.objects[type_name]
    whole = await app.run(tenant.team.owner, text, of=of)
    assert whole["node"][field] is not None
    answer = await app.execute(None, text, actor=actor_without(tenant.team.owner, scope), of=of)
    assert {each["extensions"]["code"] for each in answer["errors"]} == {"INSUFFICIENT_SCOPE"}
    assert {each["extensions"]["scope"] for each in answer["errors"]} == {scope}


# ── subscriptions ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def first_event(app: App, question: QueryCase, tenant: Tenant, person: Person | None, actor: Actor | None = None) -> Any:
    """The first thing that a subscription says."""
    request = OperationRequest(query=question.text, variables=variables(question, tenant))
    results = await app.executor.subscribe(request, app.context(person, actor))
    if isinstance(results, OperationResult):
        return results.to_payload()
    try:
        return (await anext(results)).to_payload()
    finally:
        await results.aclose()


@pytest.mark.parametrize("name", sorted(SUBSCRIPTIONS))
async def test_nobody_listens_without_signing_in_or_without_the_scope(app: App, tenant: Tenant, name: str) -> None:
    assert error_code(await first_event(app, SUBSCRIPTIONS[name], tenant, None)) == "UNAUTHENTICATED"
    actor = actor_without(tenant.team.owner, bindings_of("Subscription")[name].guard)
    assert error_code(await first_event(app, SUBSCRIPTIONS[name], tenant, None, actor)) == "INSUFFICIENT_SCOPE"


async def test_an_outsider_does_not_listen_to_a_task(app: App, tenant: Tenant) -> None:
    assert error_code(await first_event(app, SUBSCRIPTIONS["taskChanged"], tenant, tenant.team.outsider)) == "NOT_FOUND"
