"""The suite of the Backend port, over every backend of the registry and over the wrappers that are backends too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest

from synapse_cli.cache.cached import Cached
from synapse_cli.cache.memory import Memory
from synapse_cli.cascade.metered import Metered
from synapse_cli.core.budget import Budget, Meter
from synapse_cli.core.clock import SystemClock
from synapse_cli.core.completion import Completion, Facts, Finish, Price
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BackendError, ClosedPipe, Interrupted, SynapseError, TimedOut
from synapse_cli.core.ports import Backend, Emit
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.registry import BUILT_IN, load
from synapse_cli.flows.paced import Paced
from synapse_cli.profile.model import Model
from synapse_cli.profile.settings import BreakerSettings
from tests.servers import openai
from tests.servers.base import serving

ASKED = Request(messages=(Message("system", "Be brief."), Message("user", "Say something.")), params={"max_tokens": 12})
CHOICES = ("calm sea", "loud street")
PRICE = Price(Decimal("0.15"), Decimal("0.6"))
Make = Callable[[], Backend]

pytestmark = pytest.mark.filterwarnings(r"ignore:Item '\w+' on TypedDict class:UserWarning")  # LiteLLM's own types


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Model]]:
    """One model a backend, each of the real kind: a script, a GGUF file, a server on loopback."""
    from tests.encoders.tiny_encoders import bert
    from tests.local.tiny_gguf import write

    encoder = bert(tmp_path_factory.mktemp("models") / "bert.gguf")
    gguf = write(tmp_path_factory.mktemp("models") / "tiny.gguf")
    with serving(openai) as server:
        url = f"{server.url}/v1"
        yield {
            "scripted": Model(name="s", backend="scripted", options={"replies": [{"text": "some words to stream"}]}),
            "llama.cpp": Model(name="g", backend="llama.cpp", source=f"file:{gguf}", context=512, threads=1),
            "litellm": Model(name="h", backend="litellm", model="openai/gpt-4o-mini", base_url=url, price=PRICE),
            "encoder": Model(name="e", backend="encoder", source=f"file:{encoder}"),
            "student": Model(name="t", backend="student", source=f"file:{_student(encoder.with_name('t.student'))}"),
        }


def _student(path: Path) -> Path:
    from synapse_cli.backends.student_scope import scope_of
    from synapse_cli.learned.file import write
    from synapse_cli.learned.student import to_learned
    from tests.distill.students import knows

    scope = scope_of(replace(ASKED, choices=CHOICES), "", "")
    write(str(path), to_learned(knows(dict(zip(CHOICES, ("Say something.", "Be quiet!"), strict=True)), scope)))
    return path


class Choosing:
    """A tier that labels, asked what it is for: its port is the same, but it takes no request without labels."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.facts, self.count = backend.facts, backend.count

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        return self.backend.complete(replace(request, choices=CHOICES), control, emit)


def _bare(name: str, models: dict[str, Model]) -> Make:
    found = load("backends", name)
    if name in {"encoder", "student"}:
        return lambda: Choosing(found(models[name]))
    return (lambda: found(models[name], lambda: ("a-key",))) if name == "litellm" else (lambda: found(models[name]))


def _cached(make: Make, _folder: Path) -> Backend:
    return Cached(make, repr, Memory())


def _metered(make: Make, _folder: Path) -> Backend:
    return Metered(make(), Meter(Budget(dollars=Decimal(1))))


def _plain(make: Make, _folder: Path) -> Backend:
    return make()


def _spread(make: Make, folder: Path) -> Backend:
    """With two keys: chosen, guarded, and in turn."""
    model = Model(name="m", backend="litellm", model="openai/m", keys=("env:ONE", "env:OTHER"))
    paced = Paced(str(folder), BreakerSettings(), SystemClock(), pytest.fail)
    return paced.in_step(model, lambda _: make(), lambda *_: None)


WRAPPED = {"": _plain, "cached ": _cached, "metered ": _metered, "spread ": _spread}
NAMES = [f"{how}{name}" for name in BUILT_IN["backends"] for how in WRAPPED]


@pytest.fixture(params=NAMES)
def make(request: pytest.FixtureRequest, models: dict[str, Model], tmp_path_factory: pytest.TempPathFactory) -> Make:
    how, _, name = request.param.rpartition(" ")
    folder = tmp_path_factory.mktemp("state")
    return lambda: WRAPPED[f"{how} " if how else ""](_bare(name, models), folder)


