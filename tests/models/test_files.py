"""What is in the store: looked at, verified, removed, pruned; and files that are here already."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from tests.models.tools import FILE, PROFILE, REPO, SOURCE, User


@pytest.fixture
def repo(user: User, gguf: bytes):
    found = user.hub.repo(REPO)
    found.add({FILE: gguf})
    return found


def test_path_prints_the_file_and_nothing_else(user: User, repo) -> None:
    path = user.pulls()["path"]

    assert user.models("path", SOURCE).out == f"{path}\n".encode()
    assert user.models("path", "nano").out.endswith(b"nano.gguf\n")
    assert user.models("path", f"{SOURCE}@v9").code == 66


def test_verify_reads_every_byte_and_says_which_file_is_damaged(user: User, repo, gguf: bytes) -> None:
    path = Path(user.pulls()["path"])
    whole = user.models("verify")
    status = path.stat()
    path.chmod(0o600)
    path.write_bytes(gguf[:-1] + b"\1")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    damaged = user.models("verify", SOURCE, "--json")

    assert (whole.code, whole.out.split()[-1]) == (0, b"whole")
    assert damaged.code == 69
    assert damaged.json[0]["state"] == "damaged"
    assert damaged.json[0]["found_sha256"] == hashlib.sha256(gguf[:-1] + b"\1").hexdigest()
    assert "is damaged" in damaged.err


def test_rm_forgets_the_pin_the_alias_and_the_file(user: User, repo) -> None:
    user.pulls(SOURCE, "--as", "tiny")

    nobody = user.models("rm", "tiny")
    dry = user.models("rm", "tiny", "--dry-run")
    done = user.models("rm", "tiny", "--yes")

    assert (nobody.code, "--yes" in nobody.err) == (2, True)
    assert dry.code == 0
    assert done.code == 0, done.err
    assert (user.blobs, user.lock()) == ({}, {})
    assert user.models("rm", "tiny", "--yes").code == 2


def test_rm_keeps_a_file_that_another_lock_pins(user: User, repo) -> None:
    user.use(PROFILE)
    user.pulls("small")
    user.pulls(SOURCE)

    user.models("rm", SOURCE, "--yes")

    assert len(user.blobs) == 1
    assert user.models("path", "small").code == 0


def test_rm_never_deletes_a_file_that_it_did_not_download(user: User, gguf: bytes) -> None:
    path = user.write("mine.gguf", gguf)
    user.models("add", "mine.gguf", "mine")

    done = user.models("rm", "mine", "--yes")

    assert done.code == 0, done.err
    assert path.read_bytes() == gguf
    assert user.models("alias", "--json").json == []


def test_prune_frees_what_no_lock_pins_and_says_how_much(user: User, repo, gguf: bytes, newer_gguf: bytes) -> None:
    user.write("synapse.toml", PROFILE)
    user.pulls("small")
    repo.add({FILE: newer_gguf})
    user.pulls("small", "--update")
    part = user.store / "partial" / ("ab" * 32 + ".part")
    part.write_bytes(b"x" * 777)

    dry = user.models("prune", "--dry-run")
    first = user.models("prune")
    former = user.models("prune", "--former")
    (user.work / "synapse.lock").unlink()
    last = user.models("prune", "--json")

    assert dry.out == b"would free 777 bytes in 1 file\n"
    assert first.out == b"freed 777 bytes in 1 file\n"
    assert former.out == f"freed {len(gguf):,} bytes in 1 file\n".encode()
    assert [row["bytes"] for row in last.json] == [len(newer_gguf)]
    assert user.blobs == {}


def test_after_former_files_are_pruned_there_is_nothing_to_roll_back_to(user: User, repo, newer_gguf: bytes) -> None:
    user.pulls()
    repo.add({FILE: newer_gguf})
    user.pulls(SOURCE, "--update")

    user.models("prune", "--former")

    done = user.models("rollback", SOURCE)
    assert (done.code, "has no former revision" in done.err) == (2, True)


def test_a_damaged_lock_is_one_line_that_names_it(user: User, repo) -> None:
    user.write("synapse.toml", PROFILE)
    for text in (
        "{",
        "[]",
        '{"schema": 9, "pins": {}}',
        '{"schema": 1, "pins": {"x": {"files": [{"sha256": "../x"}]}}}',
    ):
        user.write("synapse.lock", text)
        done = user.synapse("run", "hello")
        assert (done.code, str(user.work / "synapse.lock") in done.err) == (78, True), done.err


def test_an_added_file_is_used_in_place_by_its_short_name(user: User, gguf: bytes) -> None:
    path = user.write("odd name.gguf", gguf)

    done = user.models("add", "odd name.gguf")

    assert f"odd-name means file:{path}" in done.out.decode()
    assert user.synapse("run", "-m", "odd-name", "--param", "max_tokens=2", "hi").code == 0
    assert user.blobs == {}


def test_a_file_whose_name_is_no_utf8_gets_a_name(user: User, gguf: bytes) -> None:
    odd = os.fsdecode(b"m\xff.gguf")
    (user.work / odd).write_bytes(gguf)

    assert user.models("add", f"./{odd}", "mine").code == 0
    assert user.synapse("run", "-m", "mine", "--param", "max_tokens=2", "hi").code == 0


def test_a_copy_that_was_changed_is_not_loaded(user: User, gguf: bytes) -> None:
    user.models("add", str(user.write("mine.gguf", gguf)), "mine", "--copy")
    copy = Path(user.models("path", "mine").out.decode().strip())
    copy.chmod(0o600)
    copy.write_bytes(gguf[:-1] + bytes([gguf[-1] ^ 1]))

    done = user.synapse("run", "-m", "mine", "hello")

    assert done.code == 69
    assert "was changed or damaged since it was copied" in done.lines[0]


def test_an_added_copy_outlives_its_original(user: User, gguf: bytes) -> None:
    path = user.write("mine.gguf", gguf)
    user.models("add", str(path), "mine", "--copy")
    path.unlink()

    user.models("prune")

    assert user.synapse("run", "-m", "mine", "--param", "max_tokens=2", "hi").code == 0
    assert user.models("rm", "mine", "--yes").code == 0
    assert user.blobs == {}


@pytest.mark.parametrize(
    ("content", "code"), [(b"GGUF", 69), (b"", 69), (None, 66)], ids=["truncated", "empty", "missing"]
)
def test_what_is_no_model_gets_no_name(user: User, content: bytes | None, code: int) -> None:
    if content is not None:
        user.write("x.gguf", content)

    done = user.models("add", "x.gguf")

    assert (done.code, len(done.lines)) == (code, 2)
    assert user.models("alias", "--json").json == []


def test_an_alias_means_what_it_was_given_and_is_noticed_by_the_memo(
    user: User, gguf: bytes, newer_gguf: bytes
) -> None:
    user.write("a.gguf", gguf)
    user.write("b.gguf", newer_gguf)
    ask = ("run", "-m", "it", "--seed", "1", "--param", "max_tokens=8", "the bug is spam")
    answers = []
    for name in ("a", "b", "a"):
        assert user.models("alias", "it", f"{name}.gguf").code == 0
        answers.append(user.synapse(*ask).out)

    assert answers[0] == answers[2] != answers[1]
    assert user.models("alias", "--json").json == [{"name": "it", "target": f"file:{user.work}/a.gguf"}]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("x/y", "hf:a/b"), 2),
        (("nano", "hf:a/b"), 2),
        (("x", "hf:a"), 2),
        (("x", "./nothing.gguf"), 66),
        (("x",), 2),
        (("x", "--delete"), 2),
        (("x", "word"), 2),
    ],
)
def test_an_alias_that_cannot_be_is_refused(user: User, arguments: tuple[str, ...], code: int) -> None:
    done = user.models("alias", *arguments)

    assert (done.code, len(done.lines)) == (code, 2), done.err


def test_scan_finds_what_other_tools_keep_and_adds_names(user: User, gguf: bytes) -> None:
    hub = user.home / ".cache/huggingface/hub/models--tiny--Tiny-GGUF"
    (hub / "blobs").mkdir(parents=True)
    (hub / "blobs/abc").write_bytes(gguf)
    (hub / "snapshots/c0ffee").mkdir(parents=True)
    (hub / "snapshots/c0ffee/Tiny-Q8.gguf").symlink_to("../../blobs/abc")
    digest = hashlib.sha256(gguf + b"o").hexdigest()
    ollama = user.home / ".ollama/models"
    manifest = ollama / "manifests/registry.ollama.ai/library/tiny/1b"
    manifest.parent.mkdir(parents=True)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}", "size": len(gguf)}
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": [{"mediaType": "x", "digest": "sha256:0"}, layer]}))
    (ollama / "blobs").mkdir()
    (ollama / f"blobs/sha256-{digest}").write_bytes(gguf)
    studio = user.home / ".lmstudio/models/tiny/Tiny-GGUF/studio.gguf"
    studio.parent.mkdir(parents=True)
    studio.write_bytes(gguf)
    cpp = user.home / ".cache/llama.cpp/cpp.gguf"
    cpp.parent.mkdir(parents=True)
    cpp.write_bytes(gguf[:-10])

    rows = user.models("scan", "--add", "--json").json

    told = {(row["tool"], row["name"], row["alias"], row["problem"] is None) for row in rows}
    assert told == {
        ("Hugging Face", "Tiny-Q8", "tiny-q8", True),
        ("Ollama", "tiny:1b", "tiny:1b", True),
        ("LM Studio", "studio", "studio", True),
        ("llama.cpp", "cpp", None, False),
    }
    for name in ("tiny-q8", "tiny:1b", "studio"):
        assert user.synapse("run", "-m", name, "--param", "max_tokens=2", "hi").code == 0
    assert user.models("scan", "--add", "--json").json == rows


def test_scan_of_a_folder_that_is_not_there_is_an_error(user: User) -> None:
    done = user.models("scan", "nowhere")

    assert done.code == 66
    assert done.lines[0] == f"synapse: error: there is no file or folder {user.work / 'nowhere'}"


@pytest.mark.parametrize("command", ["rm", "pin", "rollback"])
def test_a_model_that_comes_along_is_neither_pinned_nor_removed(user: User, command: str) -> None:
    done = user.models(command, "nano")

    assert done.code == 2
    assert "builtin:nano comes with Synapse" in done.lines[0]


def test_scan_follows_the_tools_own_variables_and_looks_where_it_is_told(
    user: User, gguf: bytes, split: dict[str, bytes]
) -> None:
    elsewhere = {"HF_HUB_CACHE": user.root / "h", "LLAMA_CACHE": user.root / "l", "OLLAMA_MODELS": user.root / "o"}
    path = user.root / "l/x.gguf"
    path.parent.mkdir()
    path.write_bytes(gguf)
    for name, content in split.items():
        user.write(f"mine/{name}", content)

    named = user.models("scan", "--json", env={key: str(value) for key, value in elsewhere.items()}).json
    given = user.models("scan", "mine", "--json").json

    assert [(row["tool"], row["path"]) for row in named] == [("llama.cpp", str(path))]
    assert [(row["name"], row["bytes"]) for row in given] == [("big-00001-of-00002", sum(map(len, split.values())))]


def test_prune_knows_a_project_that_was_moved(user: User, repo) -> None:
    user.write("old/synapse.toml", PROFILE)
    user.models("pull", "small", cwd=user.work / "old")
    (user.work / "old").rename(user.work / "new")

    there = user.models("prune", "--json", cwd=user.work / "new").json
    elsewhere = user.models("prune", "--json").json

    assert (there, elsewhere) == ([], [])
    assert user.models("path", "small", cwd=user.work / "new").code == 0
