"""What requests of a route begin with is read once: over a restart, by models with a state, and not where it is off."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from synapse_cli.backends.llamacpp import LlamaCpp
from synapse_cli.backends.llamacpp_pool import pool
from synapse_cli.backends.llamacpp_stable import clear
from synapse_cli.core.control import Control
from synapse_cli.core.errors import ModelUnusable
from synapse_cli.core.prompt import Request

from .asking import asked, engine_of, open_model
from .recurrent_gguf import write_recurrent
from .tiny_gguf import write

SYSTEM = "the bug is in the spam " * 20


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SYNAPSE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def recurrent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recurrent(tmp_path_factory.mktemp("recurrent") / "recurrent.gguf")


def _request(question: str, tokens: int = 5) -> Request:
    return asked(question, system=SYSTEM, p_max_tokens=tokens)


def _read_by(model: LlamaCpp, request: Request) -> tuple[int, str]:
    before = engine_of(model).tokens_read
    text = model.complete(request, Control()).text
    return engine_of(model).tokens_read - before, text


def _restarted(model: Path, **settings: object) -> LlamaCpp:
    """The same model as a new process would open it."""
    pool().close()
    return open_model(model, **settings)


def test_a_route_is_read_from_disk_after_a_restart(tiny: Path, cache_folder: Path) -> None:
    cold, _ = _read_by(_restarted(tiny, prefix_cache="disk"), _request("first?"))
    warm, text = _read_by(_restarted(tiny, prefix_cache="disk"), _request("second?"))
    _, plain = _read_by(_restarted(tiny), _request("second?"))

    assert cold > 150
    assert warm < 50
    assert text == plain
    (kept,) = (cache_folder / "prefixes").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_clearing_the_cache_drops_them(tiny: Path, cache_folder: Path) -> None:
    _read_by(_restarted(tiny, prefix_cache="disk"), _request("first?"))

    assert clear(str(cache_folder)) == 1
    assert clear(str(cache_folder)) == 0
    assert _read_by(_restarted(tiny, prefix_cache="disk"), _request("second?"))[0] > 150


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "strange"])
def test_a_damaged_file_is_no_file(tiny: Path, cache_folder: Path, damage: str) -> None:
    _read_by(_restarted(tiny, prefix_cache="disk"), _request("first?"))
    (kept,) = (cache_folder / "prefixes").iterdir()
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 1
    kept.write_bytes(
        {"cut": content[:-100], "flipped": content, "emptied": b"", "strange": b"GGUF" + bytes(9000)}[damage]
    )

    again, text = _read_by(_restarted(tiny, prefix_cache="disk"), _request("second?"))
    _, plain = _read_by(_restarted(tiny), _request("second?"))

    assert again > 150
    assert text == plain
    assert _read_by(_restarted(tiny, prefix_cache="disk"), _request("third?"))[0] < 50


def test_another_model_does_not_take_it(tiny: Path, tmp_path: Path) -> None:
    _read_by(_restarted(tiny, prefix_cache="disk"), _request("first?"))
    other = write(tmp_path / "other.gguf", seed=1)

    assert _read_by(_restarted(other, prefix_cache="disk"), _request("second?"))[0] > 150


def test_a_folder_that_cannot_be_written_costs_no_answer(tiny: Path, cache_folder: Path) -> None:
    cache_folder.mkdir()
    (cache_folder / "prefixes").write_text("a file where the folder should be")

    read, text = _read_by(_restarted(tiny, prefix_cache="disk"), _request("first?"))

    assert read > 150
    assert text


def test_without_a_system_prompt_nothing_is_written_to_disk(tiny: Path, cache_folder: Path) -> None:
    _read_by(_restarted(tiny, prefix_cache="disk"), asked("a question of its own " * 20, p_max_tokens=3))

    assert not (cache_folder / "prefixes").exists()


def test_what_is_off_is_read_every_time(tiny: Path) -> None:
    model = _restarted(tiny, prefix_cache="off")
    first, text = _read_by(model, _request("first?"))
    again, same = _read_by(model, _request("first?"))

    assert first == again > 150
    assert text == same


def test_a_model_with_a_state_answers_together_as_alone(recurrent: Path) -> None:
    model = open_model(recurrent)
    requests = [asked(f"question {number}", p_max_tokens=30) for number in range(6)]
    alone = [model.complete(request, Control()).text for request in requests]

    with ThreadPoolExecutor(6) as pool_:
        together = list(pool_.map(lambda request: model.complete(request, Control()).text, requests))

    assert [text[:10] for text in together] == [text[:10] for text in alone]


def test_a_model_with_a_state_keeps_the_state_after_what_a_route_begins_with(recurrent: Path) -> None:
    model = open_model(recurrent, context=2000)
    cold, _ = _read_by(model, _request("first?"))
    warm, text = _read_by(model, _request("second one?"))
    again, same = _read_by(model, _request("second one?"))
    _, plain = _read_by(_restarted(recurrent, prefix_cache="off"), _request("second one?"))

    assert cold > 150
    assert warm < 50
    assert again < 50
    assert text == same == plain


def test_a_model_with_a_state_scores_labels_on_copies_of_it(recurrent: Path) -> None:
    model = open_model(recurrent)
    labels = ("bug", "bugs", "spam", "no", "yes", "the ham", "billing", "b", "praise", "other", "spam and bugs")
    first = model.complete(asked("which?", choices=labels), Control())
    again = model.complete(asked("which?", choices=labels), Control())

    assert first.text == again.text
    assert first.confidence == pytest.approx(again.confidence, abs=5e-3)


def test_guessing_ahead_changes_the_number_of_batches_and_not_the_answer(tiny: Path) -> None:
    """A grammar that leaves no choice repeats itself, so that every guess holds; without one, few do."""
    repeating = asked("again", grammar='root ::= ("qxzjkv"){30}')
    plain = open_model(tiny).complete(repeating, Control())
    ahead = open_model(tiny, draft="prompt-lookup")
    before = engine_of(ahead).batches_read, engine_of(ahead).tokens_read

    given = ahead.complete(repeating, Control())

    batches = engine_of(ahead).batches_read - before[0]
    assert given.text == plain.text
    assert given.usage.output == plain.usage.output
    assert batches < (given.usage.output or 0) / 2
    assert given.confidence == pytest.approx(plain.confidence, abs=5e-3)
    for number in range(8):
        free = asked(f"tell {number}", p_max_tokens=40)
        assert ahead.complete(free, Control()).text[:12] == open_model(tiny).complete(free, Control()).text[:12]


@pytest.mark.parametrize("seed", [0, 1])
def test_a_draft_model_changes_the_number_of_batches_and_not_the_answer(tiny: Path, tmp_path: Path, seed: int) -> None:
    """One with the same weights is always right, and one with others hardly ever."""
    draft = write(tmp_path / "draft.gguf", seed=seed)
    request = asked("tell me", p_max_tokens=60)
    plain = open_model(tiny).complete(request, Control())
    model = open_model(tiny, draft="small", draft_source=f"file:{draft}")
    before = engine_of(model).batches_read

    given = model.complete(request, Control())
    again = model.complete(asked("and now?", p_max_tokens=30, p_temperature=1, p_seed=1), Control())

    assert given.text[:12] == plain.text[:12]
    assert again.usage.output
    if seed == 0:
        assert engine_of(model).batches_read - before < (given.usage.output or 0) + (again.usage.output or 0)


def test_a_draft_model_of_another_family_is_refused(tiny: Path, tmp_path: Path) -> None:
    draft = write(tmp_path / "other.gguf", pieces=True)
    model = open_model(tiny, draft="other", draft_source=f"file:{draft}")

    with pytest.raises(ModelUnusable, match="vocabularies differ"):
        model.complete(asked("hi"), Control())
    assert open_model(tiny).complete(asked("hi", p_max_tokens=2), Control()).usage.output
