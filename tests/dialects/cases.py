"""What every dialect must do, case by case. Each takes a place, and fails where the provider was not understood."""

from __future__ import annotations

import json
import math
import traceback
from collections.abc import Callable

import pytest

from synapse_cli.core.completion import Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import (
    BadRequest,
    Exit,
    KeyRejected,
    RateLimited,
    ServerFailed,
    SynapseError,
)
from synapse_cli.core.ports import Encoder
from tests.dialects.dialects import CITY, SYSTEM, TOOL
from tests.dialects.place import CANARY, PARAMS, Place
from tests.servers.base import Reply

BOTH = (False, True)
COUNTED = Reply(text="Lima", tokens=(100, 20), cached=40, reasoning=3)
CALL = Reply(tool="weather", arguments={"city": "Lima", "days": [1, 2]}, finish="tool_calls", text="")


def completion(place: Place) -> None:
    """The request is the provider's own: address, key, and every field of the body."""
    answer = place.ask(Reply(text="Lima.\n\n It is."), params=PARAMS)

    dialect, seen = place.dialect, place.seen
    header, before = dialect.key
    assert answer.text == "Lima.\n\n It is."
    assert (seen.path, seen.headers[header]) == (dialect.path, before + CANARY)
    assert seen.body == dialect.body(_bare(place), False)


def stream(place: Place) -> None:
    """The answer comes in pieces, and the request says that it shall."""
    answer, pieces = place.call(Reply(text="Lima, by the sea", pieces=4), stream=True, params=PARAMS)

    assert (answer.text, "".join(pieces), len(pieces)) == ("Lima, by the sea", "Lima, by the sea", 4)
    assert place.seen.path == (place.dialect.stream_path or place.dialect.path)
    assert place.seen.body == place.dialect.body(_bare(place), True)


def system(place: Place) -> None:
    """The system prompt stands where the provider wants it, and nowhere else."""
    place.ask(Reply())

    assert place.dialect.system(place.seen.body) == SYSTEM
    assert json.dumps(place.seen.body).count(SYSTEM) == 1


def tools(place: Place) -> None:
    """A tool is told in the provider's form, and its call comes back in ours."""
    for streams in BOTH:
        answer, _ = place.call(CALL, stream=streams, tools=(json.dumps(TOOL),))

        assert place.dialect.sent_tools(place.seen.body) == place.dialect.tools
        assert (answer.finish, answer.text) == ("tool_calls", "")
        assert answer.tool_calls == ('{"arguments":{"city":"Lima","days":[1,2]},"name":"weather"}',)


def schema(place: Place) -> None:
    """A schema is sent as the provider takes it, and the answer is the bare JSON."""
    for streams in BOTH:
        answer = place.ask(Reply(text='{"city": "Lima"}'), stream=streams, schema=CITY)

        assert json.loads(answer.text) == {"city": "Lima"}
        assert place.dialect.schema(place.seen.body) == CITY


def labels(place: Place) -> None:
    """A closed set of labels comes back as one of them, without the braces that it was asked in."""
    in_words = place.dialect.name == "DeepSeek"

    answer = place.ask(Reply(text="La Paz" if in_words else '{"answer": "La Paz"}'), choices=("Lima", "La Paz"))

    assert answer.text == "La Paz"
    sent = json.dumps(place.seen.body)
    assert ("Lima, La Paz" in sent) == in_words
    assert ('"enum": ["Lima", "La Paz"]' in sent) != in_words


def usage(place: Place) -> None:
    """The tokens are the provider's own count, also at the end of a stream."""
    for streams in BOTH:
        counted = place.ask(COUNTED, stream=streams).usage

        assert (counted.input, counted.output, counted.estimated) == (100, 20, False)


def cached(place: Place) -> None:
    """What the provider found in its cache is known, and cheaper."""
    for streams in BOTH:
        price = {"input": 1.0, "output": 2.0, "cached": 0.5}
        answer = place.ask(COUNTED, stream=streams, keys={"price": price})

        assert answer.usage.cached == 40
        assert str(answer.cost) == "0.00012"  # 60 fresh at $1, 40 cached at $0.5, 20 out at $2, per million


def reasoning(place: Place) -> None:
    """What was thought is counted, once."""
    for streams in BOTH:
        assert place.ask(COUNTED, stream=streams).usage == Usage(
            100, 20, cached=0 if "cached" in place.dialect.lacks else 40, reasoning=3
        )


