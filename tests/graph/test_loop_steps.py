"""No step of the event loop takes long, whatever is done with a document that is as large as one may be."""

import base64
import hashlib
from collections.abc import Sequence
from contextlib import aclosing

import orjson
import pycrdt
import pytest

from content.errors import UpdateTooLarge
from content.guard import MAX_DOCUMENT_BYTES
from content.text import yxml
from gateway.execution.answer_size import MAX_ANSWER_BYTES
from gateway.execution.encoding import encode_in_turns
from gateway.execution.executor import OperationRequest, OperationResult
from realtime.collaboration import messages
from realtime.collaboration.messages import SyncStep
from tests.support.app import App
from tests.support.graph_actions import create_document
from tests.support.graph_collaboration import COLLABORATION_SUBSCRIPTION
from tests.support.loop_steps import require_short_steps
from tests.support.teams import SampleTeam, uuid_of
from tests.support.yjs_edits import append_to_log

pytestmark = pytest.mark.slow

_MIB = 1024 * 1024


def _paragraphs(count: int) -> list[bytes]:
    """Updates of one document, each a paragraph of 1 MiB."""
    document: pycrdt.Doc = pycrdt.Doc()  # type: ignore[type-arg]
    fragment = document.get(yxml.ROOT, type=pycrdt.XmlFragment)
    updates = []
    for nr in range(count):
        before = document.get_state()
        element = pycrdt.XmlElement("paragraph")
        fragment.children.append(element)
        element.children.append(pycrdt.XmlText(f"{nr} " + "words " * ((_MIB - 2_000) // 6)))
        updates.append(document.get_update(before))
    return updates


async def test_nothing_that_is_done_with_a_full_document_holds_up_the_loop(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await create_document(app, team)
    document_id = uuid_of(made["id"])
    *updates, beyond = _paragraphs(16)
    for each in updates:
        await append_to_log(app, document_id, each, team.member.user.id)
    services, author = app.resources.services, team.member.user.id

    async def use_it() -> None:
        async with services.rooms.room(document_id) as room:
            whole = await room.differences.compute(b"", owner=author)
            assert len(whole) > 15 * _MIB - 40_000
            assert len(messages.sync_message(SyncStep.STEP_2, whole, prefix=b"name")) == len(whole) + 10
            state = await room.state()
            for update, fits in ((beyond, True), (pycrdt.Doc({"text": pycrdt.Text("x" * _MIB)}).get_update(), False)):
                # What is known is more than there is: the document is measured.
                state._byte_size, state._measured_at = MAX_DOCUMENT_BYTES, None
                if fits:
                    await room.submit(update, author)
                else:
                    with pytest.raises(UpdateTooLarge):
                        await room.submit(update, author)
                assert 15 * _MIB < state.byte_size <= MAX_DOCUMENT_BYTES
        first, second = await services.document_objects.put_contents(document_id, whole, whole[:-1])
        assert (first, second) == (hashlib.sha256(whole).hexdigest(), hashlib.sha256(whole[:-1]).hexdigest())

    await require_short_steps(monkeypatch, use_it)


_CONTENT = "query ($id: ID!, $format: ContentFormat) { document(id: $id) { content(format: $format) { text crdt } } }"


async def _answers(app: App, team: SampleTeam, document_id: str, formats: Sequence[str]) -> dict[str, bytes]:
    """What a document is answered with in each format, and when it is opened."""
    answers: dict[str, bytes] = {}
    for format_ in formats:
        request = OperationRequest(_CONTENT, variables={"id": document_id, "format": format_})
        result = await app.executor.execute(request, app.context(team.member))
        answers[format_] = await encode_in_turns(result.to_payload())
    request = OperationRequest(COLLABORATION_SUBSCRIPTION, variables={"id": document_id, "sessionId": "one"})
    stream = await app.executor.subscribe(request, app.context(team.member))
    assert not isinstance(stream, OperationResult)
    async with aclosing(stream):
        answers["opened"] = await encode_in_turns((await anext(stream)).to_payload())
    return answers


@pytest.mark.parametrize(("paragraphs", "formats"), [(5, ["CRDT", "MARKDOWN"]), (15, ["CRDT"])])
async def test_no_step_is_long_that_answers_with_a_large_document(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch, paragraphs: int, formats: Sequence[str]
) -> None:
    await _answers(app, team, (await create_document(app, team))["id"], formats)  # compiles the operations
    made = await create_document(app, team)
    for each in _paragraphs(paragraphs):
        await append_to_log(app, uuid_of(made["id"]), each, team.member.user.id)
    encoded: dict[str, bytes] = {}

    async def ask() -> None:
        encoded.update(await _answers(app, team, made["id"], formats))

    await require_short_steps(monkeypatch, ask)
    answers = {name: orjson.loads(answer) for name, answer in encoded.items()}
    if paragraphs * _MIB > MAX_ANSWER_BYTES:
        codes = {name: [error["extensions"]["code"] for error in answer["errors"]] for name, answer in answers.items()}
        assert codes == {name: ["ANSWER_TOO_LARGE"] for name in answers}
        return
    document, opened = pycrdt.Doc(), pycrdt.Doc()  # type: ignore[var-annotated]
    document.apply_update(base64.b64decode(answers["CRDT"]["data"]["document"]["content"]["crdt"]))
    opened.apply_update(base64.b64decode(answers["opened"]["data"]["documentCollaboration"]["update"]))
    assert document.get_state() == opened.get_state()
    assert answers["MARKDOWN"]["data"]["document"]["content"]["text"].count("words") == paragraphs * ((_MIB - 2_000) // 6)
