"""Finds edits that fall between the two halves of a surrogate pair, which Yjs and yrs apply differently.

Yjs counts text in UTF-16 units, so a character beyond U+FFFF takes two clocks. Cut between them, yjs leaves U+FFFD on either
side, while yrs keeps the character on the left and an empty string on the right: from then on positions differ between those who
had the document open and those who open it later. No editor that counts as JavaScript does writes such an edit.
"""

import re
from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Set

from content.structs import STRING, Struct

_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")


class SurrogatePairs:
    """Where a document's text has surrogate pairs: the clock of each second half, by client."""

    def __init__(self, structs: Iterable[Struct] = ()) -> None:
        self._second_halves: dict[int, array[int]] = {}
        self.add(structs)

    def add(self, structs: Iterable[Struct]) -> None:
        """Records the pairs of structs whose clocks are new."""
        for struct in structs:
            clocks = second_halves(struct)
            if not clocks:
                continue
            known = self._second_halves.setdefault(struct.client, array("Q"))
            if not known or known[-1] < clocks[0]:
                known.extend(clocks)
            else:
                for clock in clocks:
                    if not _holds(known, clock):
                        insort(known, clock)

    def are_cut(self, cuts: Mapping[int, Set[int]]) -> bool:
        """Returns whether one of these cuts, given as clocks before which something ends or begins, parts a pair."""
        for client, clocks in cuts.items():
            known = self._second_halves.get(client)
            if known is None:
                continue
            if len(known) < len(clocks):
                if any(clock in clocks for clock in known):
                    return True
            elif any(_holds(known, clock) for clock in clocks):
                return True
        return False


def second_halves(struct: Struct) -> list[int]:
    """The clocks of the second halves within a struct, in order."""
    text = struct.content
    if struct.kind != STRING or not isinstance(text, str) or text.isascii():
        return []
    first = struct.clock + 1
    return [first + found.start() + before for before, found in enumerate(_BEYOND_BMP.finditer(text))]


def _holds(clocks: "array[int]", clock: int) -> bool:
    at = bisect_left(clocks, clock)
    return at < len(clocks) and clocks[at] == clock
