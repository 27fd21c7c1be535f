"""Nothing that is read can run: no pickle, no eval, no shell; and nothing is read at import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.house.source import imports, modules, name_of, tree_of

UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__", "input"}


def _calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call))


def test_no_module_imports_a_way_to_run_what_it_reads() -> None:
    found = [(name_of(p), name) for p in modules() for name in imports(tree_of(p)) if name in UNSAFE_MODULES]

    assert found == []


def test_nothing_is_evaluated() -> None:
    found = [
        (name_of(path), call.func.id, call.lineno)
        for path in modules()
        for call in _calls(path)
        if isinstance(call.func, ast.Name) and call.func.id in UNSAFE_CALLS
    ]

    assert found == []


def test_no_command_goes_through_a_shell() -> None:
    found = [
        (name_of(path), call.lineno)
        for path in modules()
        for call in _calls(path)
        for keyword in call.keywords
        if keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
    ]

    assert found == []


def test_the_environment_is_not_read_at_import() -> None:
    found = [
        (name_of(path), statement.lineno)
        for path in modules()
        for statement in tree_of(path).body
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr)
        for node in ast.walk(statement)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]

    assert found == []
