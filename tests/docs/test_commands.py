"""Every command explains itself, and has the flags that are promised."""

from __future__ import annotations

import re

import pytest

from synapse_cli.cli.app import COMMANDS
from synapse_cli.cli.spec import Spec, tree, walk

SPECS = {" ".join(spec.path): spec for spec in walk(tree())}
LEAVES = {name: spec for name, spec in SPECS.items() if not spec.children}
PROMISED = """
    -m/--model -r/--route --task -f/--file -s/--system -t/--template -p --tag --schema --grammar --choices --encoding
    --effort --thinking -x/--extract -o/--output --seed --param --stream --no-stream --json -v/--verbose -q/--quiet
    --no-color --max-cost --timeout --tier --max-tier --max-latency --min-quality --local-only --hosted-only --profile
    --tenant --no-host --force --debug --no-cache --refresh --cache-only --cache-ttl --no-log --dry-run -h/--help
"""
"""The flags of `synapse run` that scripts rely on."""


@pytest.mark.parametrize("name", SPECS)
def test_a_command_says_in_one_sentence_what_it_does(name: str) -> None:
    spec = SPECS[name]

    assert re.fullmatch(r"[A-Z`].{8,75}[.]", spec.summary), spec.summary
    assert all(flag.help.strip().endswith((".", ")")) for flag in spec.flags), [flag.help for flag in spec.flags]


@pytest.mark.parametrize("name", LEAVES)
def test_a_command_has_an_example_that_it_would_understand(name: str) -> None:
    examples = _examples(LEAVES[name])

    assert examples
    for call in re.findall(r"\bsynapse ([^|>]+)", "\n".join(examples)):
        spec = _called(call.split())
        known = {flag for f in spec.flags for flag in f.names}
        assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", call)) <= known, call


def test_run_has_every_flag_that_is_promised_and_no_other() -> None:
    names = {name for flag in SPECS["synapse run"].flags for name in flag.names}

    assert names == set(re.split(r"[\s/]+", PROMISED.strip()))


def test_lists_print_json_and_lines() -> None:
    lists = [spec for name, spec in LEAVES.items() if name.endswith((" list", " search"))]

    assert len(lists) >= 5
    for spec in lists:
        assert {"--json", "--jsonl"} <= {name for flag in spec.flags for name in flag.names}, spec.path


def test_the_list_of_commands_is_the_summaries_of_the_commands() -> None:
    assert [child.name for child in SPECS["synapse"].children] == list(COMMANDS)


@pytest.mark.parametrize("name", SPECS)
def test_no_flag_is_declared_twice(name: str) -> None:
    names = [flag for f in SPECS[name].flags for flag in f.names]

    assert len(names) == len(set(names))


def _examples(spec: Spec) -> list[str]:
    after = re.split(r"Examples?:\n", spec.help)
    return [line.strip() for line in after[1].splitlines() if line.startswith("  ")] if len(after) == 2 else []


def _called(words: list[str]) -> Spec:
    path = "synapse"
    for word in words:
        path = f"{path} {word}" if f"{path} {word}" in SPECS else path
    return SPECS[path]
