"""What `-m` means: a profile's model, a file, provider/id, or a name from the price catalogue."""

from __future__ import annotations

import os

import pytest

from synapse_cli.core.errors import UsageError
from synapse_cli.profile.load import ad_hoc_model

CATALOGUE = {"gpt-5-mini": "openai/gpt-5-mini"}


def model(user, name: str):
    profile = user.load()
    return ad_hoc_model(name, profile, CATALOGUE.get)


def test_a_name_of_the_profile_comes_first(user):
    assert model(user, "mini") == user.load().models["mini"]


@pytest.mark.parametrize("name", ["nano", "builtin:nano"])
def test_nano_is_there_without_a_profile_that_names_it(user, name):
    user.write("p.toml", '[models.x]\nbackend="litellm"\nmodel="openai/x"\n[routes.default]\nuse="x"\n')

    found = ad_hoc_model(name, user.load("p.toml"), CATALOGUE.get)

    assert (found.backend, found.source) == ("llama.cpp", "builtin:nano")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("x.gguf", os.path.abspath("x.gguf")),
        ("./x", os.path.abspath("x")),
        ("a/b.gguf", os.path.abspath("a/b.gguf")),
        ("~/m.gguf", os.path.expanduser("~/m.gguf")),
        ("/abs/x.gguf", "/abs/x.gguf"),
        ("file:/abs/x", "/abs/x"),
    ],
)
def test_a_path_is_a_local_model(user, name, path):
    found = model(user, name)

    assert (found.backend, found.source, found.trusted) == ("llama.cpp", f"file:{path}", True)


@pytest.mark.parametrize("name", ["openai/gpt-5-mini", "openrouter/openai/gpt-5", "ollama/llama3:8b"])
def test_a_slash_means_provider_and_id(user, name):
    found = model(user, name)

    assert (found.backend, found.model, found.keys, found.base_url) == ("litellm", name, (), None)


def test_a_bare_name_is_looked_up_in_the_catalogue(user):
    found = model(user, "gpt-5-mini")

    assert (found.name, found.model) == ("gpt-5-mini", "openai/gpt-5-mini")


@pytest.mark.parametrize("name", ["hf:a/b/c.gguf", "hf:a/b:Q4_K_M@v1", "https://x/y.gguf"])
def test_what_can_be_pulled_is_a_local_model(user, name):
    found = model(user, name)

    assert (found.backend, found.source) == ("llama.cpp", name)


def test_an_alias_comes_after_the_profile_and_before_everything_else(user):
    names = {"mini": "hf:a/b", "gpt-5-mini": "hf:c/d:Q8_0", "loop": "loop"}

    def meant(name: str):
        return ad_hoc_model(name, user.load(), CATALOGUE.get, alias=names.get)

    assert meant("mini").backend == "litellm"
    assert (meant("gpt-5-mini").source, meant("gpt-5-mini").name) == ("hf:c/d:Q8_0", "gpt-5-mini")
    with pytest.raises(UsageError, match="no model named 'loop'"):
        meant("loop")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mnii", "did you mean 'mini'?"),
        ("thrifty", "choose a route that uses it"),
        ("zzzz", "known in the profile: minilm, nano, mini"),
        ("openai/", "provider/id"),
    ],
)
def test_what_means_nothing_is_a_usage_error(user, name, hint):
    with pytest.raises(UsageError) as refused:
        model(user, name)

    assert refused.value.exit_code == 2
    assert hint in refused.value.hint


def test_the_catalogues_nearest_name_is_offered_where_the_profile_has_none(user):
    with pytest.raises(UsageError) as refused:
        ad_hoc_model("gpt-5-mnii-large", user.load(), CATALOGUE.get, lambda _name: ["gpt-5-mini", "gpt-5"])

    assert refused.value.hint == "did you mean 'gpt-5-mini' or 'gpt-5'?"
