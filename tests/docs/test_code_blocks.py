"""Every block of code in the documentation is tested: by its language here, or by a test that runs it as it stands there."""

import ast
import base64
import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
from graphql import parse, validate

from schema.error_code import ErrorCode
from schema.root import schema

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for path in [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
RUN_BY = {
    "docs/start.md": "tests/docs/test_programs.py",
    "docs/recipes/curl.md": "tests/docs/test_programs.py",
    "docs/recipes/python.md": "tests/docs/test_programs.py",
    "docs/recipes/apollo.md": "tests/docs/test_programs.py",
    "docs/recipes/urql.md": "tests/docs/test_programs.py",
    "docs/recipes/relay.md": "tests/docs/test_programs.py",
    "docs/tokens.md": "tests/docs/test_programs.py",
    "docs/files.md": "tests/docs/test_programs.py",
    "docs/sign-in.md": "tests/oauth/test_sign_in_docs.py",
    "docs/audit.md": "tests/workers/test_audit.py",
    "docs/webhooks.md": "tests/docs/test_code_blocks.py",
}
"""Who runs the programs of a page."""
EXCERPTS = {"docs/clients.md", "docs/collaboration.md", "docs/transports.md"}
"""Pages with lines out of programs, which cannot run alone."""
SHOWN_ONLY = {"console", "text", "kotlin", "swift"}
"""What a person types, what is sent, and languages that the tests have no compiler for; their operations are GraphQL blocks."""


@dataclass(frozen=True)
class Block:
    """A block of code. `label`: the words behind its language."""

    page: str
    line: int
    language: str
    label: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(path: Path) -> list[Block]:
    text = path.read_text()
    assert text.count("\n```") % 2 == 0, path
    return [
        Block(str(path.relative_to(ROOT)), text.count("\n", 0, found.start()) + 1, found[1], found[2].strip(), found[3])
        for found in re.finditer(r"^```(\w*)([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


BLOCKS = [block for path in PAGES for block in blocks_of(path)]
RUNNABLE = [each for each in BLOCKS if each.language in ("sh", "python", "js", "ts") and each.label != "sketch"]


def of_language(*languages: str) -> list[Block]:
    found = [block for block in BLOCKS if block.language in languages]
    assert found
    return found


def test_every_block_says_what_it_is() -> None:
    known = {"graphql", "json", "sh", "python", "js", "ts"} | SHOWN_ONLY
    assert [str(block) for block in BLOCKS if block.language not in known] == []


@pytest.mark.parametrize("block", of_language("graphql"), ids=str)
def test_operations_are_valid(block: Block) -> None:
    assert validate(schema._schema, parse(block.text)) == []


@pytest.mark.parametrize("block", of_language("json"), ids=str)
def test_json_is_json(block: Block) -> None:
    for line in re.split(r"\n(?=\{)", block.text.strip()):
        orjson.loads(line.replace("{ … }", "{}"))


@pytest.mark.parametrize("block", of_language("python"), ids=str)
def test_python_is_python(block: Block) -> None:
    compile(block.text, str(block), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_programs_are_run_by_a_test_that_names_their_page() -> None:
    assert {block.page for block in RUNNABLE} - EXCERPTS == RUN_BY.keys()
    for page, test in RUN_BY.items():
        assert Path(page).name in (ROOT / test).read_text(), page


def test_the_page_of_errors_has_every_code_with_its_meaning() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\d*) ?\| (.*?) \|", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)
    assert {code: meaning for code, _, meaning in rows} == ErrorCode.meanings()


def test_every_code_that_the_gateway_writes_is_one_of_the_graph() -> None:
    written = {
        (str(path.relative_to(ROOT)), code)
        for folder in ("gateway", "auth", "resolvers", "schema")
        for path in (ROOT / folder).rglob("*.py")
        for code in codes_in(ast.parse(path.read_text()))
    }
    assert {code for _, code in written} > {"ANSWER_TOO_LARGE", "RATE_LIMITED", "QUERY_TOO_DEEP"}
    assert {each for each in written if each[1] not in ErrorCode.meanings()} == set()


def codes_in(module: ast.Module) -> set[str]:
    """The constants that a module gives as codes: to the functions that make errors, and under the key `code`."""
    found: list[ast.expr | None] = []
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            position = {"coded_error": 1, "limit_extensions": 0, "BadRequest": 1}.get(node.func.id)
            found += node.args[position : position + 1] if position is not None else []
        elif isinstance(node, ast.Dict):
            found += [
                value
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and key.value == "code"
            ]
    values = [each.value for each in found if isinstance(each, ast.Constant)]
    return {value for value in values if isinstance(value, str) and value.isupper()}


def test_the_verification_of_webhooks_takes_what_was_signed_and_nothing_else() -> None:
    (block,) = [each for each in RUNNABLE if each.page == "docs/webhooks.md"]
    names: dict[str, object] = {}
    exec(compile(block.text, str(block), "exec"), names)  # noqa: S102 (a page of ours)
    verify = names["verify"]
    assert callable(verify)
    key = secrets.token_bytes(32)
    secret = "whsec_" + base64.b64encode(key).decode()

    def headers(at: float, body: bytes) -> dict[str, str]:
        signed = f"msg_1.{int(at)}.".encode() + body
        signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return {"webhook-id": "msg_1", "webhook-timestamp": str(int(at)), "webhook-signature": f"v1,AAAA v1,{signature}"}

    verify(secret, headers(time.time(), b"{}"), b"{}")
    for given, body in ((headers(time.time(), b"{}"), b"{ }"), (headers(time.time() - 900, b"{}"), b"{}")):
        with pytest.raises(ValueError, match=r"old|wrong"):
            verify(secret, given, body)


def test_every_page_is_in_the_menu_of_the_site() -> None:
    pages = {str(path.relative_to(ROOT / "docs")) for path in PAGES if path.is_relative_to(ROOT / "docs")}
    listed = re.findall(r"([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert {each for each in listed if not each.startswith("reference/")} == pages
    assert len(listed) == len(set(listed))
