"""Files that change other files: later wins, key by key, and paths belong to the file that names them."""

from __future__ import annotations

from pathlib import Path

import pytest

from synapse_cli.core.errors import ProfileError

BASE = """
[models.m]
backend = "litellm"
model = "openai/base"
timeout_s = 10
params = { temperature = 0.5, seed = 1 }
tags = ["a", "b"]
[routes.default]
use = "m"
"""


def test_later_wins_key_by_key_and_lists_are_replaced(user):
    user.write("a.toml", BASE)
    user.write("b.toml", '[models.m]\nmodel = "openai/b"\ntags = ["c"]\n')
    path = user.write("top.toml", 'extends = ["a.toml", "b.toml"]\n[models.m]\nparams = { seed = 2 }\n')

    model = user.load(path).models["m"]

    assert model.model == "openai/b"
    assert model.timeout_s == 10
    assert model.params == {"temperature": 0.5, "seed": 2}
    assert model.tags == ("c",)


def test_a_file_that_is_reached_twice_counts_once_at_its_first_place(user):
    user.write("base.toml", BASE)
    user.write("left.toml", 'extends = ["base.toml"]\n[models.m]\nmodel = "openai/left"\n')
    user.write("right.toml", 'extends = ["base.toml"]\n[models.m]\ntimeout_s = 99\n')
    path = user.write("top.toml", 'extends = ["left.toml", "right.toml"]\n')

    model = user.load(path).models["m"]

    assert (model.model, model.timeout_s) == ("openai/left", 99)


def test_paths_are_those_of_the_file_that_names_them(user):
    user.write(
        "deep/er/base.toml",
        """
[models.gguf]
backend = "llama.cpp"
source = "file:models/x.gguf"
[models.m]
backend = "litellm"
model = "openai/x"
keys = ["file:key.txt", "env:FILE"]
[models.s]
backend = "scripted"
record = "calls.jsonl"
replies = [{ match = "", text = "x" }]
[cascades.c]
tiers = ["m"]
accept = [{ kind = "schema", file = "s.json" }]
[routes.default]
use = "c"
schema = "s.json"
""",
    )
    user.write("deep/er/s.json", '{"type": "string"}')
    path = user.write(
        "top.toml", 'extends = ["deep/er/base.toml"]\n[models.other]\nbackend="llama.cpp"\nsource="file:~/y"\n'
    )

    profile = user.load(path)

    folder = user.project / "deep" / "er"
    assert profile.models["gguf"].source == f"file:{folder}/models/x.gguf"
    assert profile.models["m"].keys == (f"file:{folder}/key.txt", "env:FILE")
    assert profile.models["s"].options["record"] == f"{folder}/calls.jsonl"
    assert profile.models["s"].file == str(folder / "base.toml")
    assert profile.cascades["c"].accept[0].options["file"] == f"{folder}/s.json"
    assert profile.routes["default"].schema == {"type": "string"}
    assert profile.models["other"].source == f"file:{Path.home()}/y"


def test_a_cycle_is_an_error_that_shows_the_way_round(user):
    user.write("a.toml", 'extends = ["b.toml"]\n' + BASE)
    user.write("b.toml", 'extends = ["c.toml"]\n' + BASE)
    path = user.write("c.toml", 'extends = ["a.toml"]\n' + BASE)

    with pytest.raises(ProfileError) as refused:
        user.load(path)

    assert [problem.found for problem in refused.value.problems] == ["a cycle: c.toml → a.toml → b.toml → c.toml"]


def test_a_chain_has_an_end(user):
    for number in range(40):
        user.write(f"{number}.toml", f'extends = ["{number + 1}.toml"]\n')
    user.write("40.toml", BASE)

    with pytest.raises(ProfileError, match="too many files"):
        user.load(user.project / "0.toml")


def test_everything_that_is_wrong_with_the_files_is_said_at_once(user):
    user.write("a.toml", "x = \n")
    path = user.write("top.toml", 'extends = ["a.toml", "missing.toml"]\n')

    with pytest.raises(ProfileError) as refused:
        user.load(path)

    assert [Path(problem.file).name for problem in refused.value.problems] == ["a.toml", "missing.toml"]


def test_the_hash_changes_with_any_file_and_with_nothing_else(user):
    user.write("base.toml", BASE)
    path = user.write("top.toml", 'extends = ["base.toml"]\n')
    first, again = user.load(path).hash, user.load(path).hash
    user.write("base.toml", BASE + "\n# a remark\n")

    assert first == again
    assert user.load(path).hash != first


def test_a_profile_that_comes_with_synapse_is_extended_by_name(user):
    path = user.write("mine.toml", 'extends = ["builtin:default"]\n[models.mini]\nmodel = "openai/gpt-5"\n')
    wrong = user.write("wrong.toml", 'extends = ["builtin:../default"]\n')

    assert user.load(path).models["mini"].model == "openai/gpt-5"
    with pytest.raises(ProfileError, match="no profile of that name"):
        user.load(wrong)


def test_an_upgrade_of_synapse_does_not_end_the_trust_of_a_project(user):
    """What comes with Synapse is not part of what was trusted."""
    user.write("synapse.toml", 'extends = ["builtin:default"]\n[models.mini]\nkeys = ["cmd:pass x"]\n')
    user.synapse("trust", "--yes")

    listed = user.synapse("trust", "--list").stdout

    assert listed == f"{user.project}/synapse.toml\n"
    assert user.load().models["mini"].keys == ("cmd:pass x",)
