"""`make audit` asks about every locked package, and fails where one has a known vulnerability or nobody answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from typing import Any

import pytest

from tests.dependencies.audit import ROOT, Package, locked_packages, main
from tests.support.backing_services import free_port


@contextmanager
def osv(vulnerable: dict[str, list[str]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A service that answers as OSV does and knows these identifiers by names of packages: its address, and what it is asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            queries = json.loads(self.rfile.read(int(self.headers["content-length"])))["queries"]
            asked.extend(queries)
            known = [vulnerable.get(each["package"]["name"], []) for each in queries]
            body = json.dumps({"results": [{"vulns": [{"id": id_} for id_ in ids]} if ids else {} for ids in known]}).encode()
            self.send_response(200 if self.path == "/v1/querybatch" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", free_port()), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def test_every_locked_package_is_asked_about() -> None:
    with osv({}) as (service, asked):
        assert main(["--service", service]) == 0
    packages = {Package(each["package"]["ecosystem"], each["package"]["name"], each["version"]) for each in asked}
    assert packages == locked_packages(ROOT)
    assert len(asked) == len(packages)
    for name in ("starlette", "uvloop", "pillow", "ruff"):
        assert Package("PyPI", name, version(name)) in packages
    locked = json.loads((ROOT / "clients" / "package-lock.json").read_text())["packages"]
    for name in ("yjs", "@tiptap/core", "react"):
        assert Package("npm", name, locked[f"node_modules/{name}"]["version"]) in packages
    assert not any(each.name.startswith("@pantherahive/") for each in packages)


def test_a_known_vulnerability_is_named_and_fails_the_audit(capsys: pytest.CaptureFixture[str]) -> None:
    with osv({"pillow": ["GHSA-1", "PYSEC-2"]}) as (service, _):
        assert main(["--service", service]) == 1
    named = capsys.readouterr().out.splitlines()
    assert [line.split() for line in named[:-1]] == [
        ["PyPI", "pillow", version("pillow") + ":", id_] for id_ in ("GHSA-1", "PYSEC-2")
    ]
    assert named[-1].endswith(" 2 vulnerabilities that are not accepted")


def test_an_audit_that_nobody_answers_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--service", f"http://127.0.0.1:{free_port()}"]) == 2
    assert capsys.readouterr().err.startswith("Not audited: ")
