"""`synapse models info` and `suggest`: known before it is loaded, and before it is here."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from synapse_cli.backends import catalog_suggest
from synapse_cli.backends.catalog_choose import quantization_of
from synapse_cli.backends.catalog_source import Hub, Web, key_of, parse
from synapse_cli.core.errors import UsageError
from tests.models.tools import FILE, REPO, User


def test_info_tells_a_file_from_its_header(user: User, gguf: bytes) -> None:
    user.write("x.gguf", gguf)

    told = user.models("info", "x.gguf", "--json").json
    plain = user.models("info", "x.gguf").out.decode()

    assert told["architecture"] == "llama"
    assert told["template"] == "chatml"
    assert told["window"] == 2048
    assert told["sha256"] == hashlib.sha256(gguf).hexdigest()
    assert told["writes"] is True
    assert told["size"] == len(gguf)
    assert told["parameters"] * 4 < len(gguf)
    assert list(told["needs"]) == ["2048"]
    assert told["needs"]["2048"] > len(gguf)
    assert "makes         text" in plain


def test_info_needs_more_memory_for_a_larger_window(user: User) -> None:
    from tests.local.tiny_gguf import write

    write(user.work / "long.gguf", context=40_000)

    needs = user.models("info", "long.gguf", "--json").json["needs"]

    assert list(needs) == ["2048", "8192", "32768", "40000"]
    assert sorted(needs.values()) == list(needs.values())


def test_info_of_a_model_that_is_not_here_tells_what_its_repository_has(user: User, gguf: bytes) -> None:
    repo = user.hub.repo(REPO)
    repo.add({"t-Q4_K_M.gguf": gguf, "t-Q8_0.gguf": gguf, "README.md": b"x"})
    repo.announced["t-Q8_0.gguf"] = 10**12

    told = user.models("info", REPO, "--json").json
    plain = user.models("info", REPO).out.decode()

    assert [(model["quantization"], model["bytes"]) for model in told["models"]] == [
        ("Q4_K_M", len(gguf)),
        ("Q8_0", 10**12),
    ]
    assert told["chosen"] == "t-Q4_K_M.gguf"
    assert told["licence"] == "apache-2.0"
    assert "* Q4_K_M" in plain
    assert (told["header"]["window"], told["header"]["sha256"]) == (2048, hashlib.sha256(gguf).hexdigest())
    assert told["header"]["needs"]["2048"] > len(gguf)
    assert user.blobs == {}


def test_info_reads_no_more_of_a_remote_file_than_its_header(user: User, tmp_path: Path) -> None:
    from tests.local.tiny_gguf import write

    whole = write(tmp_path / "wide.gguf", width=512, layers=6).read_bytes()
    user.hub.repo(REPO).add({"wide-Q8_0.gguf": whole})

    told = user.models("info", REPO, "--json").json

    assert len(whole) > 40_000_000
    assert user.hub.sent < 12_000_000  # what is under way when it hangs up
    assert told["header"]["size"] == len(whole)
    assert told["header"]["parameters"] > 10_000_000


def test_info_of_a_remote_file_that_is_no_model_is_one_line(user: User) -> None:
    user.hub.repo(REPO).add({"x-Q8_0.gguf": b"<html>" * 500})

    done = user.models("info", REPO)

    assert (done.code, len(done.lines)) == (69, 2)
    assert "not a usable GGUF" in done.lines[0]


def test_info_of_a_hosted_model_is_the_catalogues(user: User) -> None:
    told = user.models("info", "gpt-5-mini", "--json").json

    assert (told["model"], told["window"], told["usd_per_million"]) == ("openai/gpt-5-mini", 272000, "0.25 / 2")


def test_info_of_what_is_no_model_is_one_line(user: User) -> None:
    user.write("x.gguf", b"not a model")

    done = user.models("info", "x.gguf")

    assert (done.code, len(done.lines)) == (69, 2)


def test_suggest_names_what_fits_the_most_capable_first(user: User) -> None:
    rows = user.models("suggest", "--task", "json", "--memory", "4GB", "--licence", "apache", "--json").json

    assert len(rows) >= 3
    assert all(row["memory_bytes"] <= 4 * 10**9 and row["licence"] == "apache-2.0" for row in rows)
    sizes = [row["parameters_billions"] for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    assert all(row["command"].startswith("synapse models pull ") for row in rows)


def test_every_suggested_command_names_a_source(user: User) -> None:
    found = catalog_suggest.suggest(task=None, memory=10**12, licence=None)

    for each in [*found, *catalog_suggest.suggest(task="embedding", memory=10**12, licence=None)]:
        source = each.command.removeprefix("synapse models pull ")
        assert source == "minilm" or isinstance(parse(source), Hub)
    assert len(found) >= 20
    assert catalog_suggest.checked() >= "2026-11"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--task", "cooking"), "has no task 'cooking'"),
        (("--licence", "wtfpl"), "has no licence 'wtfpl'"),
        (("--memory", "much"), "--memory much: expected a size"),
    ],
)
def test_what_suggest_does_not_know_it_says(user: User, arguments: tuple[str, ...], words: str) -> None:
    done = user.models("suggest", *arguments)

    assert (done.code, words in done.err) == (2, True)


SOURCES = {
    "hf:a/b/c.gguf": Hub("a/b", "c.gguf"),
    "hf:a/b/dir/c.gguf@v1.0": Hub("a/b", "dir/c.gguf", None, "v1.0"),
    "a/b:q4_k_m": Hub("a/b", None, "Q4_K_M"),
    "a/b@refs/pr/1": Hub("a/b", None, None, "refs/pr/1"),
    "a/b": Hub("a/b"),
    "https://huggingface.co/a/b/resolve/main/c.gguf": Hub("a/b", "c.gguf"),
    "https://huggingface.co/a/b/blob/abc/d/c.gguf?download=true": Hub("a/b", "d/c.gguf", None, "abc"),
    "https://huggingface.co/a/b": Hub("a/b"),
    "https://huggingface.co/a/b/tree/main": Hub("a/b"),
    "https://hf.co/a/b/tree/v2/": Hub("a/b", None, None, "v2"),
    "hf.co/a/b:Q8_0": Hub("a/b", None, "Q8_0"),
    "hf:huggingface.co/a/b/c.gguf": Hub("a/b", "c.gguf"),
}


@pytest.mark.parametrize("text", SOURCES)
def test_a_source_is_read_as_people_write_it(text: str) -> None:
    found = parse(text)

    assert found == SOURCES[text]
    assert parse(found.text) == found
    assert key_of(found.text) == found.text


@pytest.mark.parametrize("text", ["", "a", "hf:a/b/c.bin", "a/b:", "a/b@", "hf:a b/c", "a/b/c.gguf:Q4", "../x/y z"])
def test_what_is_no_source_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)


def test_an_address_needs_its_hash() -> None:
    sha = "AB" * 32

    assert parse("https://x.org/m.gguf", sha) == Web("https://x.org/m.gguf", sha.lower())
    assert key_of("https://x.org/m.gguf") == "https://x.org/m.gguf"
    for text, given in (("https://x.org/m.gguf", None), ("https://x.org/m.gguf", "12"), ("http://x.org/m.gguf", sha)):
        with pytest.raises(UsageError):
            parse(text, given)


@pytest.mark.parametrize(
    ("name", "quantization"),
    [
        ("qwen2.5-0.5b-instruct-q4_k_m.gguf", "Q4_K_M"),
        ("Meta-Llama-3-8B.Q5_K_S.gguf", "Q5_K_S"),
        ("x-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("BF16/x-BF16-00001-of-00002.gguf", "BF16"),
        ("model-fp16.gguf", "F16"),
        ("gpt-oss-20b-mxfp4.gguf", "MXFP4"),
        ("IQ2_XXS/x-IQ2_XXS-00001-of-00003.gguf", "IQ2_XXS"),
        ("Qwen3-Q8B-chat.gguf", None),
    ],
)
def test_a_quantization_is_told_from_the_name(name: str, quantization: str | None) -> None:
    assert quantization_of(name) == quantization


def test_a_model_at_an_address_is_pulled_by_its_hash_over_https(user: User, gguf: bytes, https_hub) -> None:
    https_hub.files["/m/x.gguf"] = gguf
    url, sha = f"{https_hub.url}/m/x.gguf", hashlib.sha256(gguf).hexdigest()

    told = user.pulls(url, "--sha256", sha)
    wrong = user.models("pull", url, "--sha256", "ab" * 32)
    user.use(f'[models.m]\nbackend = "llama.cpp"\nsource = "{url}"\nsha256 = "{sha}"\n[routes.default]\nuse = "m"\n')

    assert told["files"][0]["sha256"] == sha
    assert (wrong.code, "wrong content" in wrong.err) == (69, True)
    assert user.models("path", "m").out.decode().strip() == told["path"]
    assert {seen.token for seen in https_hub.seen} == {""}
    assert FILE not in told["path"]


@pytest.mark.parametrize(("status", "code"), [(401, 77), (403, 77), (404, 66), (500, 75)])
def test_an_address_that_refuses_is_one_line(user: User, https_hub, status: int, code: int) -> None:
    https_hub.faults.status = status

    done = user.models("pull", f"{https_hub.url}/x.gguf", "--sha256", "ab" * 32)

    assert (done.code, len(done.lines)) == (code, 2), done.err
    assert "token" not in done.lines[0]


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_authority_of_ones_own_is_believed(user: User, gguf: bytes, https_hub, variable: str) -> None:
    https_hub.files["/x.gguf"] = gguf
    bundle = user.env.pop("SSL_CERT_FILE")
    ask = ("pull", f"{https_hub.url}/x.gguf", "--sha256", hashlib.sha256(gguf).hexdigest())

    stranger = user.models(*ask)
    known = user.models(*ask, env={variable: bundle})

    assert (stranger.code, "signed by nobody that is trusted here" in stranger.err) == (69, True)
    assert "name the file of your own authority" in stranger.err
    assert known.code == 0, known.err


def test_to_look_at_minilm_is_no_reason_to_convert_it(user: User) -> None:
    for command in ("info", "path"):
        done = user.models(command, "minilm")
        assert (done.code, "synapse models pull minilm" in done.err) == (66, True)

    assert not (user.state / "encoders").exists()
