"""Malformed requests: an exact status and code each, never a 500, and nothing in the log."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from gateway.http.request import MAX_NESTING_LEVELS
from tests.support.sample_graph import nested_query
from tests.support.sample_server import SampleServer

JSON = {"content-type": "application/json", "accept": "application/graphql-response+json"}
BAD_INPUT, PARSE, INVALID = "BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"
DEEP, COMPLEX = "QUERY_TOO_DEEP", "QUERY_TOO_COMPLEX"


def query_body(query: Any, **parameters: Any) -> bytes:
    return orjson.dumps({"query": query, **parameters})


def nested_filter(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"inner": value}
    return value


ECHO = "query($t:String,$n:Int,$u:UUID,$a:DateTime,$j:JSON,$c:Colour){echo(text:$t,number:$n,uuid:$u,at:$a,json:$j,colour:$c)}"
FILTER = "query($f:ItemFilter){items(filter:$f){totalCount}}"
SPREADS = "{...F0}" + "".join(f"fragment F{n} on Query{{...F{n + 1} ...F{n + 1}}}" for n in range(40))
OVERLAPS = "{" + "strict(number:1) strict(number: 1) " * 140 + "}"

BODIES: list[tuple[str, bytes, int, str]] = [
    ("nothing", b"", 400, BAD_INPUT),
    ("a space", b" ", 400, BAD_INPUT),
    ("half an object", b'{"query":', 400, BAD_INPUT),
    ("text after the object", b'{"query":"{__typename}"}x', 400, BAD_INPUT),
    ("single quotes", b"{'query':'{__typename}'}", 400, BAD_INPUT),
    ("a byte order mark", b'\xef\xbb\xbf{"query":"{__typename}"}', 400, BAD_INPUT),
    ("UTF-16", '{"query":"{__typename}"}'.encode("utf-16"), 400, BAD_INPUT),
    ("invalid UTF-8", b'{"query":"{echo(text:\\"\xff\\")}"}', 400, BAD_INPUT),
    ("NaN", b'{"query":"{__typename}","variables":{"n":NaN}}', 400, BAD_INPUT),
    ("a lone surrogate", b'{"query":"{__typename}","variables":{"t":"\\ud800"}}', 400, BAD_INPUT),
    ("brackets to the sky", b"[" * 100_000, 400, BAD_INPUT),
    ("objects to the sky", b'{"query":' * 100_000, 400, BAD_INPUT),
    ("null", b"null", 400, BAD_INPUT),
    ("a number", b"42", 400, BAD_INPUT),
    ("a string", b'"{__typename}"', 400, BAD_INPUT),
    ("a batch", b'[{"query":"{__typename}"}]', 400, BAD_INPUT),
    ("an empty batch", b"[]", 400, BAD_INPUT),
    ("an empty object", b"{}", 400, BAD_INPUT),
    ("query: null", query_body(None), 400, BAD_INPUT),
    ("query: number", query_body(1), 400, BAD_INPUT),
    ("query: list", query_body(["{__typename}"]), 400, BAD_INPUT),
    ("variables: string", query_body("{__typename}", variables="{}"), 400, BAD_INPUT),
    ("variables: list", query_body("{__typename}", variables=[]), 400, BAD_INPUT),
    ("variables: false", query_body("{__typename}", variables=False), 400, BAD_INPUT),
    ("operationName: number", query_body("{__typename}", operationName=1), 400, BAD_INPUT),
    ("operationName: unknown", query_body("{__typename}", operationName="Nope"), 400, BAD_INPUT),
    ("operationName: missing", query_body("query A{__typename} query B{__typename}"), 400, BAD_INPUT),
    ("extensions: list", query_body("{__typename}", extensions=[]), 400, BAD_INPUT),
    ("empty query", query_body(""), 400, PARSE),
    ("only a comment", query_body("# nothing"), 400, PARSE),
    ("empty selection", query_body("{}"), 400, PARSE),
    ("unclosed", query_body("{ item("), 400, PARSE),
    ("an invalid escape", query_body('{echo(text:"\\ud800")}'), 400, PARSE),
    ("a character that is none", query_body("{ item ☃ }"), 400, PARSE),
    ("only a fragment", query_body("fragment F on Query{__typename}"), 400, INVALID),
    ("a schema", query_body("type A { b: C }"), 400, INVALID),
    ("unknown field", query_body("{ nope }"), 400, INVALID),
    ("unknown argument", query_body("{ item(id:1, nope:2){id} }"), 400, INVALID),
    ("unknown type", query_body("{ ... on Nope { id } }"), 400, INVALID),
    ("unknown fragment", query_body("{ ...Nope }"), 400, INVALID),
    ("unknown directive", query_body("{ __typename @nope }"), 400, INVALID),
    ("unknown operation type", query_body("subscription { nope }"), 400, INVALID),
    ("unknown enum value", query_body("{ echo(colour: GREEN) }"), 400, INVALID),
    ("fragment cycle", query_body("{...A} fragment A on Query{...B} fragment B on Query{...A}"), 400, INVALID),
    ("a missing argument", query_body("{ item { id } }"), 400, INVALID),
    ("an object without selection", query_body("{ item(id:1) }"), 400, INVALID),
    ("a literal of the wrong type", query_body('{ strict(number:"x") }'), 400, INVALID),
    ("a literal int too big", query_body("{ strict(number: 99999999999) }"), 400, INVALID),
    ("a literal int of 5,000 digits", query_body(f"{{ strict(number: {'9' * 5000}) }}"), 400, INVALID),
    ("a page of 5,000 digits", query_body(f"{{ items(first: {'9' * 5000}){{totalCount}} }}"), 400, INVALID),
    ("a bad UUID literal", query_body('{ echo(uuid:"x") }'), 400, INVALID),
    ("a bad date literal", query_body('{ echo(at:"yesterday") }'), 400, INVALID),
    ("undefined variable", query_body("{ strict(number:$n) }"), 400, INVALID),
    ("null for what may only be left out", query_body("{ items(filter:{maybe:null}){totalCount} }"), 400, INVALID),
    ("an unfit variable type", query_body("query($n:String){ strict(number:$n) }"), 400, INVALID),
    ("hundreds of mistakes", query_body("{" + " ".join(f"x{n}" for n in range(900)) + "}"), 400, INVALID),
    ("variable missing", query_body("query($id:ID!){item(id:$id){id}}"), 400, BAD_INPUT),
    ("variable null", query_body("query($id:ID!){item(id:$id){id}}", variables={"id": None}), 400, BAD_INPUT),
    ("variable of the wrong type", query_body(ECHO, variables={"n": "1"}), 400, BAD_INPUT),
    ("variable huge", query_body(ECHO, variables={"n": 2**40}), 400, BAD_INPUT),
    ("variable beyond 64 bits", query_body(ECHO)[:-1] + b',"variables":{"n":1' + b"0" * 300 + b"}}", 400, BAD_INPUT),
    ("variable a fraction", query_body(ECHO, variables={"n": 1.5}), 400, BAD_INPUT),
    ("variable a list", query_body(ECHO, variables={"t": ["a"]}), 400, BAD_INPUT),
    ("variable a bad UUID", query_body(ECHO, variables={"u": "x"}), 400, BAD_INPUT),
    ("variable a number for a UUID", query_body(ECHO, variables={"u": 1}), 400, BAD_INPUT),
    ("variable a bad date", query_body(ECHO, variables={"a": "2026-13-45"}), 400, BAD_INPUT),
    ("variable an unknown enum value", query_body(ECHO, variables={"c": "GREEN"}), 400, BAD_INPUT),
    ("variable an unhashable enum value", query_body(ECHO, variables={"c": {}}), 400, BAD_INPUT),
    ("variable with an unknown field", query_body(FILTER, variables={"f": {"nope": 1}}), 400, BAD_INPUT),
    ("variable not an object", query_body(FILTER, variables={"f": "x"}), 400, BAD_INPUT),
    ("input nested too deeply", query_body(FILTER, variables={"f": nested_filter(MAX_NESTING_LEVELS + 1)}), 400, BAD_INPUT),
    ("U+0000 in a variable", query_body(ECHO, variables={"t": "a\0b"}), 400, BAD_INPUT),
    ("U+0000 deep in a variable", query_body(ECHO, variables={"j": [{"a": ["\0"]}]}), 400, BAD_INPUT),
    ("U+0000 in a key", query_body(ECHO, variables={"j": {"\0": 1}}), 400, BAD_INPUT),
    ("U+0000 in the query", query_body("{ __typename # \0\n}"), 400, BAD_INPUT),
    ("U+0000 escaped in a literal", query_body('{ echo(text:"a\\u0000b") }'), 400, BAD_INPUT),
    ("U+0000 in braces", query_body('{ echo(text:"a\\u{0}b") }'), 400, BAD_INPUT),
    ("too long a source", query_body("{ __typename #" + "x" * 16_384 + "\n}"), 400, COMPLEX),
    ("too long a source in bytes", query_body("{ __typename #" + "☃" * 6_000 + "\n}"), 400, COMPLEX),
    ("too many tokens", query_body("{" + "a " * 2_000 + "}"), 400, COMPLEX),
    ("too many comments", query_body("#\n" * 2_001 + "{a}"), 400, COMPLEX),
    ("too deep", query_body(nested_query(11)), 400, DEEP),
    ("braces beyond the parser", query_body("{a" * 300 + "}" * 300), 400, DEEP),
    ("too many aliases", query_body("{" + " ".join(f"a{n}:__typename" for n in range(31)) + "}"), 400, COMPLEX),
    ("too many directives", query_body("{" + "...@skip(if:false){__typename}" * 51 + "}"), 400, COMPLEX),
    ("too many root fields", query_body("{" + "__typename " * 21 + "}"), 400, COMPLEX),
    ("exponential fragments", query_body(SPREADS + "fragment F40 on Query{__typename}"), 400, COMPLEX),
    ("quadratic overlaps", query_body(OVERLAPS), 400, COMPLEX),
    ("too dear", query_body("{items(first:100){nodes{related(first:60){nodes{id}}}}}"), 400, COMPLEX),
    ("too dear by a variable", query_body("query($n:Int){items(first:$n){nodes{id}}}", variables={"n": 6000}), 400, COMPLEX),
    ("introspection in circles", query_body("{__schema{types{fields{type{fields{type{fields{name}}}}}}}}"), 400, INVALID),
    ("introspection six times", query_body("{" + " ".join(f"a{n}:__schema{{queryType{{name}}}}" for n in range(6)) + "}"), 400, COMPLEX),
    ("a subscription", query_body("subscription{count(to:1)}"), 400, BAD_INPUT),
    ("a body of more than 1 MiB", query_body("{__typename}", variables={"t": "x" * 2**20}), 413, "LIMIT_EXCEEDED"),
]  # fmt: skip

HEADERS: list[tuple[str, str, dict[str, str], int, str]] = [
    ("no content type", "POST", {"content-type": ""}, 415, BAD_INPUT),
    ("text", "POST", {"content-type": "text/plain"}, 415, BAD_INPUT),
    ("a form", "POST", {"content-type": "application/x-www-form-urlencoded"}, 415, BAD_INPUT),
    ("an upload", "POST", {"content-type": "multipart/form-data; boundary=x"}, 415, BAD_INPUT),
    ("graphql", "POST", {"content-type": "application/graphql"}, 415, BAD_INPUT),
    ("nonsense", "POST", {"content-type": ";;;"}, 415, BAD_INPUT),
    ("JSON in a form's clothes", "POST", {"content-type": "text/plain; application/json"}, 415, BAD_INPUT),
    ("another charset", "POST", {"content-type": "application/json; charset=utf-16"}, 415, BAD_INPUT),
    ("a compressed body", "POST", {"content-encoding": "gzip"}, 415, BAD_INPUT),
    ("an Accept for pages", "POST", {"accept": "text/html"}, 406, BAD_INPUT),
    ("an Accept for parts of another kind", "POST", {"accept": "multipart/mixed;deferSpec=20220824"}, 406, BAD_INPUT),
    ("an Accept that refuses all", "POST", {"accept": "*/*;q=0"}, 406, BAD_INPUT),
    ("an Accept that is none", "POST", {"accept": ";;q=x,,/"}, 406, BAD_INPUT),
    ("a length that is too long", "POST", {"content-length": "1048577"}, 413, "LIMIT_EXCEEDED"),
    ("a length that is no number", "POST", {"content-length": "many"}, 413, "LIMIT_EXCEEDED"),
    ("a length of 30 digits", "POST", {"content-length": "9" * 30}, 413, "LIMIT_EXCEEDED"),
    ("PUT", "PUT", {}, 405, BAD_INPUT),
    ("PATCH", "PATCH", {}, 405, BAD_INPUT),
    ("DELETE", "DELETE", {}, 405, BAD_INPUT),
    ("TRACE", "TRACE", {}, 405, BAD_INPUT),
    ("a method of its own", "BREW", {}, 405, BAD_INPUT),
    ("a token of bytes", "POST", {"authorization": "\xff\xfe"}, 401, "UNAUTHENTICATED"),
    ("an empty token", "POST", {"authorization": ""}, 401, "UNAUTHENTICATED"),
]  # fmt: skip

QUERY_STRINGS: list[tuple[str, str, int, str]] = [
    ("nothing", "", 400, BAD_INPUT),
    ("no query", "variables={}", 400, BAD_INPUT),
    ("an empty query", "query=", 400, PARSE),
    ("two queries", "query={a}&query={b}", 400, BAD_INPUT),
    ("broken variables", "query={__typename}&variables={", 400, BAD_INPUT),
    ("a list of variables", "query={__typename}&variables=[]", 400, BAD_INPUT),
    ("broken extensions", "query={__typename}&extensions=x", 400, BAD_INPUT),
    ("invalid UTF-8", "query=%ff", 400, BAD_INPUT),
    ("U+0000", "query={__typename}%23%00", 400, BAD_INPUT),
    ("U+0000 in a variable", 'query={__typename}&variables={"a":"%5Cu0000"}', 400, BAD_INPUT),
    ("deep variables", "query={__typename}&variables=" + '{"a":' * 100 + "1" + "}" * 100, 400, BAD_INPUT),
    ("a thousand parameters", "&".join(f"a{n}=1" for n in range(1000)), 400, BAD_INPUT),
    ("a mutation", 'query=mutation{rename(name:"x")}', 405, BAD_INPUT),
    ("a subscription", "query=subscription{count(to:1)}", 400, BAD_INPUT),
]


def code_of(answer: httpx.Response) -> str:
    """The code of the first error; every error has a message and a code, and nothing of Python's is in any."""
    assert "data" not in answer.json()
    for error in answer.json()["errors"]:
        assert isinstance(error["message"], str)
        assert len(error["message"]) < 600
        assert isinstance(error["extensions"]["code"], str)
        for word in ("Traceback", "Error(", "NoneType", "Maybe[", "<class", "dict", "encountered error"):
            assert word not in error["message"]
    return str(answer.json()["errors"][0]["extensions"]["code"])


