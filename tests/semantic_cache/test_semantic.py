"""The cache itself: who is answered with what others were answered, and who never is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synapse_cli.cache.cached import Cached
from synapse_cli.cache.key import request_key
from synapse_cli.cache.memory import Memory
from synapse_cli.cache.semantic import SemanticallyCached
from synapse_cli.cache.semantic_rows import Rows
from synapse_cli.core.completion import FREE, Completion, Count, Facts, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import CacheMiss
from synapse_cli.core.ports import Emit
from synapse_cli.core.prompt import Message, Request
from synapse_cli.flows.ask import Ask
from synapse_cli.flows.nearly import place_of
from synapse_cli.learned.similarity import Similarity
from tests.semantic_cache.made import vector

ASKED, LIKE = "how do i change my password", "how can i change my password"
JUDGE = Similarity(encoder="made here", threshold=0.7)


class Model:
    """Answers by counting."""

    def __init__(self) -> None:
        self.asked = 0
        self.keepable = True

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        self.asked += 1
        text = f"answer {self.asked}"
        return Completion(
            text=text, finish="stop", usage=Usage(5, 2), cost=Decimal("0.01"), keepable=self.keepable, latency_s=1.0
        )

    def facts(self) -> Facts:
        return Facts(is_local=True, provider="test", price=FREE)

    def count(self, messages: Sequence[Message]) -> Count:
        return Count(len(messages), estimated=False)


class Desk:
    """A model behind both caches, over one folder, with a clock that the test sets."""

    def __init__(self, folder: Path, **more: object) -> None:
        self.now = 1000.0
        self.model = Model()
        self.store = Memory(lambda: self.now)
        self.said: list[str] = []
        self.rows = Rows(str(folder), most_bytes=10**9, warn=self.said.append)
        self.more = more

    def ask(
        self, request: Request, *, identity: str = "m", ask: Ask | None = None, emit: Emit | None = None
    ) -> Completion:
        wanted = ask or Ask(prompt=request.messages[-1].content, words=request.messages[-1].content)

        def key(each: Request) -> str:
            return request_key(identity, each, {})

        near = SemanticallyCached(
            lambda: self.model,
            lambda each: place_of(each, wanted, key, "made here"),
            lambda: JUDGE,
            vector,
            rows=self.rows,
            store=self.store,
            now=lambda: self.now,
            **self.more,  # type: ignore[arg-type]  # mode and ttl_s, as the test says
        )
        return Cached(lambda: near, key, self.store).complete(request, Control(), emit)


def _request(prompt: str, *before: Message, **more: object) -> Request:
    return Request(messages=(*before, Message("user", prompt)), **more)  # type: ignore[arg-type]  # as the test says


def test_a_prompt_like_one_before_is_answered_alike_and_says_why(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    pieces: list[str] = []
    desk.ask(_request(ASKED))

    found = desk.ask(_request(LIKE), emit=pieces.append)

    assert desk.model.asked == 1
    assert (found.text, found.cached, pieces) == ("answer 1", True, ["answer 1"])
    assert found.like is not None
    assert (found.like.prompt, found.like.threshold, found.like.promise) == (ASKED, 0.7, None)
    assert found.like.entry == found.cache_key == request_key("m", _request(ASKED), {})
    assert 0.7 <= found.like.score <= 1


def test_an_answer_does_not_spread_from_prompt_to_prompt(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.ask(_request(ASKED))
    desk.ask(_request(LIKE))

    assert desk.rows.count() == 1
    assert desk.store.get_completion(request_key("m", _request(LIKE), {})) is None


def test_the_same_prompt_is_answered_by_the_exact_cache(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.ask(_request(ASKED))

    assert desk.ask(_request(ASKED)).like is None
    assert desk.model.asked == 1


@pytest.mark.parametrize("other", [f"{ASKED} 2", f"do not {ASKED}", f"{ASKED} for Bob", f"{ASKED} `x`"])
def test_what_must_be_equal_and_is_not_misses(other: str, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.ask(_request(ASKED))

    assert desk.ask(_request(other)).like is None
    assert desk.model.asked == 2


BASE: dict[str, object] = {
    "identity": "m",
    "system": "",
    "turn": "",
    "temperature": 0.0,
    "max_tokens": 0,
    "choices": (),
    "schema": None,
    "grammar": None,
    "tools": (),
    "template": None,
    "attached": "",
}
OTHERS: dict[str, st.SearchStrategy[object]] = {
    "identity": st.text(min_size=1, max_size=5).filter(lambda text: text != "m"),
    "system": st.text(min_size=1, max_size=20),
    "turn": st.text(min_size=1, max_size=20),
    "temperature": st.floats(0.1, 2),
    "max_tokens": st.integers(1, 10**6),
    "choices": st.lists(st.text(max_size=4), min_size=1, max_size=3).map(tuple),
    "schema": st.text(min_size=1, max_size=9),
    "grammar": st.text(min_size=1, max_size=9),
    "tools": st.lists(st.text(max_size=4), min_size=1, max_size=2).map(tuple),
    "template": st.text(min_size=1, max_size=5),
    "attached": st.text("abc 01\n", min_size=1, max_size=20).filter(str.strip),
}


def _asked(desk: Desk, prompt: str, scope: dict[str, object]) -> Completion:
    before = []
    if scope["system"]:
        before.append(Message("system", str(scope["system"])))
    if scope["turn"]:
        before += [Message("user", str(scope["turn"])), Message("assistant", "yes")]
    content = f"{prompt}\n\n{scope['attached']}" if scope["attached"] else prompt
    request = _request(
        content,
        *before,
        params={"temperature": scope["temperature"], "max_tokens": scope["max_tokens"]},
        choices=scope["choices"],
        schema=scope["schema"],
        grammar=scope["grammar"],
        tools=scope["tools"],
        template_version=scope["template"],
    )
    ask = Ask(prompt=content, words=prompt, input=str(scope["attached"]))
    return desk.ask(request, identity=str(scope["identity"]), ask=ask)


@given(st.data(), st.sampled_from(sorted(BASE)))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_else_differs_misses(tmp_path: Path, data: st.DataObject, name: str) -> None:
    desk = Desk(tmp_path / str(data.draw(st.uuids())))
    other = {**BASE, name: data.draw(OTHERS[name])}
    _asked(desk, ASKED, BASE)

    assert _asked(desk, LIKE, other).like is None
    assert desk.model.asked == 2
    assert _asked(desk, "how may i change my password", other).like is not None
    assert _asked(desk, LIKE, BASE).like is not None
    desk.rows.close()


def test_an_entry_whose_time_is_over_never_answers(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ttl_s=100.0)
    desk.ask(_request(ASKED))

    desk.now += 99
    assert desk.ask(_request(LIKE)).like is not None
    desk.now += 1
    assert desk.ask(_request(LIKE)).like is None
    assert [entry.prompt for entry in desk.rows.everything()] == [LIKE]


def test_an_entry_whose_answer_is_gone_is_forgotten(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.ask(_request(ASKED))
    desk.store.clear()

    assert desk.ask(_request(LIKE)).text == "answer 2"
    assert [entry.prompt for entry in desk.rows.everything()] == [LIKE]


def test_refresh_asks_anew_and_only_never_asks(tmp_path: Path) -> None:
    Desk(tmp_path).ask(_request(ASKED))
    fresh, only = Desk(tmp_path, mode="refresh"), Desk(tmp_path, mode="only")

    assert fresh.ask(_request(LIKE)).text == "answer 1"
    with pytest.raises(CacheMiss):
        only.ask(_request("what is a tree"))
    only.store.put_completion(request_key("m", _request(ASKED), {}), fresh.ask(_request(ASKED)))
    assert only.ask(_request("how may i change my password")).like is not None


def test_an_answer_that_a_budget_cut_short_is_kept_for_nobody(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.model.keepable = False
    desk.ask(_request(ASKED))

    assert desk.rows.count() == 0


@pytest.mark.parametrize(
    ("request_", "ask"),
    [
        (_request("x " * 2000), Ask(prompt="x " * 2000, words="x " * 2000)),
        (replace(_request(ASKED), sample=1), Ask(prompt=ASKED, words=ASKED)),
        (_request(f"File: a\n```\n{ASKED}\n```"), Ask(prompt=f"File: a\n```\n{ASKED}\n```", files=("a",))),
        (_request(f"{ASKED} {ASKED}"), Ask(prompt=f"{ASKED} {ASKED}", words=ASKED)),
        (Request(messages=(Message("assistant", ASKED),)), Ask(prompt=ASKED, words=ASKED)),
    ],
)
def test_some_requests_are_only_ever_kept_exactly(request_: Request, ask: Ask) -> None:
    assert place_of(request_, ask, lambda each: request_key("m", each, {}), "e") is None


def test_piped_words_are_a_prompt_too_and_a_template_is_part_of_the_scope() -> None:
    def key(each: Request) -> str:
        return request_key("m", each, {})

    piped = place_of(_request(ASKED), Ask(prompt=ASKED, input=ASKED), key, "e")
    typed = place_of(_request(ASKED), Ask(prompt=ASKED, words=ASKED), key, "e")
    kind = place_of(_request(f"Be kind. {ASKED}"), Ask(prompt=ASKED, words=ASKED), key, "e")

    assert piped == typed
    assert typed is not None
    assert kind is not None
    assert kind.prompt == typed.prompt
    assert kind.scope != typed.scope


def test_many_prompts_are_found_through_the_file_of_their_scope(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for number in range(600):
        desk.ask(_request(f"tell me about number {number}"))
    desk.ask(_request(ASKED))
    asked = desk.model.asked

    found = desk.ask(_request(LIKE))

    assert asked > 600
    assert found.like is not None
    assert len(list((tmp_path / "similar").glob("*.vectors"))) == 1
    assert desk.said == []


def test_a_file_of_prompts_that_was_made_anew_has_an_index_of_its_own(tmp_path: Path) -> None:
    before = Desk(tmp_path)
    for number in range(600):
        before.ask(_request(f"tell me about number {number}"))
    before.ask(_request("what is a tree"))
    before.rows.close()
    (tmp_path / "similar-1.sqlite3").unlink()
    after = Desk(tmp_path)
    after.ask(_request(ASKED))

    assert after.ask(_request(LIKE)).like is not None
