"""Checks updates against what a document holds, and records that while updates are added.

*Depth*: yrs follows parents by recursion, and a chain of 20,000 ends the process. An update of 1 MiB can carry such a chain,
and so can a thousand small ones, each well-formed by itself.

*Blocks*: a rich text consists of XML elements and texts. At anything else directly in an element or fragment pycrdt stops
reading the blocks behind it, while yjs skips it and editors delete it or fail. So nothing else is let in.

*Text*: U+0000 cannot be stored in Postgres, and an edit between the halves of a surrogate pair reads differently in yjs and yrs
(`content.surrogate_pairs`). *Cost*: see `content.update_cost`.

An item names its parent only where it has no neighbours; otherwise it stands where they do. So a room keeps a `StructureCheck`,
which holds for each client the places of its clocks, run by run. Typing adds nothing to it, as new clocks continue a run of the
same place. Clocks that are known stay what they are, as in Yjs, whatever a later update claims of them.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final

from content.errors import InvalidUpdate, UpdateTooLarge
from content.structs import DELETED, GC, SKIP, TYPE, XML_ELEMENT, XML_FRAGMENT, XML_TEXT, Id, Range, Struct, Update
from content.surrogate_pairs import SurrogatePairs
from content.update_cost import Cuts, UpdateCost

MAX_TYPE_DEPTH: Final = 64

# A place is a depth (1 for children of a root, one more than the parent for all else), shifted, with two flags in the low bits.
_HOLDS: Final = 1  # it is an element or a fragment itself
_AMONG: Final = 2  # it stands among the blocks of one
_DEPTH: Final = 2
_UNKNOWN: Final = 0
_GONE: Final = 1 << _DEPTH  # garbage collected, or within what is, or unknown


class StructureCheck:
    """What a document holds, as far as it decides what may be added: places of items, surrogate pairs, long runs, deletions."""

    def __init__(self) -> None:
        self._pairs = SurrogatePairs()
        self._cost = UpdateCost()
        self._clocks: dict[int, list[int]] = {}
        self._places: dict[int, list[int]] = {}
        self._ends: dict[int, int] = {}

    def admit(self, update: Update, *, stored: bool = False) -> list[Range]:
        """Adds an update, or raises and leaves the check as it was.

        Raises UpdateTooLarge (depth), InvalidUpdate (foreign blocks, U+0000, half surrogate pairs) or TooExpensive. Of what was
        `stored` already the ranges of foreign blocks are returned instead, for readers to leave out. What the update builds on
        must be there (`guard.builds_on_missing`): items whose neighbours and parents are unknown pass.
        """
        placed = self._placed(update)
        new = [struct for struct, _, _ in placed]
        foreign = [found for struct, place, other in placed if (found := self._foreign(struct, place | other))]
        if not stored:
            if foreign:
                raise InvalidUpdate("Only elements and texts of XML may stand among the blocks of a text.")
            require_storable(update)
            cuts = self._cuts(update, new)
            if cuts and (self._pairs.are_cut(cuts) or SurrogatePairs(new).are_cut(cuts)):
                raise InvalidUpdate("The update parts the two halves of a surrogate pair.")
            self._cost.require_affordable(update, new, cuts)
        for struct, place, _ in placed:
            self._add(struct, place)
        self._pairs.add(new)
        self._cost.add(new, update.deletes)
        return foreign

    def require_affordable(self, update: Update) -> float:
        """Returns an upper bound on the CPU seconds of applying an update (`content.update_cost`). Raises TooExpensive.

        `admit` checks this too. A caller who splits an update must check the whole before the first piece is admitted.
        """
        new = [struct for struct in update.structs if not self.knows(struct)]
        return self._cost.require_affordable(update, new, self._cost.cuts(update, new))

    def _cuts(self, update: Update, new: Iterable[Struct]) -> Cuts:
        """Returns where an update cuts items: by client, the clocks before which something ends or begins."""
        cuts = self._cost.cuts(update, new)
        for struct in new:
            known = self._ends.get(struct.client, 0)
            if struct.clock < known < struct.clock + struct.length:
                cuts.setdefault(struct.client, set()).add(known)
        return cuts

    def _placed(self, update: Update) -> list[tuple[Struct, int, int]]:
        """Returns each new struct with its place and that of its right neighbour, which differs only in forged updates."""
        if len(update.structs) == 1:
            struct = update.structs[0]
            if struct.origin is not None and struct.kind != TYPE and struct.clock == self._ends.get(struct.client, 0):
                place = self.at(struct.origin) & ~_HOLDS
                if place:
                    return [(struct, place, self.at(struct.right) if struct.right else 0)]
        return list(_Placing(self, update).each())

    def _foreign(self, struct: Struct, place: int) -> Range | None:
        """Returns the clocks of a struct that is not XML but stands among blocks."""
        if not place & _AMONG or struct.kind in (GC, DELETED):
            return None
        if struct.kind == TYPE and isinstance(struct.content, tuple) and struct.content[0] in (XML_ELEMENT, XML_TEXT):
            return None
        end, known = struct.clock + struct.length, self._ends.get(struct.client, 0)
        first = known if struct.clock < known < end else struct.clock
        return struct.client, first, end - first

    def at(self, where: Id) -> int:
        """Returns the place of a clock, 0 where it is unknown."""
        if where[1] >= self._ends.get(where[0], 0):
            return _UNKNOWN
        return self._places[where[0]][bisect_right(self._clocks[where[0]], where[1]) - 1]

    def knows(self, struct: Struct) -> bool:
        """Returns whether all clocks of a struct are known."""
        if struct.clock >= self._ends.get(struct.client, 0):
            return False
        last = struct.clock + struct.length - 1
        return self.at((struct.client, last)) != _UNKNOWN and self.at((struct.client, struct.clock)) != _UNKNOWN

    def cut(self, struct: Struct) -> int:
        """Returns the place of the last known clock of a struct whose other clocks are new: these will stand behind it."""
        end = self._ends.get(struct.client, 0)
        return self.at((struct.client, end - 1)) if struct.clock < end < struct.clock + struct.length else _UNKNOWN

    def _add(self, struct: Struct, place: int) -> None:
        clocks, places = self._clocks.setdefault(struct.client, []), self._places.setdefault(struct.client, [])
        start, end = self._ends.get(struct.client, 0), struct.clock + struct.length
        if struct.clock < start:
            self._fill(clocks, places, struct, place)
        elif struct.clock > start and (not places or places[-1] != _UNKNOWN):
            clocks.append(start)
            places.append(_UNKNOWN)
        if end > start:
            if not places or places[-1] != place:
                clocks.append(max(start, struct.clock))
                places.append(place)
            self._ends[struct.client] = end

    def _fill(self, clocks: list[int], places: list[int], struct: Struct, place: int) -> None:
        """Sets the places of clocks that came out of order, where they were unknown."""
        end = min(struct.clock + struct.length, self._ends[struct.client])
        at = max(bisect_right(clocks, struct.clock) - 1, 0)
        while at < len(clocks) and clocks[at] < end:
            if places[at] == _UNKNOWN:
                first = max(clocks[at], struct.clock)
                after = clocks[at + 1] if at + 1 < len(clocks) else self._ends[struct.client]
                runs = [(clocks[at], _UNKNOWN)] if clocks[at] < first else []
                runs += [(first, place), *([(end, _UNKNOWN)] if end < after else [])]
                clocks[at : at + 1] = [clock for clock, _ in runs]
                places[at : at + 1] = [value for _, value in runs]
                at += len(runs) - 1
            at += 1


class _Placing:
    """Finds the places of the structs of one update."""

    def __init__(self, structure: StructureCheck, update: Update) -> None:
        self._nesting = structure
        self._found: dict[Id, int] = {}
        self._starts: dict[int, list[int]] = {}
        self._structs: dict[int, list[Struct]] = {}
        self._new = [struct for struct in update.structs if struct.kind != SKIP and not structure.knows(struct)]
        for struct in self._new:
            self._starts.setdefault(struct.client, []).append(struct.clock)
            self._structs.setdefault(struct.client, []).append(struct)

    def each(self) -> Iterator[tuple[Struct, int, int]]:
        for struct in self._new:
            if (struct.client, struct.clock) not in self._found:
                self._follow(struct)
            place = self._found[struct.client, struct.clock]
            yield struct, place, (self._at(struct.right) if struct.right else 0) | self._nesting.cut(struct)

    def _follow(self, struct: Struct) -> None:
        """Sets the place of a struct and of all that it refers to, with a stack of its own, since chains may be long."""
        path = [struct]
        while path:
            at = path[-1]
            needed = self._needed(at)
            if needed is None:
                self._found[at.client, at.clock] = self._place(at)
                path.pop()
                continue
            path.append(needed)
            if len(path) > len(self._new):
                raise InvalidUpdate("The update goes round in a circle.")

    def _needed(self, struct: Struct) -> Struct | None:
        """Returns the struct of the update that must be placed first."""
        for reference in (struct.parent, struct.origin, struct.right):
            if isinstance(reference, tuple):
                other = self._find(reference)
                if other is not None and (other.client, other.clock) not in self._found:
                    return other
        return None

    def _place(self, struct: Struct) -> int:
        parent = struct.parent
        if parent is not None:
            if isinstance(parent, str):
                place, holds = 0, is_rich_text_root(parent)
            else:
                place = self._at(parent) or _GONE
                holds = bool(place & _HOLDS)
            place = ((place >> _DEPTH) + 1 << _DEPTH) | (_AMONG if holds and struct.key is None else 0)
        else:
            place = (self._at(struct.origin) if struct.origin else _UNKNOWN) & ~_HOLDS
            if place in (_UNKNOWN, _GONE) and struct.right:
                place = self._at(struct.right) & ~_HOLDS
            place = place or _GONE
        place |= self._nesting.cut(struct) & _AMONG
        if place >> _DEPTH > MAX_TYPE_DEPTH:
            raise UpdateTooLarge("The document would nest too deep.", MAX_TYPE_DEPTH)
        if struct.kind == TYPE and isinstance(struct.content, tuple) and struct.content[0] in (XML_ELEMENT, XML_FRAGMENT):
            place |= _HOLDS
        return place

    def _at(self, where: Id) -> int:
        known = self._nesting.at(where)
        if known != _UNKNOWN:
            return known
        struct = self._find(where)
        return self._found[struct.client, struct.clock] if struct is not None else _UNKNOWN

    def _find(self, where: Id) -> Struct | None:
        starts = self._starts.get(where[0])
        if starts is None:
            return None
        index = bisect_right(starts, where[1]) - 1
        if index < 0:
            return None
        struct = self._structs[where[0]][index]
        return struct if where[1] < struct.clock + struct.length else None


def require_storable(update: Update) -> None:
    """Raises InvalidUpdate where an update holds U+0000: no version, preview or event of such a document could be stored."""
    if update.has_nul:
        raise InvalidUpdate("The update holds U+0000, which cannot be stored.")


def is_rich_text_root(root: str) -> bool:
    """Returns whether the name of a root is that of a rich text (`content.text.yxml`) or of a slide's body."""
    return root == "default" or root.startswith("slide:")
