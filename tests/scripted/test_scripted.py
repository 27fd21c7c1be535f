import json
import subprocess
import sys
import threading
import time
from decimal import Decimal

import pytest

from synapse_cli.backends.scripted import Scripted
from synapse_cli.core.completion import Price, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import (
    BadAnswer,
    CutStream,
    Interrupted,
    KeyRejected,
    ProfileError,
    RateLimited,
    ServerFailed,
    TimedOut,
)
from synapse_cli.core.options import Options
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.model import Model


def _model(*replies, price=None, timeout_s=60.0, **options):
    return Scripted(
        Model(
            name="s",
            backend="scripted",
            options={"replies": list(replies), **options},
            price=price,
            timeout_s=timeout_s,
        )
    )


def _ask(backend, prompt="hello", control=None, emit=None):
    return backend.complete(Request(messages=(Message("user", prompt),)), control or Control(), emit)


def test_the_first_reply_that_matches_the_last_user_message_wins():
    backend = _model({"match": "^a", "text": "A"}, {"match": "b", "text": "B"}, {"text": "else"})
    request = Request(
        messages=(Message("system", "abc"), Message("user", "a"), Message("assistant", "a"), Message("user", "xb"))
    )

    assert backend.complete(request, Control()).text == "B"
    assert _ask(backend, "ab").text == "A"
    assert _ask(backend, "z").text == "else"


def test_no_match_is_a_bad_answer():
    with pytest.raises(BadAnswer, match="no reply"):
        _ask(_model({"match": "never", "text": "x"}))


@pytest.mark.parametrize(
    ("error", "kind"),
    [("rate_limited", RateLimited), ("timeout", TimedOut), ("auth", KeyRejected), ("server", ServerFailed)],
)
def test_a_fault_is_raised_and_nothing_is_said(error, kind):
    said = []

    with pytest.raises(kind):
        _ask(_model({"error": error}), emit=said.append)

    assert said == []


def test_a_cut_stream_says_half_and_raises():
    said = []

    with pytest.raises(CutStream):
        _ask(_model({"error": "cut", "text": "one two three four"}), emit=said.append)

    assert said == ["one", " two"]


def test_pieces_joined_are_the_text():
    said = []
    text = "  two words\n\nand a third  \n"

    completion = _ask(_model({"text": text}), emit=said.append)

    assert "".join(said) == completion.text == text
    assert len(said) == 6


def test_tokens_money_and_confidence_are_as_scripted():
    price = Price(Decimal("0.25"), Decimal(2))
    backend = _model({"text": "x", "confidence": 0.5, "tokens": {"input": 1000, "output": 100}}, price=price)

    completion = _ask(backend)

    assert completion.usage == Usage(1000, 100)
    assert completion.cost == Decimal("0.00045")
    assert (completion.confidence, completion.finish) == (0.5, "stop")


def test_without_tokens_they_are_an_estimate_and_without_a_price_they_cost_nothing():
    completion = _ask(_model({"text": "four"}), "eight ch")

    assert completion.usage == Usage(2, 1, estimated=True)
    assert completion.cost == 0


def test_a_price_makes_it_a_hosted_model():
    assert _model({"text": "x"}).facts().is_local
    assert not _model({"text": "x"}, price=Price(Decimal(1), Decimal(1))).facts().is_local


def test_the_deadline_ends_the_wait():
    with pytest.raises(TimedOut):
        _ask(_model({"text": "x", "latency_s": 60}), control=Control(time.monotonic() + 0.1))


def test_the_models_own_timeout_ends_the_wait():
    with pytest.raises(TimedOut, match=r"within 0\.1 s"):
        _ask(_model({"text": "x", "latency_s": 60}, timeout_s=0.1))


def test_ctrl_c_ends_the_wait_in_the_middle_of_a_stream():
    control = Control()
    said = []

    def hear(piece):
        said.append(piece)
        control.stop()

    with pytest.raises(Interrupted):
        _ask(_model({"text": "a b c d", "latency_s": 0.1}), control=control, emit=hear)

    assert said == ["a"]


def test_each_call_is_recorded_as_one_line_failed_ones_too(tmp_path):
    file = tmp_path / "calls.jsonl"
    backend = _model({"match": "fail", "error": "server"}, {"text": "x"}, record=str(file))

    _ask(backend, "ünï")
    with pytest.raises(ServerFailed):
        _ask(backend, "fail")

    calls = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [call["reply"] for call in calls] == [1, 0]
    assert calls[0]["messages"] == [{"role": "user", "content": "ünï"}]
    assert file.stat().st_mode & 0o777 == 0o600


def test_lines_of_parallel_processes_do_not_mix(tmp_path):
    file = tmp_path / "calls.jsonl"
    code = (
        "import sys; from tests.scripted.test_scripted import _model, _ask\n"
        "backend = _model({'text': 'x'}, record=sys.argv[1])\n"
        "[_ask(backend, 'p' * 20_000) for _ in range(25)]"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, str(file)]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]

    calls = [json.loads(line) for line in file.read_text().splitlines()]
    assert [len(call["messages"][0]["content"]) for call in calls] == [20_000] * 100


def test_threads_share_one_model():
    backend = _model({"match": "(?s).*", "text": "x y z", "latency_s": 0.05})
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(_ask(backend).text)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == ["x y z"] * 8


BAD = [
    ({}, "replies"),
    ({"replies": []}, "replies"),
    ({"replies": "x"}, "replies"),
    ({"replies": ["x"]}, "replies[0]"),
    ({"replies": [{}]}, "replies[0].text"),
    ({"replies": [{"text": "x"}, {"text": 3}]}, "replies[1].text"),
    ({"replies": [{"text": "x", "match": "("}]}, "replies[0].match"),
    ({"replies": [{"text": "x", "error": "sever"}]}, "replies[0].error"),
    ({"replies": [{"text": "x", "confidence": 2}]}, "replies[0].confidence"),
    ({"replies": [{"text": "x", "latency_s": -1}]}, "replies[0].latency_s"),
    ({"replies": [{"text": "x", "tokens": 3}]}, "replies[0].tokens"),
    ({"replies": [{"text": "x", "tokens": {"in": 3}}]}, "replies[0].tokens.in"),
    ({"replies": [{"text": "x", "tokens": {"input": -3}}]}, "replies[0].tokens.input"),
    ({"replies": [{"text": "x", "txt": "y"}]}, "replies[0].txt"),
    ({"replies": [{"text": "x"}], "record": 3}, "record"),
]


@pytest.mark.parametrize(("values", "where"), BAD)
def test_a_wrong_script_is_a_problem_at_its_place(values, where):
    options = Options(values, file="p.toml", where="models.s")

    Scripted.check_options(options)

    assert [problem.where for problem in options.finish()] == [f"models.s.{where}"]
    with pytest.raises(ProfileError):
        Scripted(Model(name="s", backend="scripted", options=values))
