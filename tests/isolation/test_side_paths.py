"""Whatever reaches people beside the answers of the graph holds no word of what they may not see when it reaches them.

Mails, pushes, exports, reports, webhooks and feeds were all begun while everybody saw everything; then some lost a private project,
and one their team. Who may read which word is stated here.
"""

from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlsplit

import pytest

from persistence.backup.blobs import named_blobs
from tests.support.principals import OTHER_WORD as OTHER
from tests.support.principals import PRIVATE_WORD as PRIVATE
from tests.support.principals import TEAM_WORD as TEAM
from tests.support.side_paths import PEOPLE, SIDE_PATHS, WORDS, House, open_house, words_in

pytestmark = pytest.mark.long

_READABLE: Final = {
    "owner": {TEAM, PRIVATE},
    "admin": {TEAM},
    "member": {TEAM, PRIVATE},
    "mate": set[str](),
    "guest": {TEAM},
    "outsider": {OTHER},
}
_NOTHING_FOR: Final = {
    "mails": {"owner", "outsider"},  # who wrote it all
    "pushes": {"owner", "outsider"},
    "inbox": {"owner", "outsider"},
    "share page": {"guest"},  # may make none
}
"""To whom a path brings no word at all."""
_ONLY_LATEST: Final = {"pushes"}
"""Several notifications are one push, with the words of the last."""


@pytest.fixture(scope="module")
async def house(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(postgres_server, tmp_path_factory.mktemp("side-paths")) as opened:
        yield opened


@pytest.mark.parametrize("path", sorted(SIDE_PATHS))
async def test_a_side_path_brings_nobody_a_word_that_is_not_for_them(house: House, path: str) -> None:
    found = {name: words_in(await SIDE_PATHS[path](house, name)) for name in PEOPLE}
    expected = {name: set() if name in _NOTHING_FOR.get(path, ()) else words for name, words in _READABLE.items()}
    if path in _ONLY_LATEST:
        assert all(found[name] <= expected[name] for name in PEOPLE)
        assert any(found.values())
    else:
        assert found == expected


async def test_a_webhook_is_sent_what_its_bot_may_see(house: House) -> None:
    bodies = " ".join(each.body.decode() for each in house.receiver.at("/hook"))
    assert words_in(bodies) == {TEAM}


async def test_logs_hold_no_words_no_tokens_and_no_addresses(house: House) -> None:
    """With a mail server that refuses for a while, and names the receiver."""
    secrets = [
        *[person.user.email_address for person in map(house.person, PEOPLE)],
        *[urlsplit(address).path for address in house.feeds.values()],
        *[urlsplit(browser.endpoint).path for browser in house.browsers.values()],
        "Bearer ",
        "eyJ",
        "whsec_",
        "signature=",
        house.receiver.url("/hook"),
    ]
    assert any("greylisted" in line for line in house.log)
    assert [line for line in house.log for each in (*WORDS, *secrets) if each in line] == []


async def test_a_backup_holds_every_file_that_there_is(house: House) -> None:
    """Or makes it anew from its row. What is in nobody's row is to be deleted, or a thumbnail, which is made when it is asked for."""
    async with house.app.resources.database.begin(snapshot=True) as connection:
        named = {each.key async for each in named_blobs(connection)}
    discarded = {row["key"] for row in await house.app.sql.fetch("SELECT key FROM discarded_blobs")}
    stored = {each.key async for each in house.app.resources.services.blobs.find("")}
    records = {key for key in stored if key.startswith("documents/") and key.endswith(".json")}
    assert stored - named - discarded - records - {key for key in stored if key.startswith("thumbnails/")} == set()
    assert named <= stored
    assert {key.partition("/")[0] for key in named} == {"attachments", "documents", "jobs"}
