"""The profiles that come with Synapse are right, say what they do, and agree with each other."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from synapse_cli.profile.draft import nano_threshold
from synapse_cli.profile.find import shipped_folder

SHIPPED = sorted(Path(shipped_folder()).glob("*.toml"))
NAMES = [path.stem for path in SHIPPED]


def test_there_is_a_default_and_some_to_learn_from():
    assert {"default", "offline", "hosted", "thrifty", "demo"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_right_and_loads_by_its_name(user, name):
    profile = user.load(name, use_compiled=False)

    assert profile.name == name
    assert profile.warnings == ()
    assert profile.defaults.route in profile.routes


@pytest.mark.parametrize("path", SHIPPED, ids=NAMES)
def test_at_least_a_line_in_five_is_a_comment_to_learn_from(path):
    lines = [line for line in path.read_text().splitlines() if line.strip()]

    assert sum("#" in line for line in lines) >= len(lines) / 5


@pytest.mark.parametrize("path", SHIPPED, ids=NAMES)
def test_it_needs_no_trust_where_it_lies_in_a_project(user, path):
    user.write("synapse.toml", path.read_text())

    assert user.load().models


def test_nano_is_believed_from_the_same_confidence_everywhere(user):
    found = set()
    for name in NAMES:
        profile = user.load(name)
        for cascade in profile.cascades.values():
            sources = {profile.models[tier].source for tier in cascade.tiers}
            rules = [rule for rule in cascade.accept if rule.kind == "confidence"]
            found |= {rule.options["min"] for rule in rules if "builtin:nano" in sources}

    assert found == {nano_threshold()}


def test_the_offline_profile_names_nothing_hosted(user):
    assert {model.source for model in user.load("offline").models.values()} == {"builtin:minilm", "builtin:nano"}


def test_commented_examples_are_right_when_they_are_uncommented(user):
    """A table that is commented out in a shipped profile is what people uncomment first."""
    for path in SHIPPED:
        blocks, block = [], []
        for line in [*path.read_text().splitlines(), ""]:
            if line.startswith("# [models.") or (block and line.startswith("# ")):
                block.append(line.removeprefix("# "))
            elif block:
                blocks.append("\n".join(block))
                block = []
        for text in blocks:
            table = tomllib.loads(text)
            user.write("mine.toml", f"extends = [{str(path)!r}]\n{text}\n")
            profile = user.load("mine.toml", use_compiled=False)

            assert set(table["models"]) <= set(profile.models), os.path.basename(path)
