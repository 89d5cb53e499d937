"""What is written to leave the text it stands in is refused with a code, or stored and given back as it was; wherever text is taken."""

import gc
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from domain.collation import is_blank, visible
from gateway.execution.executor import OperationRequest, OperationResult
from gateway.http.request import BadRequest, from_body
from schema.error_code import ErrorCode
from tests.support.app import App
from tests.support.injections import COUNT, Injection, injections
from tests.support.input_positions import InputPosition, input_positions, subscription_positions, text_arguments
from tests.support.loop_steps import MAX_STEP_SECONDS, LoopSteps, loop_steps, max_step_seconds
from tests.support.tenants import Tenant, create_tenant

_CODES = {each.value for each in ErrorCode} - {"INTERNAL"}
_POSITIONS = [*input_positions(), *subscription_positions()]
_PLACEHOLDER = "the value at the position"


@dataclass
class Outcomes:
    """How many were answered by each code, with `data`, or `stored`; and what may not be, with its case."""

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


Drawn = tuple[InputPosition, Injection]


def some_at_every_position(count: int) -> Iterator[Drawn]:
    """So many payloads at each position, and others at its neighbours."""
    for number, position in enumerate(_POSITIONS):
        for each in range(count):
            yield position, injections()[(number * count + each) % COUNT]


def these_at_every_coordinate(chosen: Sequence[Injection]) -> Iterator[Drawn]:
    """The payloads at one position of each coordinate."""
    for position in {each.coordinate: each for each in _POSITIONS}.values():
        for injection in chosen:
            yield position, injection


async def inject(app: App, tenant: Tenant, drawn: Iterable[Drawn], steps: LoopSteps) -> Outcomes:
    """Send payloads at positions, as the bytes of a body."""
    outcomes = Outcomes()
    gc.disable()  # a collection takes longer than any step, the more, the more tests have run before
    for position, injection in drawn:
        try:
            request = from_body(_body(position, tenant, injection))
        except BadRequest as refused:
            outcomes.counts[refused.code] += 1
            continue
        answer = await _answer(app, tenant, request)
        payload = None
        if position.name.startswith("Mutation.") and answer.get("data"):
            (payload,) = answer["data"].values()
        errors = [*answer.get("errors", ()), *(payload["errors"] if payload else ())]
        codes = [error["extensions"]["code"] if "extensions" in error else error["code"] for error in errors]
        outcomes.counts.update(codes or ["data"])
        problem = ""
        if not set(codes) <= _CODES:
            problem = f"answered {errors}"
        elif steps.seconds > MAX_STEP_SECONDS and (held := await _held_again(app, tenant, request, steps)):
            problem = f"held the loop: {held}"
        elif payload and not errors and injection.text is not None:
            outcomes.counts["stored"] += 1
            problem = await _difference(app, tenant, position, injection.text, payload)
        if problem:
            outcomes.problems.append(f"{position.name} given {injection.json[:100]}: {problem}")
    gc.enable()
    return outcomes


def _body(position: InputPosition, tenant: Tenant, injection: Injection) -> bytes:
    body = orjson.dumps({"query": position.operation, "variables": position.variables_with(tenant, _PLACEHOLDER)})
    return body.replace(orjson.dumps(_PLACEHOLDER), injection.json.encode())


async def _held_again(app: App, tenant: Tenant, request: OperationRequest, steps: LoopSteps) -> str:
    """The step that takes too long each time; nothing where another program had slowed the machine."""
    for _ in range(3):
        steps.longest.clear()
        await _answer(app, tenant, request)
        if steps.seconds <= max_step_seconds():
            return ""
    return str(steps.longest[0])


async def _answer(app: App, tenant: Tenant, request: OperationRequest) -> Any:
    assert request.query is not None
    context = app.context(tenant.team.owner)
    if not request.query.startswith("subscription"):
        return orjson.loads((await app.executor.execute(request, context)).to_json())
    results = await app.executor.subscribe(request, context)
    if isinstance(results, OperationResult):
        return orjson.loads(results.to_json())
    await results.aclose()
    return {"data": None}


async def _difference(app: App, tenant: Tenant, position: InputPosition, text: str, payload: Any) -> str:
    """In what the payload, and what a query reads afterwards, differ from what was sent; nothing where they do not."""
    if position.path[-1] == "clientMutationId" and payload["clientMutationId"] != text:
        return f"echoed {payload['clientMutationId']!r}"
    if position.echo is None:
        return ""
    name, type_name, echoed = position.echo
    made = payload[name]
    if made[echoed] not in (text, visible(text), None if is_blank(text) else text):
        return f"stored {made!r}"
    query = f"query ($id: ID!) {{ node(id: $id) {{ ... on {type_name} {{ {echoed} }} }} }}"
    read = await _answer(app, tenant, OperationRequest(query=query, variables={"id": made["id"]}))
    return "" if read["data"]["node"] in (None, {}, {echoed: made[echoed]}) else f"read {read}"


@pytest.fixture(scope="module")
async def tenant(app: App) -> Tenant:
    return await create_tenant(app)


def test_every_argument_that_holds_text_is_a_position() -> None:
    assert {_argument(each.name) for each in _POSITIONS} == text_arguments()


def _argument(name: str) -> str:
    """`Type.field(argument)` of a position's name."""
    field_, _, argument = name.partition("(")
    return f"{field_}({argument.rstrip(')').partition('.')[0]})"


@pytest.mark.slow
async def test_what_is_injected_is_refused_or_stored_as_it_was(
    app: App, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with loop_steps(monkeypatch) as steps:
        outcomes = await inject(app, tenant, some_at_every_position(2), steps)
    assert outcomes.problems == []
    assert {"data", "stored", "BAD_USER_INPUT", "INVALID", "NOT_FOUND", "TOO_LONG", "REQUIRED"} <= outcomes.counts.keys()
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR or each.exc_info] == []
