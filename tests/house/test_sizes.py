"""A module of 400 lines or a function of 60 needs its reason in a list here."""

from __future__ import annotations

import ast

from tests.house.source import modules, name_of, tree_of

LONGEST_MODULE = 400
LONGEST_FUNCTION = 60
REASONS_FOR_MODULES: dict[str, str] = {}
REASONS_FOR_FUNCTIONS: dict[str, str] = {}


def test_no_module_is_too_long_without_a_reason() -> None:
    lengths = {name_of(path): path.read_text(encoding="utf-8").count("\n") for path in modules()}

    long = {name: length for name, length in lengths.items() if length > LONGEST_MODULE}

    assert set(long) == set(REASONS_FOR_MODULES)


def test_no_function_is_too_long_without_a_reason() -> None:
    long = {
        f"{name_of(path)}.{node.name}"
        for path in modules()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    }

    assert long == set(REASONS_FOR_FUNCTIONS)