def thinking(place: Place) -> None:
    """A thought is kept apart from the answer, and never told as one."""
    for streams in BOTH:
        answer = place.ask(Reply(text="Lima, it is", thinking="Peru has Lima"), stream=streams)

        assert (answer.text, answer.thinking) == ("Lima, it is", "Peru has Lima")


def effort(place: Place) -> None:
    """`effort` of the profile is the provider's own parameter; none is sent where none is wished for."""
    thinker = place.dialect.thinker or place.dialect.model
    place.ask(Reply(), model=thinker)
    plain = place.seen.body
    place.ask(Reply(), model=thinker, keys={"effort": "low"})
    sent = {key: value for key, value in place.seen.body.items() if plain.get(key) != value and key != "max_tokens"}

    assert sent == place.dialect.effort


def confidence(place: Place) -> None:
    """How sure the model was is asked for in the provider's way, and is the mean of its tokens."""
    odds = (("Li", math.log(0.9)), ("ma", math.log(0.4)))
    for streams in BOTH:
        answer, _ = place.call(Reply(text="Lima", logprobs=odds), stream=streams, params={"logprobs": True})

        assert answer.confidence is not None
        assert abs(answer.confidence - 0.6) < 1e-9
        asked = place.seen.body.get("generationConfig", place.seen.body)
        assert asked.get("responseLogprobs", asked.get("logprobs")) is True


def stops(place: Place) -> None:
    """Why the model stopped is told in our words, whole and streamed."""
    for streams in BOTH:
        for finish, ours in place.dialect.stops.items():
            assert place.ask(Reply(text="Half an ans", finish=finish), stream=streams).finish == ours


def refusal(place: Place) -> None:
    """What the model or its filter refuses is a refusal, and no answer."""
    for streams in BOTH:
        for finish in place.dialect.refusals:
            answer = place.ask(Reply(text="I'm sorry", finish=finish), stream=streams)

            assert (answer.text, answer.finish) == ("I'm sorry", "refusal")


def half(place: Place) -> None:
    """An answer that the provider could not finish is a failure that may pass, and no answer."""
    for streams in BOTH:
        error = place.fail(Reply(text="Half an ans", finish="broken"), stream=streams)

        assert (type(error), error.retryable) == (ServerFailed, True)


def errors(place: Place) -> None:
    """Each status is one of our errors, with the provider's sentence on one line and without the key."""
    kinds: dict[int, type[SynapseError]] = {
        400: BadRequest,
        401: KeyRejected,
        403: KeyRejected,
        404: BadRequest,
        422: BadRequest,
        429: RateLimited,
        500: ServerFailed,
        place.dialect.overloaded: ServerFailed,
    }
    for streams in BOTH:
        for status, kind in kinds.items():
            error = place.fail(Reply(status=status, message="no\nthanks, {key} is not enough"), stream=streams)

            assert type(error) is kind, (status, error)
            assert error.message.endswith("no thanks, [hidden] is not enough"), error.message
            assert CANARY[3:11] not in "".join(traceback.format_exception(error))
            assert place.seen


def too_long(place: Place) -> None:
    """A prompt that does not fit is told from other bad requests."""
    for streams in BOTH:
        error = place.fail(Reply(status=400, message=place.dialect.too_long), stream=streams)

        assert (type(error), error.exit_code) == (BadRequest, Exit.UNANSWERED)
        assert error.hint == "shorten the input, or use a model with a larger window"


def retry(place: Place) -> None:
    """The delay that the provider asks for is kept."""
    for streams in BOTH:
        for status in (429, place.dialect.overloaded):
            error = place.fail(Reply(status=status, retry_after="7"), stream=streams)

            assert (getattr(error, "retry_after_s", None), error.exit_code) == (7.0, Exit.LATER)


def mid_stream(place: Place) -> None:
    """An error in the middle of a stream is an error, with what the provider said."""
    error = place.fail(Reply(text="Lima", fault="error_event"), stream=True)

    assert (error.retryable, type(error)) == (True, ServerFailed)
    assert any(word in error.message for word in ("had an error", "verload", "gone", "lost", "disconnected"))


