"""The table of docs/security/mutants.md names rules and tests that there are, in the order in which they are tried."""

import ast

from tests.isolation.run_mutants import noticing_tests
from tests.support.mutants import mutants
from tests.support.server_process import ROOT


def test_the_table_names_rules_that_there_are_in_their_order() -> None:
    listed = list(noticing_tests())
    assert listed == [name for name in mutants() if name in listed]


def test_the_tests_that_notice_exist() -> None:
    for named in set(noticing_tests().values()):
        path, _, function = named.partition("::")
        tests = {
            node.name
            for node in ast.walk(ast.parse((ROOT / path).read_text()))
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)
        }
        assert function in tests, named
