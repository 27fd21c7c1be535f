"""Requests that are answered at once share one batch and what was read before, and do not change each other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from synapse_cli.backends.gguf import read_header
from synapse_cli.backends.llamacpp import LlamaCpp
from synapse_cli.backends.llamacpp_answer import write as task_of
from synapse_cli.backends.llamacpp_engine import Engine
from synapse_cli.backends.llamacpp_job import Job
from synapse_cli.backends.llamacpp_prompt import prepare
from synapse_cli.backends.llamacpp_seat import Answer
from synapse_cli.backends.llamacpp_settings import Settings
from synapse_cli.backends.sampling import parse
from synapse_cli.core.control import Control
from synapse_cli.core.errors import Interrupted, Unavailable
from synapse_cli.core.ports import Emit
from synapse_cli.core.prompt import Request

from .asking import asked, engine_of, open_model
from .raw import Raw
from .tiny_gguf import write

NOISE = 0.05
"""Logits of up to 18, as random weights give them, move by .013 with the batch: flash attention counts in 16 bits."""
SYSTEM = "the bug is in the spam " * 20


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> LlamaCpp:
    """Some milliseconds a token, so that others come while it writes."""
    model = open_model(write(tmp_path_factory.mktemp("slow") / "slow.gguf", width=512, layers=6))
    model.complete(asked("warm up", p_max_tokens=1), Control())
    return model


def _ask(engine: Engine, request: Request, emit: Emit | None = None, control: Control | None = None) -> Answer:
    """Ask an engine that was opened for this test, without pool and profile."""
    control, header = control or Control(), read_header(engine.settings.path)
    with engine.in_use():
        prompt = prepare(engine.vocabulary, header.chat_template, request.messages, control)
        job = Job(engine, header, request, parse(request.params), prompt, control)
        return engine.answer(lambda hand_out: task_of(job, hand_out), control, emit)


def _read_by(model: LlamaCpp, *requests: Request) -> int:
    """Tokens that llama.cpp was given for these requests, one after the other."""
    before = engine_of(model).tokens_read
    for request in requests:
        model.complete(request, Control())
    return engine_of(model).tokens_read - before


def _wandering(text: str, tokens: int, seed: int = 1) -> Request:
    return asked(text, p_max_tokens=tokens, p_temperature=3, p_seed=seed, p_top_k=0, p_min_p=0, p_top_p=1)


def test_what_is_written_is_what_a_plain_loop_writes(tiny: Path, backend: LlamaCpp) -> None:
    raw = Raw(tiny)
    requests = [asked(f"question {number}", p_max_tokens=24) for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda request: backend.complete(request, Control()).text, requests))

    for request, answer in zip(requests, answers, strict=True):
        prompt = prepare(raw.vocabulary, read_header(str(tiny)).chat_template, request.messages, Control())
        tokens, leads = raw.greedy(prompt.tokens, 24)
        ends = next((place for place, token in enumerate(tokens) if raw.vocabulary.is_end(token)), 24)
        sure = next((place for place, lead in enumerate(leads[:ends]) if lead < NOISE), ends)
        expected = b"".join(raw.vocabulary.piece(token) for token in tokens[:sure])
        assert sure > 3
        assert answer.encode()[: len(expected) - 3] == expected.decode("utf-8", "replace").encode()[: len(expected) - 3]


def test_a_short_answer_does_not_wait_for_the_end_of_a_long_one(slow: LlamaCpp) -> None:
    request = asked("long", grammar="root ::= [a-z]{200}")
    alone = slow.complete(request, Control()).text
    begun, ends = threading.Event(), []

    def ask_long() -> None:
        ends.append(("long", slow.complete(request, Control(), lambda _piece: begun.set()).text))

    writer = threading.Thread(target=ask_long)
    writer.start()
    assert begun.wait(120)
    ends.append(("short", slow.complete(asked("short", p_max_tokens=3), Control()).text))
    writer.join(240)

    assert [name for name, _ in ends] == ["short", "long"]
    assert len(dict(ends)["long"]) == len(alone) == 200
    assert dict(ends)["long"][:10] == alone[:10]


def test_one_that_is_ended_leaves_the_others_as_they_are(slow: LlamaCpp) -> None:
    alone = slow.complete(asked("stay", p_max_tokens=40), Control()).text
    control, begun = Control(), threading.Event()
    endings: list[BaseException] = []

    def leave() -> None:
        try:
            slow.complete(_wandering("leave", 1500), control, lambda _piece: begun.set())
        except Interrupted as error:
            endings.append(error)

    leaver = threading.Thread(target=leave)
    leaver.start()
    assert begun.wait(20)
    stayed = slow.complete(asked("stay", p_max_tokens=40), Control(), lambda _piece: control.stop()).text
    leaver.join(20)

    assert len(endings) == 1
    assert stayed == alone


def test_a_reader_who_does_not_read_stalls_nobody(slow: LlamaCpp) -> None:
    stuck, go_on = threading.Event(), threading.Event()

    def never_reads(_piece: str) -> None:
        stuck.set()
        assert go_on.wait(60)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(slow.complete, _wandering("slow reader", 30), Control(), never_reads)
        assert stuck.wait(20)
        other = slow.complete(asked("quick", p_max_tokens=10), Control())
        assert not waiting.done()
        go_on.set()
        written = waiting.result(60)

    assert other.usage.output == 10
    assert written.text


def test_an_error_of_one_reader_is_told_to_that_one_alone(backend: LlamaCpp) -> None:
    def ask(number: int) -> object:
        def emit(_piece: str) -> None:
            if number == 2:
                raise BrokenPipeError

        try:
            return backend.complete(asked(f"go {number}", p_max_tokens=20), Control(), emit).text
        except BrokenPipeError as error:
            return error

    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(ask, range(4)))

    assert [type(end).__name__ for end in ends] == ["str", "str", "BrokenPipeError", "str"]


def test_labels_are_scored_the_same_while_others_write(tiny: Path, backend: LlamaCpp) -> None:
    request = asked("which?", choices=("bug", "bugs", "spam", "the ham", "billing"))
    alone = backend.complete(request, Control())

    with ThreadPoolExecutor(6) as pool:
        writing = [pool.submit(backend.complete, _wandering(f"{n}", 200, n), Control()) for n in range(5)]
        beside = [backend.complete(request, Control()) for _ in range(5)]
        for each in writing:
            each.result(60)

    assert {given.text for given in beside} == {alone.text}
    assert [given.confidence for given in beside] == pytest.approx([alone.confidence] * 5, abs=5e-3)


def test_a_prompt_that_begins_like_the_one_before_is_read_from_there_on(tiny: Path) -> None:
    model = open_model(tiny, context=2000)
    first = asked("what is it?", system=SYSTEM, p_max_tokens=5)
    second = asked("and what else?", system=SYSTEM, p_max_tokens=5)
    length = model.count(second.messages).tokens

    cold = _read_by(model, first)
    warm = _read_by(model, second)

    assert cold > length - 20
    assert warm < 40
    assert model.complete(second, Control()).text == open_model(tiny, context=1999).complete(second, Control()).text


def test_routes_that_take_turns_all_find_their_prompts_again(tiny: Path) -> None:
    model = open_model(tiny, context=1900)
    routes = [f"{number} {SYSTEM}" for number in range(5)]
    answers = [model.complete(asked("hm", system=route, p_max_tokens=6), Control()).text for route in routes]

    again = _read_by(model, *(asked(f"and {route[0]}", system=route, p_max_tokens=2) for route in routes))
    same = [model.complete(asked("hm", system=route, p_max_tokens=6), Control()).text for route in routes]

    assert again < 5 * 40
    assert same == answers


def test_a_conversation_goes_on_where_it_was(tiny: Path) -> None:
    from synapse_cli.core.prompt import Message

    model = open_model(tiny, context=1800)
    asked_first = asked("tell me of the bug", system=SYSTEM, p_max_tokens=40)
    answer = model.complete(asked_first, Control()).text
    if "\ufffd" in answer:
        answer = answer[: answer.index("\ufffd")]
    turn = Request(messages=(*asked_first.messages, Message("assistant", answer), Message("user", "more")))

    assert _read_by(model, Request(messages=turn.messages, params={"max_tokens": 1})) < 100


def test_requests_that_come_together_read_what_they_share_once(tiny: Path) -> None:
    model = open_model(tiny, context=1700)
    requests = [asked(f"{number}?", system=SYSTEM, p_max_tokens=4) for number in range(8)]
    length = model.count(requests[0].messages).tokens
    before = engine_of(model).tokens_read

    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda request: model.complete(request, Control()).text, requests))

    assert engine_of(model).tokens_read - before < length + 8 * 45
    assert texts == [model.complete(request, Control()).text for request in requests]


def test_requests_that_do_not_fit_together_take_turns(tiny: Path) -> None:
    """Nobody is refused for want of cells, and nobody's answer changes, though places must be given up half-way."""
    engine = Engine(Settings(str(tiny), 256, 1, 0, cells=256), Control())
    requests = [asked(f"{number} question", grammar="root ::= [a-z]{120}") for number in range(6)]
    alone = [_ask(engine, request) for request in requests]
    before = engine.tokens_read

    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda request: _ask(engine, request), requests))

    assert [len(answer.text) for answer in together] == [120] * 6
    assert [answer.text[:8] for answer in together] == [answer.text[:8] for answer in alone]
    written = sum(answer.output for answer in together)
    assert written < engine.tokens_read - before < 6 * written
    engine.close()


