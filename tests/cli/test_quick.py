"""A plain command line is read without Typer exactly as Typer reads it, and anything else is left to Typer."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.cli.app import command
from synapse_cli.cli.flags import Flags
from synapse_cli.cli.quick import LISTS, SWITCHES, TEXTS, read

_WORDS = st.one_of(
    st.sampled_from([*TEXTS, *LISTS, *SWITCHES]),
    st.sampled_from(
        ["-", "a", "two words", "", "--", "-h", "--seed", "3", "--model=x", "-mx", "-qv", "--sche", "\ud800", "a=b"]
    ),
    st.text(max_size=5),
)


def _by_typer(arguments: list[str]) -> dict[str, Any] | None:
    """What Typer reads, or None where it refuses."""
    from typer import Exit
    from typer._click.exceptions import ClickException

    found = command("run")
    try:
        with found.make_context("run", list(arguments)) as context:
            return {name: _plain(value) for name, value in context.params.items()}
    except (ClickException, Exit):
        return None


def _plain(value: Any) -> Any:
    return list(value) or None if isinstance(value, list | tuple) else value


@given(st.lists(_WORDS, max_size=8))
@settings(max_examples=400, deadline=None)
def test_what_is_read_here_is_what_typer_reads(arguments: list[str]) -> None:
    quick = read(arguments)

    if quick is not None:
        assert {field.name: getattr(quick, field.name) for field in fields(Flags)} == _by_typer(arguments)


@pytest.mark.parametrize("flag", [*TEXTS, *LISTS])
def test_every_flag_that_takes_a_text_is_read_here(flag: str) -> None:
    assert read(["hello", flag, "x"]) is not None
    assert read([flag]) is None


@pytest.mark.parametrize("flag", SWITCHES)
def test_every_switch_is_read_here(flag: str) -> None:
    assert read([flag, "hello"]) is not None


@pytest.mark.parametrize(
    "line", ["-h", "--help", "--nonsense", "-qv", "--model=x", "-mx", "-- -x", "-m -x", "--seed 3"]
)
def test_what_is_not_plain_is_left_to_typer(line: str) -> None:
    assert read(line.split()) is None


def test_every_flag_is_read_here_but_the_few_that_are_rare() -> None:
    """A new flag that is in no table still works, at the price of loading Typer: put it into one."""
    named = {name for param in command("run").params for name in (*param.opts, *param.secondary_opts)}

    assert {name for name in named if name.startswith("-")} - {*TEXTS, *LISTS, *SWITCHES} == {"--seed"}
