"""The pages of the authorization server in a browser, on a phone and on a desktop: without JavaScript, and with passkeys."""

from pathlib import Path

import pytest

from tests.browser.test_graphiql import browser, demo, look, node
from tests.support.server_process import ServerProcess

pytestmark = pytest.mark.slow
__all__ = ["browser", "demo", "node"]  # fixtures


async def test_a_person_signs_in_to_an_app_without_javascript(
    browser: dict[str, str],
    demo: ServerProcess,
    tmp_path: Path,
) -> None:
    output = await look("sign_in.mjs", browser, demo, tmp_path)
    assert output.count("Signed in on a ") == 2
    assert output.count("axe finds nothing on ") == 4
    for page in ("sign_in", "consent"):
        for size in ("phone", "desktop"):
            assert (tmp_path / f"{page}_{size}.png").stat().st_size > 5_000


@pytest.mark.browser
async def test_a_person_adds_a_passkey_and_signs_in_with_it(
    browser: dict[str, str],
    demo: ServerProcess,
    tmp_path: Path,
) -> None:
    output = await look("passkeys.mjs", browser, demo, tmp_path)
    assert output.count("A passkey came and went on a ") == 2
    assert output.count("axe finds nothing on ") == 3
