"""Where the items of a document stand, kept while updates are added: how deep, and whether among the blocks of a rich text.

*How deep*: yrs follows parents by recursion, and a chain of 20,000 ends the process. An update of 1 MiB can carry such a chain,
and so can a thousand small ones, each well-formed by itself.

*Among blocks*: a rich text is made of XML elements and texts. Where something else stands directly in an element or fragment,
pycrdt ends its walk and reads no block behind it, while yjs passes it over and editors delete it or fail. So nothing else is let
in.

An item says what it stands in only where it has no neighbours: else it is where they are, and so a room keeps a `StructureCheck`:
for each client the places of its clocks, run by run. Typing adds nothing to it, as the new clocks continue a run of the same
place. Clocks that are known already stay what they are, as in Yjs, whatever an update says of them when it comes again.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final

from content.errors import InvalidUpdate, UpdateTooLarge
from content.structs import DELETED, GC, SKIP, TYPE, XML_ELEMENT, XML_FRAGMENT, XML_TEXT, Id, Range, Struct, Update
from content.surrogate_pairs import SurrogatePairs
from content.update_cost import Cuts, UpdateCost

TYPES_DEEP: Final = 64

# A place: the depth (1 for what stands in a root, one more than its parent for anything else), shifted, and what else is to be
# known.
_HOLDS: Final = 1  # it is an element or a fragment itself
_AMONG: Final = 2  # it stands among the blocks of one
_DEPTH: Final = 2
_UNKNOWN: Final = 0
_GONE: Final = 1 << _DEPTH  # collected, or within what is; or nobody knows


class StructureCheck:
    """What a document holds, as far as it decides what may be added: places, surrogate pairs, and long runs."""

    def __init__(self) -> None:
        self._pairs = SurrogatePairs()
        self._cost = UpdateCost()
        self._clocks: dict[int, list[int]] = {}
        self._places: dict[int, list[int]] = {}
        self._ends: dict[int, int] = {}

    def admit(self, update: Update, *, stored: bool = False) -> list[Range]:
        """Add an update, or raise and stay as it was: UpdateTooLarge, or InvalidUpdate where something that is not XML would
        stand among blocks. Of what was `stored` already such things are answered, to be left out by who reads.

        What the update builds on is to be there, which `guard.missing` tells: items whose neighbours and parents are unknown
        pass.
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
        """CPU seconds, at most, that yrs takes to apply an update to the document (`content.update_cost`). Raises TooExpensive.

        `admit` asks this too; who splits an update before it is admitted must ask beforehand, of the whole.
        """
        new = [struct for struct in update.structs if not self.knows(struct)]
        return self._cost.require_affordable(update, new, self._cost.cuts(update, new))

    def _cuts(self, update: Update, new: Iterable[Struct]) -> Cuts:
        """Where an update parts items: the clocks before which something ends or begins, by client."""
        cuts = self._cost.cuts(update, new)
        for struct in new:
            known = self._ends.get(struct.client, 0)
            if struct.clock < known < struct.clock + struct.length:
                cuts.setdefault(struct.client, set()).add(known)
        return cuts

    def _placed(self, update: Update) -> list[tuple[Struct, int, int]]:
        """Each struct that is new with its place, and that of its right neighbour, which is another only in what somebody
        forged."""
        if len(update.structs) == 1:
            struct = update.structs[0]
            if struct.origin is not None and struct.kind != TYPE and struct.clock == self._ends.get(struct.client, 0):
                place = self.at(struct.origin) & ~_HOLDS
                if place:
                    return [(struct, place, self.at(struct.right) if struct.right else 0)]
        return list(_Placing(self, update).each())

    def _foreign(self, struct: Struct, place: int) -> Range | None:
        """The clocks of a struct that is not XML, and stands among blocks."""
        if not place & _AMONG or struct.kind in (GC, DELETED):
            return None
        if struct.kind == TYPE and isinstance(struct.content, tuple) and struct.content[0] in (XML_ELEMENT, XML_TEXT):
            return None
        end, known = struct.clock + struct.length, self._ends.get(struct.client, 0)
        first = known if struct.clock < known < end else struct.clock
        return struct.client, first, end - first

    def at(self, where: Id) -> int:
        """The place of a clock, 0 where it is unknown."""
        if where[1] >= self._ends.get(where[0], 0):
            return _UNKNOWN
        return self._places[where[0]][bisect_right(self._clocks[where[0]], where[1]) - 1]

    def knows(self, struct: Struct) -> bool:
        """Whether all of a struct came before."""
        if struct.clock >= self._ends.get(struct.client, 0):
            return False
        last = struct.clock + struct.length - 1
        return self.at((struct.client, last)) != _UNKNOWN and self.at((struct.client, struct.clock)) != _UNKNOWN

    def cut(self, struct: Struct) -> int:
        """The place of the last clock that is known of a struct whose other clocks are new: these come to stand behind it."""
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
        """Clocks that came out of turn: those are set that were unknown."""
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

    def __init__(self, nesting: StructureCheck, update: Update) -> None:
        self._nesting = nesting
        self._found: dict[Id, int] = {}
        self._starts: dict[int, list[int]] = {}
        self._structs: dict[int, list[Struct]] = {}
        self._new = [struct for struct in update.structs if struct.kind != SKIP and not nesting.knows(struct)]
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
        """Set the place of a struct and of all that it hangs on: an own stack, as chains are as long as they like."""
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
        """What of the update itself must be placed first."""
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
                place, holds = 0, is_text(parent)
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
        if place >> _DEPTH > TYPES_DEEP:
            raise UpdateTooLarge("The document would nest too deep.", TYPES_DEEP)
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
    """Raise InvalidUpdate where an update holds U+0000: no version, preview or event of such a document could be stored."""
    if update.has_nul:
        raise InvalidUpdate("The update holds U+0000, which cannot be stored.")


def is_text(root: str) -> bool:
    """Whether a root is a rich text by its name: `content.text.yxml`, or the body of a slide (`content.presentation`)."""
    return root == "default" or root.startswith("slide:")
