"""Whatever a file holds, it becomes a profile or an error that says what is wrong: nothing else happens."""

from __future__ import annotations

from pathlib import Path

import tomli_w
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from synapse_cli.core.errors import Problem, ProfileError
from synapse_cli.profile.find import shipped_folder

QUIET = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

WORDS = (
    *(
        "models",
        "routes",
        "cascades",
        "templates",
        "budget",
        "cache",
        "ledger",
        "defaults",
        "schema",
        "extends",
        "hosts",
    ),
    *(
        "backend",
        "source",
        "model",
        "base_url",
        "headers",
        "keys",
        "price",
        "input",
        "output",
        "context",
        "gpu",
        "tags",
    ),
    *("use", "run", "fallback", "system", "template", "when", "task", "regex", "keywords", "glob", "prompt_over"),
    *("tiers", "accept", "kind", "min", "max_attempts", "on_budget", "prompt", "version", "per_run", "ttl", "max_size"),
    *("enabled", "text", "keep", "route", "max_input", "replies", "record", "match", "limits", "examples", "policy"),
    *("threads", "timeout_s", "params", "a", "b", "default"),
)
TEXTS = (
    "llama.cpp",
    "litellm",
    "scripted",
    "encoder",
    "builtin:nano",
    "hf:a/b",
    "file:x",
    "a",
    "b",
    "confidence",
    "schema",
    "(",
    "\x1b[2K\n",
    "\x00",
    "",
    "90s",
    "1 USD",
    "env:A",
    "cmd:x",
    "é" * 90,
)
leaves = st.one_of(
    st.sampled_from(TEXTS),
    st.integers(-(10**20), 10**20),
    st.booleans(),
    st.floats(),
    st.dates(),
    st.text(max_size=8),
)
keys = st.one_of(st.sampled_from(WORDS), st.text(max_size=6))
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=5)),
    max_leaves=25,
)
tables = st.dictionaries(keys, values, max_size=6)
named = st.dictionaries(st.sampled_from(["a", "b", "default", "x\n"]), tables, max_size=3)
plausible = st.fixed_dictionaries(
    {},
    optional={
        "schema": leaves,
        "models": named,
        "routes": named,
        "cascades": named,
        "templates": named,
        "budget": tables,
        "cache": tables,
        "ledger": tables,
        "defaults": tables,
        "extends": values,
    },
)


def problems_of(user, choice: str | None) -> tuple[Problem, ...]:
    """Nothing for a profile, at least one problem for an error; whatever else is raised fails the test."""
    try:
        user.load(choice, use_compiled=False)
    except ProfileError as error:
        return error.problems or (Problem("", "", "", ""),)
    return ()


def load_both_ways(user, path: Path) -> None:
    """Load it as a user's and as a stranger's; both end in a profile or in a ProfileError of whole lines."""
    for choice in (str(path), None):
        for problem in problems_of(user, choice):
            assert str(problem).isprintable()
            assert problem.found
            assert problem.expected


@QUIET
@example({"cascades": {"a": {"models": [], "accept": ["llama.cpp"]}}})
@example({"cascades": {"a": {"tiers": ["x", 3], "accept": 3}}})
@given(plausible)
def test_any_table_is_a_profile_or_an_error(user, table):
    load_both_ways(user, user.write("synapse.toml", tomli_w.dumps(table)))


@QUIET
@given(st.binary(max_size=60))
def test_any_bytes_are_a_profile_or_an_error(user, content):
    load_both_ways(user, user.write("synapse.toml", content))


@QUIET
@given(st.data())
def test_any_damage_to_a_shipped_profile_is_a_profile_or_an_error(user, data):
    path = data.draw(st.sampled_from(sorted(Path(shipped_folder()).glob("*.toml"))))
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 40)))
    put = data.draw(st.one_of(st.binary(max_size=5), st.sampled_from(TEXTS).map(str.encode)))

    load_both_ways(user, user.write("synapse.toml", content[:start] + put + content[end:]))


def test_a_thousand_mistakes_are_counted_and_two_hundred_shown(user):
    path = user.write("synapse.toml", "".join(f"key{number} = 1\n" for number in range(20_000)))

    shown = problems_of(user, str(path))

    assert len(shown) == 201
    assert "19801 more mistakes" in shown[-1].found


def test_folders_are_made_for_their_owner_only(user, tmp_path):
    user.env["SYNAPSE_CACHE_DIR"] = str(tmp_path / "new" / "cache")

    user.load("offline")

    made = [tmp_path / "new", tmp_path / "new" / "cache", tmp_path / "new" / "cache" / "profiles"]
    assert [oct(folder.stat().st_mode & 0o777) for folder in made] == ["0o700"] * 3