def cut(place: Place) -> None:
    """A stream that ends early is never taken for an answer, wherever it was cut."""
    reply = Reply(text="Lima, by the sea", pieces=3)
    place.ask(reply, stream=True)
    events = place.dialect.server.events(reply, place.seen)
    told = next(place_ for place_ in range(len(events), 0, -1) if b"Lima" in b"".join(events[:place_]))
    ends = sum(map(len, events[:told]))
    marks = [number for number, event in enumerate(events) if _says_why(event)]
    safe = sum(map(len, events[: marks[0]])) if marks else ends

    for at in sorted({1, safe // 3, safe // 2, safe - 1, safe}):
        error = place.fail(Reply(text=reply.text, pieces=3, cut_after=at), stream=True)
        assert error.kind in {"cut", "server", "bad_answer"}, (at, error)
        assert error.retryable or error.kind == "bad_answer"


def characters(place: Place) -> None:
    """Every character arrives, also those that end lines elsewhere."""
    text = "Perú 🍋 a\u2028b\u2029c\x85d\x0be\x1cf data: [DONE]\n\n"
    for streams in BOTH:
        assert place.ask(Reply(text=text, pieces=len(text)), stream=streams).text == text


def new_model(place: Place) -> None:
    """A model that the catalogue does not know is asked like the others; its price is not known."""
    provider = place.dialect.model.partition("/")[0]
    answer = place.ask(COUNTED, stream=True, model=f"{provider}/brand-new-9")

    assert (answer.text, answer.usage.input) == ("Lima", 100)
    assert "brand-new-9" in place.seen.path + str(place.seen.body.get("model"))
    known = place.dialect.name in {"Ollama", "OpenRouter"}  # free, and told by the provider itself
    assert (answer.cost is not None) == known


def embeddings(place: Place) -> None:
    """Texts become vectors of unit length, in their order."""
    from synapse_cli.backends.litellm_embed import LiteLLMEncoder

    profile = place.profile(place.dialect.embedder, base_url=place.server.url + _embed_base(place))
    encoder = LiteLLMEncoder(profile.models["m"], lambda: (CANARY,))
    place.server.will(Reply(tokens=(9, 0)))

    vectors = encoder.encode(["a first text", "another"], Control())

    header, before = place.dialect.key
    assert (place.seen.path, place.seen.headers[header]) == (place.dialect.embed_path, before + CANARY)
    assert (len(vectors), vectors.dimension) == (2, 4)
    assert all(abs(sum(number * number for number in vectors.row(row)) - 1) < 1e-6 for row in (0, 1))
    assert vectors.row(0) != vectors.row(1)
    assert len(place.server.seen) == 1
    _refused(place, encoder)
    assert _unit(_server_says("a first text")) == [round(number, 5) for number in vectors.row(0)]


def _refused(place: Place, encoder: Encoder) -> None:
    """What is refused is one error after one request, with the delay that was asked for, and without the key."""
    for status, kind in ((401, KeyRejected), (429, RateLimited), (500, ServerFailed)):
        place.server.will(Reply(status=status, message="no thanks, {key} is wrong", retry_after="7"))
        with pytest.raises(kind) as caught:
            encoder.encode(["a text"], Control())

        assert (len(place.server.seen), getattr(caught.value, "retry_after_s", 7.0)) == (1, 7.0)
        assert "no thanks" in caught.value.message
        assert CANARY[3:11] not in "".join(traceback.format_exception(caught.value))


Case = Callable[[Place], None]

CASES: dict[str, Case] = {
    "completion": completion,
    "stream": stream,
    "system": system,
    "tools": tools,
    "schema": schema,
    "labels": labels,
    "usage": usage,
    "cached": cached,
    "reasoning": reasoning,
    "thinking": thinking,
    "effort": effort,
    "confidence": confidence,
    "stops": stops,
    "refusal": refusal,
    "half": half,
    "errors": errors,
    "too_long": too_long,
    "retry": retry,
    "mid_stream": mid_stream,
    "cut": cut,
    "characters": characters,
    "new_model": new_model,
    "embeddings": embeddings,
}


def _bare(place: Place) -> str:
    return place.dialect.model.partition("/")[2]


def _embed_base(place: Place) -> str:
    return place.dialect.embed_base or place.dialect.base


def _says_why(event: bytes) -> bool:
    """Whether an event holds the provider's terminal reason."""
    text = event.replace(b" ", b"")
    marks = (b'"finish_reason":"', b'"stop_reason":"', b'"finishReason":"', b'"done":true')
    return any(mark in text for mark in marks)


def _server_says(text: str) -> list[float]:
    from tests.servers.base import embedding

    numbers: list[float] = embedding(text, 4)
    return numbers


def _unit(row: list[float]) -> list[float]:
    length = sum(number * number for number in row) ** 0.5
    return [round(number / length, 5) for number in row]
