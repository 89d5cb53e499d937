"""Reads the links of Markdown texts without holding up the event loop."""

import asyncio
import re
from collections.abc import Sequence
from typing import Final

from content.text.link_targets import read_link_targets
from domain.reference import LinkTarget

_MAX_INLINE_CHARACTERS: Final = 4_096  # a few milliseconds


async def read_links(markdown: str | None, interesting: re.Pattern[str]) -> Sequence[LinkTarget]:
    """The addresses that a text links to and in which the pattern is found; a long text is read in a thread."""
    if not markdown:
        return ()
    if len(markdown) <= _MAX_INLINE_CHARACTERS:
        return read_link_targets(markdown, interesting)
    return await asyncio.to_thread(read_link_targets, markdown, interesting)
