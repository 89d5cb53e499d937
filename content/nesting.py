"""How deep a document's types nest, kept while updates are added: yrs follows parents by recursion, and a chain of 20,000 ends the process.

An update of 1 MiB can carry such a chain, and so can a thousand small ones, each well-formed by itself. So a room keeps a `Nesting`: for
each client the depths of its clocks, run by run. Typing adds nothing to it, as the new clocks continue a run of the same depth.
"""

from bisect import bisect_right

from content.errors import InvalidUpdate, UpdateTooLarge
from content.structs import TYPE, Id, Struct, Update

TYPES_DEEP = 64


class Nesting:
    """The depths of what a document holds: 1 for what stands in a root, one more than its parent for anything else."""

    def __init__(self) -> None:
        self._clocks: dict[int, list[int]] = {}
        self._depths: dict[int, list[int]] = {}

    def admit(self, update: Update) -> None:
        """Add an update, or raise UpdateTooLarge and stay as it was."""
        for struct, depth in self._measured(update):
            clocks = self._clocks.setdefault(struct.client, [])
            depths = self._depths.setdefault(struct.client, [])
            if not clocks or (struct.clock > clocks[-1] and depths[-1] != depth):
                clocks.append(struct.clock)
                depths.append(depth)
            elif struct.clock <= clocks[-1]:
                self._insert(clocks, depths, struct, depth)

    def _measured(self, update: Update) -> list[tuple[Struct, int]]:
        """Each struct with its depth."""
        if len(update.structs) == 1:
            struct = update.structs[0]
            up = struct.origin or struct.right
            if up is not None and struct.kind != TYPE:
                return [(struct, self._known(up))]
        places = _Places(update)
        depths: dict[Id, int] = {}
        for struct in update.structs:
            self._follow(struct, places, depths)
        return [(struct, depths[struct.client, struct.clock]) for struct in update.structs]

    def _follow(self, struct: Struct, places: "_Places", depths: dict[Id, int]) -> None:
        """Set the depth of a struct and of all that it hangs on: an own stack, as chains are as long as they like."""
        path: list[Struct] = []
        at: Struct | None = struct
        known = 0
        while at is not None:
            if (at.client, at.clock) in depths:
                known = depths[at.client, at.clock]
                break
            path.append(at)
            if len(path) > len(places.update.structs):
                raise InvalidUpdate("The update goes round in a circle.")
            up = at.parent if isinstance(at.parent, tuple) else at.origin or at.right
            at = places.find(up) if up else None
            if at is None:
                known = self._known(up) if up else 0
        for below in reversed(path):
            known += below.parent is not None
            if known > TYPES_DEEP:
                raise UpdateTooLarge("The document would nest too deep.", TYPES_DEEP)
            depths[below.client, below.clock] = known

    def _known(self, at: Id) -> int:
        clocks = self._clocks.get(at[0])
        if not clocks:
            return 1
        return self._depths[at[0]][max(bisect_right(clocks, at[1]) - 1, 0)]

    def _insert(self, clocks: list[int], depths: list[int], struct: Struct, depth: int) -> None:
        """Clocks that came before (an update sent again), or out of turn: the deeper answer stays."""
        at = bisect_right(clocks, struct.clock) - 1
        if at >= 0 and depths[at] >= depth:
            return
        if at >= 0 and clocks[at] == struct.clock:
            depths[at] = depth
            return
        clocks.insert(at + 1, struct.clock)
        depths.insert(at + 1, depth)


class _Places:
    """Finds the struct of an update that holds an id."""

    def __init__(self, update: Update) -> None:
        self.update = update
        self._starts: dict[int, list[int]] = {}
        self._structs: dict[int, list[Struct]] = {}
        for struct in update.structs:
            self._starts.setdefault(struct.client, []).append(struct.clock)
            self._structs.setdefault(struct.client, []).append(struct)

    def find(self, at: Id) -> Struct | None:
        starts = self._starts.get(at[0])
        if starts is None:
            return None
        index = bisect_right(starts, at[1]) - 1
        if index < 0:
            return None
        struct = self._structs[at[0]][index]
        return struct if at[1] < struct.clock + struct.length else None
