"""Generates GraphQL documents that are as hard to read as their limits allow, and pieces of them put together at random.

Each shape takes a number of repetitions and a source of randomness. What a shape is good for: chains and diamonds of fragments
(work that doubles with each), conflicts (fields compared in pairs), literals and variables (coercion), directives, strings and
comments (lexing), many definitions, introspection, and roots that only one kind of operation has.
"""

import random
from collections.abc import Callable, Mapping

Shape = Callable[[int, random.Random], str]

_LEAVES = ("id", "displayName", "email", "__typename", "avatarUrl(size: 9)", "nothing", "createdAt", "teams { totalCount }")
_ENDS = ("id", "__typename", "tasks(first: 100) { nodes { id } }", "nothing", "teams { nodes { projects { nodes { name } } } }")


def _chain(times: int) -> Shape:
    """Fragments each of which spreads the next so many times."""

    def shape(count: int, rng: random.Random) -> str:
        spread = " ".join(["...F{next}"] * times)
        links = [f"fragment F{n} on User {{ {rng.choice(_LEAVES)} {spread.format(next=n + 1)} }}" for n in range(count)]
        return f"{{ viewer {{ ...F0 }} }} {' '.join(links)} fragment F{count} on User {{ {rng.choice(_ENDS)} }}"

    return shape


def _cycle(count: int, rng: random.Random) -> str:
    links = [f"fragment F{n} on User {{ id ...F{rng.randrange(count)} ...F{(n + 1) % count} }}" for n in range(count)]
    return f"{{ viewer {{ ...F0 }} }} {' '.join(links)}"


def _nested_fragments(count: int, rng: random.Random) -> str:
    body = rng.choice(_LEAVES)
    for number in range(count):
        body = f"...on {('User', 'Node', 'Entity')[number % 3]} {{ {body} id }}"
    return f"{{ viewer {{ {body} }} }}"


def _deep_fields(count: int, rng: random.Random) -> str:
    body = "id"
    for _ in range(count):
        body = rng.choice((f"owner {{ {body} }}", f"teams {{ nodes {{ {body} }} }}", f"projects {{ nodes {{ {body} }} }}"))
    return f"{{ viewer {{ {body} }} }}"


def _conflicts(count: int, rng: random.Random) -> str:
    fields = " ".join(f"a: avatarUrl(size: {rng.randrange(3)}) ...G{n % 7}" for n in range(count))
    fragments = " ".join(f"fragment G{n} on User {{ a: displayName teams(first: {n}) {{ totalCount }} }}" for n in range(7))
    return f"{{ viewer {{ {fields} }} b: viewer {{ {fields} }} }} {fragments}"


def _aliases(count: int, rng: random.Random) -> str:
    return (
        "{ " + " ".join(f"a{n}: {rng.choice(('viewer { id }', 'server { version }', '__typename'))}" for n in range(count)) + " }"
    )


def _lists(count: int, rng: random.Random) -> str:
    value = "1"
    for _ in range(count):
        value = rng.choice(("[{}]", "{{a: {}}}", "[{}, $v]", "[[{}]]")).format(value)
    return f"query ($v: Int) {{ nodes(ids: {value}) {{ id }} tasks(filter: {value}) {{ totalCount }} }}"


def _wide_input(count: int, rng: random.Random) -> str:
    parts = ", ".join(f'{{status: {{in: [OPEN, DONE]}}, title: {{contains: "{n}"}}}}' for n in range(count))
    return f"{{ tasks(filter: {{{rng.choice(('and', 'or', 'not'))}: [{parts}]}}) {{ totalCount }} }}"


def _variables(count: int, rng: random.Random) -> str:
    declared = ", ".join(f"$v{n}: [{rng.choice(('Int', 'ID!', 'TaskFilter', 'Nothing'))}] = [{n}, {n}]" for n in range(count))
    used = ", ".join(f"$v{rng.randrange(count + 1)}" for _ in range(count))
    return f"query ({declared}) {{ nodes(ids: [{used}]) {{ id }} }}"


