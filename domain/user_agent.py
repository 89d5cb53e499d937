"""Names the device of a session after its User-Agent header, for people who look for a session that is not theirs.

Only the few browsers and systems that nearly everybody uses are known; of anything else the name of the first product is shown.
What a client says of itself proves nothing.
"""

import re
from typing import Final

# The first that is found counts: Edge and Opera call themselves Chrome too, and Chrome calls itself Safari.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Version", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
_PRODUCT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+ -]{0,39}(?=/|$)")


def describe_device(user_agent: str | None) -> str | None:
    """A name such as `Firefox on Windows` or `okhttp`; None when there is nothing to name it after."""
    if not user_agent:
        return None
    if not user_agent.startswith("Mozilla/"):
        product = _PRODUCT.match(user_agent)
        return product.group().strip() if product else None
    browser = next((name for token, name in _BROWSERS if f"{token}/" in user_agent or f"{token}A/" in user_agent), None)
    system = next((name for token, name in _SYSTEMS if token in user_agent), None)
    return " on ".join(each for each in (browser or ("Browser" if system else None), system) if each) or None
