"""`synapse models list`: the profile's models and their state, what was pulled beside them, what providers have."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.models import lists as published
from tests.models.lists import Lists, lists
from tests.models.tools import FILE, REPO, SOURCE, User
from tests.servers.hub import Hub

PROFILE = f"""schema = 1
[models.small]
backend = "llama.cpp"
source = "{SOURCE}"
[models.gone]
backend = "llama.cpp"
source = "file:/nowhere/x.gguf"
[models.mini]
backend = "litellm"
model = "openai/gpt-5-mini"
[routes.default]
use = "small"
"""


@pytest.fixture
def site() -> Iterator[Lists]:
    with lists() as server:
        yield server


def hosted(model: str, base_url: str) -> str:
    return f"""schema = 1
[models.it]
backend = "litellm"
model = "{model}"
base_url = "{base_url}"
[routes.default]
use = "it"
"""


def test_each_model_has_its_state_and_the_reason(user: User, gguf: bytes) -> None:
    user.hub.repo(REPO).add({FILE: gguf})
    user.use(PROFILE)

    before = {row["name"]: row for row in user.models("list", "--json").json}
    user.pulls("small")
    after = {row["name"]: row["state"] for row in user.models("list", "--json", env={"OPENAI_API_KEY": "sk-x"}).json}

    assert {name: row["state"] for name, row in before.items()} == {
        "small": "to be pulled",
        "gone": "missing",
        "mini": "key missing",
    }
    assert before["small"]["problem"] == f"the model {SOURCE} is still to be pulled"
    assert after == {"small": "ready", "gone": "missing", "mini": "ready"}


def test_aliases_and_pulled_models_follow_those_of_the_profile(user: User, gguf: bytes) -> None:
    user.hub.repo(REPO).add({FILE: gguf})
    user.write("a.gguf", gguf)
    user.use(PROFILE)
    user.pulls()
    user.models("add", "a.gguf", "mine")

    rows = [(row["name"], row["of"]) for row in user.models("list", "--json").json]

    assert rows == [
        ("small", "profile"),
        ("gone", "profile"),
        ("mini", "profile"),
        ("mine", "alias"),
    ]
    user.use(PROFILE.replace(SOURCE, f"{SOURCE}@v2"))
    assert (SOURCE, "store") in [(row["name"], row["of"]) for row in user.models("list", "--json").json]


PUBLISHED = {
    "openai": (
        "openai/gpt-5-mini",
        "/v1",
        {"/v1/models": published.OPENAI},
        ("authorization", "Bearer k-1"),
        {
            "openai/gpt-5-mini": ("chat", 272000, "0.25"),
            "openai/a-model-of-tomorrow": (None, None, None),
        },
    ),
    "anthropic": (
        "anthropic/claude-haiku-4-5",
        "",
        {
            "/v1/models?limit=1000": published.ANTHROPIC_1,
            "/v1/models?limit=1000&after_id=claude-haiku-4-5": published.ANTHROPIC_2,
        },
        ("x-api-key", "k-1"),
        {"anthropic/claude-haiku-4-5": ("chat", 200000, "1"), "anthropic/claude-next": (None, None, None)},
    ),
    "gemini": (
        "gemini/gemini-2.5-flash",
        "",
        {"/v1beta/models?pageSize=1000": published.GEMINI},
        ("x-goog-api-key", "k-1"),
        {
            "gemini/gemini-2.5-flash": ("chat", 1048576, "0.3"),
            "gemini/gemini-next-embedding": ("embedding", 2048, None),
        },
    ),
    "cohere": (
        "cohere/command-next",
        "/v2/chat",
        {"/v1/models?page_size=1000": published.COHERE},
        ("authorization", "Bearer k-1"),
        {"cohere/command-next": ("chat", 256000, None), "cohere/command-old": ("chat", 4096, None)},
    ),
    "mistral": (
        "mistral/mistral-next",
        "/v1",
        {"/v1/models": published.MISTRAL},
        ("authorization", "Bearer k-1"),
        {"mistral/mistral-next": (None, 131072, None)},
    ),
    "groq": (
        "groq/next/open-20b",
        "/openai/v1",
        {"/openai/v1/models": published.GROQ},
        ("authorization", "Bearer k-1"),
        {"groq/next/open-20b": (None, 131072, None)},
    ),
    "openrouter": (
        "openrouter/next/large",
        "/api/v1",
        {"/api/v1/models": published.OPENROUTER},
        ("authorization", "Bearer k-1"),
        {"openrouter/next/large": (None, 200000, "3"), "openrouter/next/auto": (None, 2000000, None)},
    ),
    "ollama": (
        "ollama_chat/llama3.2:1b",
        "",
        {"/api/tags": published.OLLAMA},
        ("accept", "application/json"),
        {"ollama_chat/llama3.2:1b": ("chat", None, "0")},
    ),
    "vllm": (
        "hosted_vllm/served",
        "/v1",
        {"/v1/models": published.VLLM},
        ("accept", "application/json"),
        {"hosted_vllm/served": (None, 40960, None)},
    ),
    "llama-server": (
        "openai/x.gguf",
        "/v1",
        {"/v1/models": published.LLAMA_SERVER},
        ("accept", "application/json"),
        {"openai/x.gguf": (None, 32768, None)},
    ),
}


@pytest.mark.parametrize("provider", PUBLISHED)
def test_a_providers_own_list_is_read_with_window_and_price(user: User, site: Lists, provider: str) -> None:
    model, path, answers, (header, value), expected = PUBLISHED[provider]
    site.answers = answers
    key = 'keys = ["env:THE_KEY"]\n[routes.default]' if "k-1" in value else "[routes.default]"
    user.use(hosted(model, site.url + path).replace("[routes.default]", key))

    done = user.models("list", "--hosted", "--json", env={"THE_KEY": "k-1"})

    assert done.code == 0, done.err
    told = {row["name"]: (row["mode"], row["window"], row["input_usd_per_million"]) for row in done.json}
    assert told == expected
    assert [asked for asked, _ in site.seen] == list(answers)
    assert {head.get(header) for _, head in site.seen} == {value}


def test_the_day_on_which_a_model_goes_is_told(user: User, site: Lists) -> None:
    site.answers = {"/v1/models": published.MISTRAL}
    user.use(hosted("mistral/mistral-next", f"{site.url}/v1"))
    assert user.models("list", "--hosted", "--json").json[0]["deprecated_on"] == "2027-01-31"

    site.answers = {"/v1/models?page_size=1000": published.COHERE}
    user.use(hosted("cohere/command-next", site.url))
    rows = user.models("list", "--hosted", "--json").json
    assert {row["name"]: row["deprecated_on"] for row in rows} == {
        "cohere/command-next": None,
        "cohere/command-old": "deprecated",
    }


@pytest.mark.parametrize(
    ("status", "answer", "code", "words"),
    [
        (401, {}, 77, "openai does not take the key"),
        (403, {}, 77, "openai does not let this key list"),
        (404, {}, 69, "openai has no list of models there (404)"),
        (429, {}, 75, "openai takes no more requests"),
        (500, {}, 75, "openai failed (500)"),
        (200, "<html>", 69, "no list of models"),
        (200, {"data": "x"}, 69, "is none"),
    ],
)
def test_a_list_that_cannot_be_had_is_one_line_that_names_the_provider(
    user: User, site: Lists, *, status: int, answer: object, code: int, words: str
) -> None:
    site.status = status
    site.answers = {"/v1/models": answer}
    user.use(hosted("openai/x", f"{site.url}/v1"))

    done = user.models("list", "--hosted")

    assert (done.code, words in done.lines[0]) == (code, True), done.err
    assert len(done.lines) <= 2


def test_one_provider_that_fails_does_not_cost_the_others(user: User, site: Lists) -> None:
    site.answers = {"/v1/models": published.OPENAI}
    broken = hosted("groq/x", "http://127.0.0.1:9/v1").replace("models.it", "models.other").partition("[routes")[0]
    user.use(broken + hosted("openai/x", f"{site.url}/v1").replace("schema = 1\n", ""))

    done = user.models("list", "--hosted", "--json")

    assert done.code == 0
    assert len(done.json) == 2
    assert ["cannot reach groq" in line for line in done.lines] == [True]


def test_without_a_key_it_says_which_variable_is_missing(user: User) -> None:
    user.says("x")

    nothing = user.models("list", "--hosted")
    named = user.models("list", "--provider", "groq")
    unknown = user.models("list", "--provider", "nobody")

    assert (nothing.code, "OPENAI_API_KEY" in nothing.err) == (77, True)
    assert (named.code, "GROQ_API_KEY" in named.err) == (77, True)
    assert (unknown.code, "known: anthropic" in unknown.err) == (2, True)


def test_a_key_is_never_shown(user: User, site: Lists) -> None:
    site.status = 401
    user.use(hosted("openai/x", f"{site.url}/v1").replace("[routes", 'keys = ["env:THE_KEY"]\n[routes'))

    done = user.models("list", "--hosted", "--json", env={"THE_KEY": "sk-secret-1234567890"})

    assert "secret" not in done.err + done.out.decode()


def test_an_alias_that_means_nothing_is_listed_with_the_reason(user: User) -> None:
    user.says("x")
    (user.config / "aliases.json").write_text('{"odd": "no such model", "fast": "gpt-5-mini"}', encoding="utf-8")

    rows = {row["name"]: row for row in user.models("list", "--json").json if row["of"] == "alias"}

    assert (rows["odd"]["state"], rows["odd"]["problem"]) == ("unusable", "there is no model named 'no such model'")
    assert (rows["fast"]["model"], rows["fast"]["state"]) == ("openai/gpt-5-mini", "key missing")


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_list_is_read_over_https_with_an_authority_of_ones_own(user: User, https_hub: Hub, variable: str) -> None:
    https_hub.files["/v1/models"] = json.dumps(published.VLLM).encode()
    bundle = user.env.pop("SSL_CERT_FILE")
    user.use(hosted("hosted_vllm/served", f"{https_hub.url}/v1"))

    stranger = user.models("list", "--hosted")
    known = user.models("list", "--hosted", "--json", env={variable: bundle})

    assert (stranger.code, "signed by nobody that is trusted here" in stranger.err) == (69, True)
    assert [row["name"] for row in known.json] == ["hosted_vllm/served"]