@pytest.mark.usefixtures("no_warnings")
@pytest.mark.parametrize(("body", "status", "code"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES])
async def test_a_bad_body(http: httpx.AsyncClient, body: bytes, status: int, code: str) -> None:
    for _ in range(2):  # the second time from the cache of refused documents
        answer = await http.post("/graphql", content=body, headers=JSON)
        assert (answer.status_code, code_of(answer)) == (status, code)


@pytest.mark.usefixtures("no_warnings")
@pytest.mark.parametrize(("method", "headers", "status", "code"), [row[1:] for row in HEADERS], ids=[row[0] for row in HEADERS])
async def test_bad_headers(in_process: httpx.AsyncClient, method: str, headers: dict[str, str], status: int, code: str) -> None:
    encoded: Any = {name: value.encode("latin-1") for name, value in {**JSON, **headers}.items()}
    answer = await in_process.request(method, "/graphql", content=query_body("{__typename}"), headers=encoded)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.usefixtures("no_warnings")
@pytest.mark.parametrize(
    ("query_string", "status", "code"), [row[1:] for row in QUERY_STRINGS], ids=[row[0] for row in QUERY_STRINGS]
)
async def test_a_bad_query_string(http: httpx.AsyncClient, query_string: str, status: int, code: str) -> None:
    answer = await http.get(f"/graphql?{query_string}", headers={"accept": JSON["accept"]})
    assert (answer.status_code, code_of(answer)) == (status, code)


