"""The ranks with which clients are tested are those that the domain makes (`clients/typescript/tests/vectors/ranks.json`)."""

import json
import random
from pathlib import Path

from domain import rank

VECTORS = Path(__file__).parents[2] / "clients/typescript/tests/vectors/ranks.json"


def _vectors() -> list[list[str | None]]:
    """Neighbours and the rank between them: ends, both ways, one place again and again, and places drawn by a seed."""
    drawn = random.Random(19)
    found: list[list[str | None]] = []

    def put(ranks: list[str], place: int) -> None:
        low = ranks[place - 1] if place else None
        high = ranks[place] if place < len(ranks) else None
        made = rank.between(low, high)
        found.append([low, high, made])
        ranks.insert(place, made)

    at_end: list[str] = []
    at_front: list[str] = []
    in_between: list[str] = []
    anywhere: list[str] = []
    for number in range(200):
        put(at_end, number)
        put(at_front, 0)
        put(in_between, min(number, 1))
        put(anywhere, drawn.randrange(number + 1))
    for low, high in (
        ("z" + "z" * 26, None),
        (None, "A" + "0" * 26 + "V"),
        ("Zz", None),
        (None, "a0"),
        ("a0", "a0V"),
        ("zZ" + "z" * 25, None),
    ):
        found.append([low, high, rank.between(low, high)])
    return found


def test_the_vectors_are_what_the_domain_makes() -> None:
    assert json.loads(VECTORS.read_text()) == _vectors()


if __name__ == "__main__":
    VECTORS.write_text("[\n" + ",\n".join(json.dumps(each) for each in _vectors()) + "\n]\n")