def _directives(count: int, rng: random.Random) -> str:
    used = " ".join(
        rng.choice(("@include(if: true)", "@skip(if: $v)", "@nothing", "@defer", "@stream(initialCount: 1)"))
        for _ in range(count)
    )
    return f"query ($v: Boolean!) {{ viewer {used} {{ id {used} ...{used} {{ id }} }} }}"


def _texts(count: int, rng: random.Random) -> str:
    piece = rng.choice(("\\u0041", "\\u{1F600}", "\\ud83d\\ude00", "é", "😀", "\\\\", "\\n", "\\u{110000}", "\\x"))
    quote = rng.choice(('"', '"""'))
    return f"{{ search(query: {quote}{piece * count}{quote}) {{ totalCount }} }}"


def _noise(count: int, rng: random.Random) -> str:
    noise = "".join(rng.choice(("#c\n", ",", " ", "\t", "\r\n", "\ufeff", "#\r")) for _ in range(count))
    return noise.join(["{", "viewer", "{", "id", "}", "}"])


def _definitions(count: int, rng: random.Random) -> str:
    kinds = (
        "query Q{n} {{ viewer {{ id }} }}",
        "fragment Q{n} on User {{ id }}",
        "mutation Q{n} {{ __typename }}",
        "{{ __typename }}",
    )
    return " ".join(rng.choice((*kinds, "type T{n} {{ a: Int }}")).format(n=n // rng.choice((1, 2))) for n in range(count))


def _introspection(count: int, rng: random.Random) -> str:
    body = "name"
    for _ in range(count):
        body = rng.choice((f"fields {{ type {{ {body} }} }}", f"ofType {{ {body} name }}", f"possibleTypes {{ {body} }}"))
    return f'{{ __schema {{ types {{ {body} }} }} __type(name: "Task") {{ {body} }} }}'


def _subscriptions(count: int, rng: random.Random) -> str:
    return f"subscription {{ {' '.join(rng.choice(('changes { kind }', '...F', '__typename')) for _ in range(count))} }} fragment F on Subscription {{ changes {{ kind }} ...F }}"


def _numbers(count: int, rng: random.Random) -> str:
    digits = rng.choice("19") * count
    return f"{{ tasks(first: {rng.choice(('', '-'))}{digits}{rng.choice(('', '.5', 'e9', '.'))}) {{ totalCount }} }}"


def _unbalanced(count: int, rng: random.Random) -> str:
    return "".join(rng.choice('{}()[]:!$=@|&."#a1 \n') for _ in range(count * 10))


SHAPES: Mapping[str, Shape] = {
    "a chain of fragments": _chain(1),
    "fragments that spread each other twice": _chain(2),
    "fragments that spread each other five times": _chain(5),
    "a cycle of fragments": _cycle,
    "nested inline fragments": _nested_fragments,
    "deep fields": _deep_fields,
    "conflicts": _conflicts,
    "aliases": _aliases,
    "nested lists": _lists,
    "a wide input": _wide_input,
    "variables": _variables,
    "directives": _directives,
    "texts": _texts,
    "noise": _noise,
    "definitions": _definitions,
    "introspection": _introspection,
    "subscriptions": _subscriptions,
    "numbers": _numbers,
    "unbalanced": _unbalanced,
}
_REPETITIONS = (1, 2, 5, 15, 29, 45, 90, 119, 200, 400, 1_000, 3_000)
MAX_CHARS = 16 * 1024


def hostile_document(seed: int) -> tuple[str, str]:
    """A document and the name of its shape; every fifth is two documents cut and put together."""
    rng = random.Random(seed)
    name = rng.choice(sorted(SHAPES))
    text = SHAPES[name](rng.choice(_REPETITIONS), rng)[: MAX_CHARS + rng.choice((0, 0, 1))]
    if seed % 5 == 0:
        other = SHAPES[rng.choice(sorted(SHAPES))](rng.choice(_REPETITIONS), rng)
        text = text[: rng.randrange(len(text) + 1)] + other[rng.randrange(len(other) + 1) :][:MAX_CHARS]
    return name, text