def test_more_requests_than_seats_are_all_answered(tiny: Path) -> None:
    engine = Engine(Settings(str(tiny), 1024, 1, 0, cells=4096, seats=6), Control())

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: _ask(engine, asked(f"{n}", p_max_tokens=12)), range(40)))

    assert all(0 < answer.output <= 12 for answer in answers)
    engine.close()


def test_a_closed_engine_says_so_and_close_waits_for_who_uses_it(tiny: Path) -> None:
    engine = Engine(Settings(str(tiny), 512, 1, 0), Control())
    begun = threading.Event()

    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(_ask, engine, _wandering("on", 300), lambda _piece: begun.set())
        assert begun.wait(20)
        assert engine.busy
        closing = pool.submit(engine.close)
        written = writing.result(60)
        closing.result(60)

    assert written.output > 10
    assert (engine.busy, engine.is_open) == (False, False)
    with pytest.raises(Unavailable):
        _ask(engine, asked("too late"))
    engine.close()


def test_an_engine_that_nobody_has_any_more_ends_its_thread(tiny: Path) -> None:
    before = {thread.ident for thread in threading.enumerate()}
    engine = Engine(Settings(str(tiny), 512, 1, 0), Control())
    mine = [thread for thread in threading.enumerate() if thread.ident not in before]
    assert [thread.name for thread in mine] == ["llama.cpp"]

    del engine

    mine[0].join(10)
    assert not mine[0].is_alive()


def _shuffled(work: Callable[[int], object], count: int) -> list[object]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def test_everybody_has_their_own_seed_stops_schema_and_labels(backend: LlamaCpp) -> None:
    requests = [
        _wandering("sample", 40, 7),
        _wandering("sample", 40, 8),
        asked("bool", schema='{"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}'),
        asked("label", choices=("yes", "no")),
        asked("tell me", p_max_tokens=60, p_stop=["e"]),
        asked("plain", p_max_tokens=30),
    ]
    alone = [backend.complete(request, Control()) for request in requests]

    together = _shuffled(lambda number: backend.complete(requests[number], Control()), len(requests))

    for one, other in zip(alone, together, strict=True):
        assert getattr(other, "text", "")[:8] == one.text[:8]
        assert getattr(other, "finish", "") == one.finish
