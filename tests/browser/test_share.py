"""The pages of share links in a browser: without JavaScript, on a phone and on a desktop, in light and dark."""

from pathlib import Path

import pytest

from tests.browser.test_graphiql import browser, demo, look, node
from tests.support.server_process import ServerProcess

pytestmark = pytest.mark.slow
__all__ = ["browser", "demo", "node"]  # fixtures


@pytest.mark.browser
async def test_whoever_has_a_link_sees_a_document_and_a_board(
    browser: dict[str, str], demo: ServerProcess, tmp_path: Path
) -> None:
    output = await look("share.mjs", browser, demo, tmp_path)
    assert output.count("axe finds nothing on the page board") == 2
    assert output.count("axe finds nothing on the page text") == 2
    assert (tmp_path / "board_desktop_dark.png").stat().st_size > 10_000