@pytest.fixture(scope="module")
def kept() -> dict[str, Backend]:
    return {}


@pytest.fixture
def backend(make: Make, kept: dict[str, Backend], request: pytest.FixtureRequest) -> Backend:
    """One backend a kind for the whole module: loading is dear, and a backend lives through many calls."""
    name = request.node.callspec.params["make"]
    return kept.setdefault(name, make())


def test_an_answer_is_whole_and_says_what_it_took(backend: Backend) -> None:
    completion = backend.complete(ASKED, Control())

    assert isinstance(completion, Completion)
    assert completion.text
    assert completion.finish in get_args(Finish)
    assert completion.usage.input is not None
    assert completion.usage.input > 0
    assert completion.usage.output is not None
    assert completion.usage.output > 0
    assert completion.cost is None or completion.cost >= 0
    assert completion.confidence is None or 0 <= completion.confidence <= 1
    assert completion.latency_s >= 0


def test_the_pieces_that_were_handed_out_are_the_text(backend: Backend) -> None:
    pieces: list[str] = []

    completion = backend.complete(replace(ASKED, params={"max_tokens": 11}), Control(), pieces.append)

    assert "".join(pieces) == completion.text
    assert all(pieces)


def test_a_reader_that_goes_away_ends_the_call_with_its_own_error(backend: Backend) -> None:
    def leave(piece: str) -> None:
        raise ClosedPipe(piece)

    with pytest.raises(ClosedPipe):
        backend.complete(replace(ASKED, params={"max_tokens": 10}), Control(), leave)

    assert backend.complete(ASKED, Control()).text


def test_a_call_that_is_stopped_before_it_starts_is_interrupted(make: Make) -> None:
    control = Control()
    control.stop()

    with pytest.raises(Interrupted):
        make().complete(ASKED, control)


def test_a_call_whose_time_is_over_times_out(make: Make) -> None:
    with pytest.raises(TimedOut):
        make().complete(ASKED, Control(time.monotonic() - 1))


def test_what_is_known_without_calling(make: Make) -> None:
    facts = make().facts()

    assert isinstance(facts, Facts)
    assert facts.provider
    if facts.is_local:
        assert facts.price is not None
        assert facts.price.input == facts.price.output == 0


def test_a_longer_prompt_counts_for_more(backend: Backend) -> None:
    short = backend.count([Message("user", "one two three")])
    long = backend.count([Message("user", "one two three " * 20)])

    assert 0 < short.tokens < long.tokens


def test_threads_may_share_a_backend(backend: Backend) -> None:
    answers: list[Completion] = []
    failed: list[Exception] = []

    def ask(number: int) -> None:
        try:
            answers.append(backend.complete(replace(ASKED, params={"max_tokens": 4, "seed": number}), Control()))
        except Exception as error:  # noqa: BLE001  # a thread's failure must reach the test
            failed.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert len(answers) == 4


def test_a_prompt_of_any_text_is_answered_or_refused_in_our_words(backend: Backend) -> None:
    for text in ("", "\0", "ünï\n\n", "<|im_end|>\n<|im_start|>system", "x" * 300, "{{ braces }} {% raw %}"):
        request = replace(ASKED, messages=(Message("user", text),), params={"max_tokens": 2})
        assert "\n" not in _complaint(backend, request)


def _complaint(backend: Backend, request: Request) -> str:
    try:
        backend.complete(request, Control())
    except SynapseError as error:
        return error.message
    return ""


def test_building_touches_nothing(tmp_path: Path) -> None:
    for name in BUILT_IN["backends"]:
        options = {"replies": [{"text": "x"}]} if name == "scripted" else {}
        source = f"file:{tmp_path}/nowhere.gguf"
        load("backends", name)(Model(name="m", backend=name, source=source, model="openai/none", options=options))


def test_every_built_in_backend_is_in_this_suite(models: dict[str, Model]) -> None:
    assert set(models) == set(BUILT_IN["backends"])


def test_a_file_that_is_not_there_is_said_at_the_call_and_not_at_the_facts(tmp_path: Path) -> None:
    found = load("backends", "llama.cpp")
    backend = found(Model(name="m", backend="llama.cpp", source=f"file:{tmp_path}/nowhere.gguf"))

    assert backend.facts().is_local
    with pytest.raises(BackendError, match=r"nowhere\.gguf"):
        backend.complete(ASKED, Control())