@pytest.mark.usefixtures("no_warnings")
async def test_the_variable_to_blame_is_named(http: httpx.AsyncClient) -> None:
    answer = await http.post("/graphql", content=query_body(ECHO, variables={"n": "x", "c": 1}), headers=JSON)
    assert [error["extensions"]["variable"] for error in answer.json()["errors"]] == ["n", "c"]


@pytest.mark.usefixtures("no_warnings")
@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query($n:Int){strict(number:$n)}", {"n": None}),
        (FILTER, {"f": {"maybe": None}}),
    ],
)
async def test_a_null_that_only_execution_meets_is_the_clients_mistake(
    http: httpx.AsyncClient, query: str, variables: dict[str, Any]
) -> None:
    answer = await http.post("/graphql", content=query_body(query, variables=variables), headers=JSON)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (200, BAD_INPUT)
    assert "Maybe" not in error["message"]


@pytest.mark.usefixtures("no_warnings")
async def test_too_large_a_page_is_said_by_the_resolver(http: httpx.AsyncClient) -> None:
    answer = await http.post("/graphql", content=query_body("{items(first:101){totalCount}}"), headers=JSON)
    assert answer.json()["errors"][0]["extensions"] == {"code": "PAGE_TOO_LARGE", "limit": 100, "path": ["first"]}


@pytest.mark.usefixtures("no_warnings")
async def test_what_only_looks_like_a_nul_is_text(http: httpx.AsyncClient) -> None:
    answer = await http.post("/graphql", content=query_body(ECHO, variables={"t": "a\\u0000b"}), headers=JSON)
    assert answer.json() == {"data": {"echo": "a\\u0000b"}}


@pytest.mark.usefixtures("no_warnings")
async def test_an_endless_body_is_cut_off(server: SampleServer) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 65_536

    async with httpx.AsyncClient() as http:
        for _ in range(3):
            answer = await http.post(server.url, content=chunks(), headers=JSON)
            assert (answer.status_code, code_of(answer), answer.headers["connection"]) == (413, "LIMIT_EXCEEDED", "close")
