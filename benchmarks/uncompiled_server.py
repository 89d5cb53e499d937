"""The same server on stock Strawberry: every setting, limit and resolver, but operations run on graphql-core, uncompiled."""

import sys
from typing import Any
from unittest.mock import patch

import strawberry

import app.application
import server
from gateway.execution.executor import Executor


class UncompiledExecutor(Executor):
    """An executor without the bindings of fields, so it compiles nothing."""

    def __init__(self, schema: strawberry.Schema, *, bindings: object = None, **rest: Any) -> None:
        super().__init__(schema, **rest)


if __name__ == "__main__":
    with patch.object(app.application, "Executor", UncompiledExecutor):
        sys.exit(server.main(["api"]))
