"""No step of the event loop takes long, whatever is done with a document that is as large as one may be."""

import hashlib

import pycrdt
import pytest

from content.errors import UpdateTooLarge
from content.guard import MAX_DOCUMENT_BYTES
from content.text import yxml
from realtime.collaboration import messages
from realtime.collaboration.messages import SyncStep
from tests.support.app import App
from tests.support.graph_actions import create_document
from tests.support.loop_steps import loop_steps, max_step_seconds
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
    with loop_steps(monkeypatch) as steps:
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
    assert steps.seconds < max_step_seconds(), steps.longest[:5]
