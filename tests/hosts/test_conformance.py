"""A backend in a host is a backend: the suite of the port, over each kind that lives in one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from synapse_cli.backends.host.client import Hosted
from synapse_cli.core.ports import Backend
from synapse_cli.profile.model import Model
from tests.conformance.test_backends import (
    Choosing,
    Make,
    models,
    pytestmark,
    test_a_call_that_is_stopped_before_it_starts_is_interrupted,
    test_a_call_whose_time_is_over_times_out,
    test_a_longer_prompt_counts_for_more,
    test_a_prompt_of_any_text_is_answered_or_refused_in_our_words,
    test_a_reader_that_goes_away_ends_the_call_with_its_own_error,
    test_an_answer_is_whole_and_says_what_it_took,
    test_the_pieces_that_were_handed_out_are_the_text,
    test_threads_may_share_a_backend,
    test_what_is_known_without_calling,
)
from tests.hosts.conftest import short_folder
from tests.hosts.home import Home, own

__all__ = [
    "models",
    "pytestmark",
    "test_a_call_that_is_stopped_before_it_starts_is_interrupted",
    "test_a_call_whose_time_is_over_times_out",
    "test_a_longer_prompt_counts_for_more",
    "test_a_prompt_of_any_text_is_answered_or_refused_in_our_words",
    "test_a_reader_that_goes_away_ends_the_call_with_its_own_error",
    "test_an_answer_is_whole_and_says_what_it_took",
    "test_the_pieces_that_were_handed_out_are_the_text",
    "test_threads_may_share_a_backend",
    "test_what_is_known_without_calling",
]


@pytest.fixture(scope="module", autouse=True)
def one_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """One host of each kind for the whole module."""
    root = tmp_path_factory.mktemp("home")
    with short_folder() as runtime, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("XDG_", "SYNAPSE_"))]:
            patch.delenv(name)
        patch.setenv("HOME", str(root))
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        made = Home(Path(root))
        yield made
        assert made.warnings == []
        made.end()


@pytest.fixture(params=["scripted", "llama.cpp", "litellm", "encoder"])
def make(request: pytest.FixtureRequest, models: dict[str, Model], one_home: Home) -> Make:  # pytest's way
    model: Model = models[request.param]
    keys = (lambda: ("a-key",)) if model.backend == "litellm" else None

    def made() -> Backend:
        kind = "litellm" if model.backend == "litellm" else "local"
        hosted = Hosted(model, kind, in_process=lambda: own(model, keys), keys=keys, warn=one_home.warnings.append)
        return Choosing(hosted) if model.backend == "encoder" else hosted

    return made


@pytest.fixture
def backend(make: Make) -> Backend:
    return make()
