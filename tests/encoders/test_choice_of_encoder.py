"""Which encoder does a name mean, and which is taken without one?"""

from __future__ import annotations

from pathlib import Path

import pytest

from synapse_cli.backends.encoders import encoder_kind
from synapse_cli.core.errors import UsageError
from synapse_cli.core.vectors import NOTHING, Vectors, pack
from synapse_cli.flows.encoding import MINILM, find_model, joined
from synapse_cli.profile.model import Model, Profile


def profile(*models: Model) -> Profile:
    named = {model.name: model for model in models}
    return Profile(name="p", path="", hash="", models=named, routes={}, cascades={}, templates={})


@pytest.fixture(autouse=True)
def _no_aliases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNAPSE_CONFIG_DIR", str(tmp_path))


def test_without_a_name_it_is_the_first_encoder_of_the_profile_else_minilm() -> None:
    chat = Model(name="chat", backend="llama.cpp", source="file:/c.gguf")
    own = Model(name="own", backend="encoder", source="file:/e.gguf")

    assert find_model(None, profile(chat, own)) == own
    assert find_model(None, profile(chat)) == MINILM


@pytest.mark.parametrize(
    ("name", "backend", "model"),
    [
        ("minilm", "encoder", None),
        ("builtin:minilm", "encoder", None),
        ("text-embedding-3-small", "litellm", "openai/text-embedding-3-small"),
        ("mistral/mistral-embed", "litellm", "mistral/mistral-embed"),
        ("gemini-embedding-001", "litellm", "gemini/gemini-embedding-001"),
        ("./bge.gguf", "llama.cpp", None),
        ("hf:owner/repo:Q8_0", "llama.cpp", None),
    ],
)
def test_a_name_is_a_file_a_provider_or_minilm(name: str, backend: str, model: str | None) -> None:
    found = find_model(name, profile())

    assert (found.backend, found.model) == (backend, model)


def test_a_name_that_means_nothing_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no model named 'zzz'"):
        find_model("zzz", profile())


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (Model(name="m", backend="llama.cpp", source="file:/m.gguf"), "llama.cpp"),
        (Model(name="m", backend="encoder", source="file:/m.gguf"), "llama.cpp"),
        (Model(name="m", backend="encoder", model="openai/x"), "litellm"),
        (Model(name="m", backend="litellm", model="openai/x"), "litellm"),
    ],
)
def test_files_are_encoded_here_and_names_at_their_provider(model: Model, kind: str) -> None:
    assert encoder_kind(model) == kind


def test_a_script_makes_no_vectors() -> None:
    with pytest.raises(UsageError, match="makes no vectors"):
        encoder_kind(Model(name="m", backend="scripted"))


def test_vectors_are_joined_with_what_they_took() -> None:
    one = Vectors(dimension=2, packed=pack([[1.0, 2.0]]), warnings=("cut",))
    two = Vectors(dimension=2, packed=pack([[3.0, 4.0], [5.0, 6.0]]), warnings=("cut", "slow"))
    unknown = Vectors(dimension=2, packed=pack([[7.0, 8.0]]), cost=None)

    both, all_three = joined([one, two]), joined([one, two, unknown])

    assert [both.row(number) for number in range(len(both))] == [(1.0, 2.0), (3.0, 4.0), (5.0, 6.0)]
    assert (both.warnings, both.cost) == (("cut", "slow"), 0)
    assert all_three.cost is None
    assert joined([]) == NOTHING
