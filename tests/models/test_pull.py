"""`synapse models pull` against a hub on loopback: whole, checked and pinned, or one clear line."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import signal
import stat
import sys
from pathlib import Path

import pytest

from tests.cli.running import Running
from tests.e2e.machine import ECHO, SYNAPSE
from tests.e2e.terminal import at_terminal
from tests.models.tools import FILE, PROFILE, REPO, SOURCE, User


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def repo(user: User, gguf: bytes):
    found = user.hub.repo(REPO)
    found.add({FILE: gguf, "README.md": b"# Tiny"})
    return found


def test_a_file_is_fetched_once_checked_and_pinned(user: User, repo, gguf: bytes) -> None:
    first = user.pulls()
    again = user.pulls()

    assert user.blobs == {f"{sha(gguf)}.gguf": gguf}
    assert Path(first["path"]).read_bytes() == gguf
    assert stat.S_IMODE(Path(first["path"]).stat().st_mode) == 0o400
    assert user.lock() == {
        SOURCE: {
            "revision": list(repo.commits)[-1],
            "licence": "apache-2.0",
            "files": [{"name": FILE, "sha256": sha(gguf), "size": len(gguf)}],
        }
    }
    assert (first["fetched"], again["fetched"]) == (1, 0)
    assert user.hub.sent == len(gguf)
    assert user.parts == {}


def test_what_is_pinned_and_here_needs_no_network(user: User, repo) -> None:
    user.pulls()
    before = len(user.hub.seen)

    again = user.models("pull", SOURCE)

    assert again.code == 0
    assert "is here already" in again.out.decode()
    assert len(user.hub.seen) == before


def test_a_pulled_model_answers_by_its_source_its_alias_and_its_name(user: User, repo) -> None:
    user.pulls(SOURCE, "--as", "tiny")
    user.use(PROFILE)

    for name in (SOURCE, "tiny", "small"):
        done = user.synapse("run", "-m", name, "--param", "max_tokens=3", "--no-cache", "--json", "hello")
        assert (done.code, done.json["attempts"][0]["outcome"]) == (0, "accepted"), done.err


def test_a_model_that_was_not_pulled_names_the_command_that_fetches_it(user: User, repo) -> None:
    user.use(PROFILE)

    done = user.synapse("run", "hello")

    assert done.code == 66
    assert f"the model {SOURCE} is still to be pulled" in done.err
    assert "synapse models pull small" in done.err


def test_the_lock_of_a_projects_profile_is_beside_it(user: User, repo) -> None:
    user.write("synapse.toml", PROFILE)

    told = user.pulls("small")

    assert told["lock"] == str(user.work / "synapse.lock")
    assert list(user.lock(user.work / "synapse.lock")) == [SOURCE]
    assert sorted(path.name for path in user.work.iterdir()) == ["synapse.lock", "synapse.toml"]


def test_another_machine_gets_what_the_lock_says_and_not_what_is_newest(
    user: User, repo, gguf: bytes, newer_gguf: bytes
) -> None:
    user.write("synapse.toml", PROFILE)
    user.pulls("small")
    lock = (user.work / "synapse.lock").read_bytes()
    for path in (user.store / "blobs").iterdir():
        path.unlink()
    repo.add({FILE: newer_gguf})

    missing = user.synapse("run", "hello")
    user.pulls("small")

    assert (missing.code, "pinned and not on this machine" in missing.err) == (66, True)
    assert list(user.blobs.values()) == [gguf]
    assert (user.work / "synapse.lock").read_bytes() == lock


def test_update_moves_on_and_rollback_goes_back_and_forth(user: User, repo, gguf: bytes, newer_gguf: bytes) -> None:
    user.use(PROFILE)
    old = user.pulls("small")
    repo.add({FILE: newer_gguf})

    new = user.pulls("small", "--update")
    files = [json.loads(user.models("rollback", "small", "--json").out)["files"][0]["sha256"] for _ in range(2)]

    assert new["former"] == old["revision"]
    assert files == [sha(gguf), sha(newer_gguf)]
    assert sorted(user.blobs.values()) == sorted([gguf, newer_gguf])
    assert "was never at 'zzz'" in user.models("rollback", "small", "--to", "zzz").err


def test_a_rollback_changes_the_answer_of_a_command_line_that_was_remembered(
    user: User, repo, newer_gguf: bytes
) -> None:
    user.use(PROFILE)
    user.pulls("small")
    ask = ("run", "--seed", "1", "--param", "max_tokens=8", "the bug is spam")
    old = user.synapse(*ask).out
    repo.add({FILE: newer_gguf})
    user.pulls("small", "--update")

    new = user.synapse(*ask).out
    user.models("rollback", "small")

    assert new != old
    assert user.synapse(*ask).out == old


def test_a_cut_connection_is_resumed_at_twenty_offsets(user: User, repo, gguf: bytes) -> None:
    offsets = [*sorted(random.Random(5).sample(range(1, len(gguf)), 18)), 0, len(gguf) - 1]
    user.hub.faults.cuts = list(offsets)

    user.pulls()

    assert user.hub.faults.cuts == []
    assert list(user.blobs.values()) == [gguf]
    assert user.hub.sent == len(gguf)
    ranges = [seen.range for seen in user.hub.asked("GET /storage")]
    assert ranges == ["", "", *(f"bytes={offset}-" for offset in sorted(offsets)[1:])]


def test_a_server_without_ranges_is_asked_from_the_beginning(user: User, repo, gguf: bytes) -> None:
    user.hub.faults.cuts = [100_000, 200_000]
    user.hub.faults.ignores_ranges = True

    user.pulls()

    assert list(user.blobs.values()) == [gguf]
    assert user.hub.sent == len(gguf) + 300_000


def test_a_download_that_was_killed_goes_on_where_it_ended(user: User, repo, gguf: bytes) -> None:
    user.hub.faults.slow_s = 0.02
    running = Running(user, "models", "pull", SOURCE)
    running.until(lambda: sum(user.parts.values()) > 100_000, "some bytes had arrived")
    running.process.send_signal(signal.SIGKILL)
    running.process.communicate()
    arrived = sum(user.parts.values())
    user.hub.faults.slow_s = 0.0

    user.pulls()

    assert 100_000 < arrived < len(gguf)
    assert user.hub.seen[-1].range == f"bytes={arrived}-"
    assert list(user.blobs.values()) == [gguf]
    assert user.parts == {}


def test_ctrl_c_ends_a_pull_with_130_and_keeps_what_arrived(user: User, repo) -> None:
    user.hub.faults.slow_s = 0.05
    running = Running(user, "models", "pull", SOURCE, **user.env)
    running.until(lambda: sum(user.parts.values()) > 50_000, "some bytes had arrived")

    done = running.interrupt().end()

    assert done.code == 130
    assert sum(user.parts.values()) > 50_000
    assert user.blobs == {}


def test_a_connection_that_never_holds_is_given_up_in_one_line_that_says_what_is_kept(user: User, repo) -> None:
    user.hub.faults.cuts = [70_000] + [70_000] * 20

    done = user.models("pull", SOURCE)

    assert (done.code, len(done.lines)) == (75, 2)
    assert "was cut" in done.lines[0]
    assert "70,000 bytes are kept" in done.lines[1]
    assert user.blobs == {}


def test_two_pulls_at_once_are_one_download(user: User, repo, gguf: bytes) -> None:
    user.hub.faults.slow_s = 0.02
    both = [Running(user, "models", "pull", SOURCE) for _ in range(2)]

    ends = [running.end() for running in both]

    assert [end.code for end in ends] == [0, 0]
    assert user.hub.sent == len(gguf)
    assert sum("being pulled by another process" in end.err for end in ends) == 1
    assert list(user.blobs.values()) == [gguf]


def test_wrong_content_is_refused_and_nothing_of_it_is_kept(user: User, repo, gguf: bytes) -> None:
    repo.promised[FILE] = "ab" * 32

    done = user.models("pull", SOURCE)

    assert done.code == 69
    assert len(done.lines) == 2
    assert f"{FILE} came with the wrong content" in done.lines[0]
    assert sha(gguf)[:16] in done.lines[0]
    assert (user.blobs, user.parts) == ({}, {})
    assert not (user.config / "models.lock").exists()


def test_bytes_that_an_older_pull_left_wrong_are_not_built_upon(user: User, repo, gguf: bytes) -> None:
    part = user.store / "partial" / f"{sha(gguf)}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 1000)

    user.pulls()

    assert list(user.blobs.values()) == [gguf]


@pytest.mark.parametrize("content", [b"<html>no model</html>" * 100, b"GGUF" + b"\0" * 2000], ids=["html", "zeros"])
def test_what_is_no_gguf_is_never_listed(user: User, repo, content: bytes) -> None:
    repo.add({"odd.gguf": content})

    done = user.models("pull", f"hf:{REPO}/odd.gguf")

    assert (done.code, len(done.lines)) == (69, 2)
    assert "odd.gguf is not a usable GGUF" in done.lines[0]
    assert (user.blobs, user.parts) == ({}, {})


def test_a_truncated_model_is_never_listed_even_where_its_hash_is_right(user: User, repo, gguf: bytes) -> None:
    repo.add({"short.gguf": gguf[: len(gguf) // 2]})

    done = user.models("pull", f"hf:{REPO}/short.gguf")

    assert (done.code, "truncated" in done.err) == (69, True)
    assert user.blobs == {}


REFUSALS = {
    "no such repository": ("hf:tiny/None/x.gguf", {}, 66, "there is nothing at tiny/None"),
    "no such file": (f"hf:{REPO}/tiny-q8.gguf", {}, 66, "has no file tiny-q8.gguf"),
    "no such quantization": (f"hf:{REPO}:Q4_K_M", {}, 66, "has no Q4_K_M"),
    "no such revision": (f"{SOURCE}@nothing", {}, 66, "has no revision 'nothing'"),
    "a wrong token": (SOURCE, {"HF_TOKEN": "hf_wrong"}, 77, "does not take the token"),
    "offline": (SOURCE, {"HF_HUB_OFFLINE": "1"}, 77, "HF_HUB_OFFLINE is set"),
    "nobody there": (SOURCE, {"HF_ENDPOINT": "http://127.0.0.1:9"}, 75, "cannot reach 127.0.0.1"),
    "a source that is none": ("hf:tiny", {}, 2, "names no model file"),
    "a name that is none": ("smal", {}, 2, "no model named 'smal'"),
    "an address without a hash": ("https://127.0.0.1:9/x.gguf", {}, 2, "does not say what should come"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_each_refusal_is_one_clear_line_with_a_hint(user: User, repo, what: str) -> None:
    source, env, code, words = REFUSALS[what]

    done = user.models("pull", source, env=env)

    assert (done.code, len(done.lines)) == (code, 2), done.err
    assert words in done.lines[0]
    assert done.lines[1].startswith("synapse: hint: ")
    assert user.blobs == {}


@pytest.mark.parametrize(("token", "words"), [("", "gated"), ("hf_right", "")])
def test_a_gated_model_needs_a_token(user: User, repo, token: str, words: str) -> None:
    repo.gated = True

    done = user.models("pull", SOURCE, env={"HF_TOKEN": token})

    assert done.code == (77 if words else 0), done.err
    assert words in done.err
    if words:
        assert f"accept its terms at https://huggingface.co/{REPO}" in done.err


def test_the_token_goes_to_the_hub_and_not_to_its_storage(user: User, repo) -> None:
    repo.private = True

    done = user.models("pull", SOURCE, env={"HF_TOKEN": "hf_right"})

    assert done.code == 0, done.err
    assert {seen.token for seen in user.hub.asked("/api/|/resolve/")} == {"hf_right"}
    assert {seen.token for seen in user.hub.asked("/storage/")} == {""}


@pytest.mark.parametrize(
    ("status", "headers", "code", "words"),
    [
        (401, {}, 66, "there is nothing at"),
        (403, {}, 77, "refuses"),
        (404, {}, 66, "there is nothing at"),
        (429, {"Retry-After": "300"}, 75, "try again in 300 s"),
        (429, {"RateLimit": '"api";r=0;t=77'}, 75, "try again in 77 s"),
        (500, {}, 75, "failed (500)"),
        (503, {}, 75, "failed (503)"),
    ],
)
def test_each_status_has_its_line(user: User, repo, *, status: int, headers, code: int, words: str) -> None:
    user.hub.faults.status, user.hub.faults.headers = status, headers

    done = user.models("pull", SOURCE)

    assert (done.code, len(done.lines)) == (code, 2), done.err
    assert words in done.lines[0]


def test_garbage_in_place_of_a_hub_is_said(user: User, repo) -> None:
    user.hub.faults.garbage = True

    done = user.models("pull", SOURCE)

    assert (done.code, len(done.lines)) == (69, 2), done.err
    assert "not what a hub answers" in done.lines[0]


def test_a_disk_without_room_is_said_before_the_first_byte(user: User, repo) -> None:
    repo.announced[FILE] = 10**16

    done = user.models("pull", SOURCE)

    assert (done.code, len(done.lines)) == (66, 2)
    assert "there is no room in" in done.lines[0]
    assert "10,000,000 GB are needed" in done.lines[0]
    assert user.hub.sent == 0


def test_a_disk_that_fills_up_keeps_what_arrived(user: User, repo, gguf: bytes) -> None:
    limited = "import resource, os, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000)); "
    limited += "os.execvp(sys.argv[1], sys.argv[1:])"

    done = user.process([sys.executable, "-c", limited, SYNAPSE, "models", "pull", SOURCE])
    arrived = sum(user.parts.values())
    user.pulls()

    assert (done.code, len(done.lines)) == (66, 2), done.err
    assert "the disk is full" in done.lines[0]
    assert 0 < arrived <= 150_000
    assert user.hub.seen[-1].range == f"bytes={arrived}-"
    assert list(user.blobs.values()) == [gguf]


def test_a_store_that_cannot_be_written_is_said(user: User, repo) -> None:
    done = user.models("pull", SOURCE, env={"SYNAPSE_MODELS_DIR": "/proc/nothing"})

    assert (done.code, len(done.lines)) == (66, 2), done.err
    assert "cannot write /proc/nothing" in done.lines[0]


def test_a_damaged_file_is_noticed_before_it_is_loaded_and_pull_repairs_it(user: User, repo, gguf: bytes) -> None:
    user.use(PROFILE)
    path = Path(user.pulls("small")["path"])
    path.chmod(0o600)
    path.write_bytes(gguf[:-4] + b"\0\0\0\1")

    refused = user.synapse("run", "--no-cache", "hello")
    repaired = user.models("pull", "small")

    assert refused.code == 69
    assert "was changed or damaged since it was pulled" in refused.err
    assert "synapse models pull small" in refused.err
    assert "is damaged: fetching it anew" in repaired.err
    assert path.read_bytes() == gguf


def test_the_parts_of_a_split_model_come_together(user: User, split: dict[str, bytes]) -> None:
    user.hub.repo(REPO).add(split)

    told = user.pulls(f"hf:{REPO}/big-00001-of-00002.gguf")
    by_quantization = user.models("pull", f"{REPO}:Q8_0")

    folder = Path(told["path"]).parent
    assert sorted(path.name for path in folder.iterdir()) == ["big-00001-of-00002.gguf", "big-00002-of-00002.gguf"]
    assert [file["name"] for file in told["files"]] == sorted(split)
    assert len(user.blobs) == 2
    assert by_quantization.code == 66
    done = user.synapse("run", "-m", f"hf:{REPO}/big-00001-of-00002.gguf", "--param", "max_tokens=3", "hello")
    assert done.code == 0, done.err


def test_the_quantization_is_chosen_by_memory_and_the_choice_is_explained(user: User, gguf: bytes) -> None:
    size = len(gguf)
    names = {
        "t-Q2_K.gguf": gguf,
        "t-Q4_K_M.gguf": gguf,
        "t-Q8_0.gguf": gguf,
        "t-f16.gguf": gguf,
        "mmproj-f16.gguf": gguf,
    }
    repo = user.hub.repo(REPO)
    repo.add(names)
    repo.announced |= {
        "t-Q2_K.gguf": size,
        "t-Q4_K_M.gguf": size,
        "t-Q8_0.gguf": 5_000_000_000,
        "t-f16.gguf": 9_000_000_000,
    }

    told = user.pulls(REPO, "--memory", "1GB")
    tight = user.models("pull", f"{REPO}", "--update", "--memory", "1MB")

    assert told["files"][0]["name"] == "t-Q4_K_M.gguf"
    assert told["why"] == "the largest of 3 that fits in 1.0 GB; Q8_0 would need 5.0 GB"
    assert tight.code == 69
    assert "fits in 1.0 MB: the smallest would need" in tight.err


def test_pin_writes_the_lock_without_fetching(user: User, repo, gguf: bytes) -> None:
    user.write("synapse.toml", PROFILE)

    done = user.models("pin", "small")

    assert done.code == 0, done.err
    assert user.lock(user.work / "synapse.lock")[SOURCE]["files"][0]["sha256"] == sha(gguf)
    assert (user.blobs, user.hub.sent) == ({}, 0)


def test_the_hub_of_these_tests_is_one_that_the_hubs_own_client_downloads_from(
    user: User, repo, gguf: bytes, tmp_path: Path
) -> None:
    code = "import sys; from huggingface_hub import hf_hub_download as get; print(get(sys.argv[1], sys.argv[2]))"
    done = user.process([sys.executable, "-c", code, REPO, FILE], env={"HF_HUB_DISABLE_XET": "1"})

    assert done.code == 0, done.err
    assert Path(done.out.decode().strip()).read_bytes() == gguf


def test_without_a_name_everything_that_the_profile_names_is_pulled(user: User, repo, gguf: bytes) -> None:
    repo.add({"other.gguf": gguf[:-8] + b"\0" * 8})
    other = f'[models.other]\nbackend = "llama.cpp"\nsource = "hf:{REPO}/other.gguf"\n[routes'
    user.write("synapse.toml", PROFILE.replace("[routes", other))

    done = user.models("pull")

    assert done.code == 0, done.err
    assert len(user.blobs) == 2
    assert len(user.lock(user.work / "synapse.lock")) == 2
    (user.work / "synapse.toml").unlink()
    user.use(ECHO)
    assert user.models("pull").code == 2


def test_a_model_that_is_still_to_be_pulled_is_climbed_over(user: User, repo) -> None:
    tiers = ECHO.partition("[routes")[0] + PROFILE.partition("[routes")[0].replace("schema = 1\n", "")
    user.use(tiers + '[cascades.c]\ntiers = ["small", "echo"]\n[routes.default]\nuse = "c"\n')

    done = user.synapse("run", "--json", "hello")

    assert (done.code, done.json["answer"]) == (0, "an answer")
    assert done.json["attempts"][0]["error"]["kind"] == "model_missing"


def test_a_revision_that_is_gone_is_named(user: User, repo) -> None:
    user.pulls()
    for path in (user.store / "blobs").iterdir():
        path.unlink()
    commit = list(repo.commits)[-1]
    repo.commits = {"0" * 40: repo.commits[commit]}

    done = user.models("pull", SOURCE)

    assert (done.code, f"has no revision '{commit}'" in done.err) == (66, True)


def test_prune_leaves_alone_what_a_pull_is_bringing(user: User, split: dict[str, bytes]) -> None:
    user.hub.repo(REPO).add(split)
    user.hub.faults.slow_s = 0.03
    running = Running(user, "models", "pull", f"{REPO}")
    running.until(lambda: len(user.blobs) == 1, "the first part was whole")

    pruned = user.models("prune", "--json").json
    done = running.end()

    assert pruned == []
    assert done.code == 0, done.err
    assert len(user.blobs) == 2


def test_a_terminal_sees_how_far_it_is_and_keeps_no_trace(user: User, repo) -> None:
    user.hub.faults.slow_s = 0.02

    shown = at_terminal(user, [SYNAPSE, "models", "pull", SOURCE])

    err = "".join(shown.err)
    assert re.search(rf"\r{re.escape(FILE)} · [0-9.]+ of 0\.5 MB · \d+ %", err)
    assert err.endswith(" \r")
    assert f"pulled {FILE}" in "".join(shown.out)


def test_a_rate_limit_that_is_over_soon_is_waited_for(user: User, repo, gguf: bytes) -> None:
    user.hub.faults.status, user.hub.faults.times, user.hub.faults.headers = 429, 2, {"Retry-After": "0"}

    user.pulls()

    assert list(user.blobs.values()) == [gguf]


def test_doctor_says_which_command_fetches_what_is_missing(user: User, repo) -> None:
    user.use(PROFILE)

    done = user.synapse("doctor")

    assert f"model small: the model {SOURCE} is still to be pulled: synapse models pull small" in done.out.decode()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_profile_that_cannot_be_written_beside_is_pinned_in_the_users_own_lock(user: User, repo) -> None:
    user.write("shared/p.toml", PROFILE)
    (user.work / "shared").chmod(0o500)

    told = user.pulls("small", "--profile", "shared/p.toml")

    assert told["lock"] == str(user.config / "models.lock")
    assert user.models("path", "small", "--profile", "shared/p.toml").code == 0


def test_a_name_that_cannot_be_is_refused_before_anything_is_fetched(user: User, repo) -> None:
    done = user.models("pull", SOURCE, "--as", "nano")

    assert (done.code, "comes with Synapse" in done.err) == (2, True)
    assert user.hub.seen == []


def test_what_is_asked_over_the_network_is_not_pulled(user: User) -> None:
    user.models("alias", "fast", "groq/openai/gpt-oss-20b")

    done = user.models("pull", "fast")

    assert (done.code, "there is nothing to pull" in done.err) == (2, True)


def test_a_hub_that_tells_no_hash_is_not_believed(user: User, repo) -> None:
    user.hub.tells_hashes = False

    done = user.models("pull", SOURCE)

    assert (done.code, len(done.lines)) == (69, 2), done.err
    assert f"the hub tells no hash of {FILE}" in done.lines[0]
    assert user.hub.sent == 0


def test_a_warm_host_follows_the_lock(user: User, repo, newer_gguf: bytes) -> None:
    user.env["SYNAPSE_HOSTS"] = "on"
    user.use(PROFILE)
    user.pulls("small")
    ask = ("run", "--no-cache", "--seed", "1", "--param", "max_tokens=8", "the bug is spam")
    try:
        old = user.synapse(*ask)
        repo.add({FILE: newer_gguf})
        user.pulls("small", "--update")
        new = user.synapse(*ask)
        user.models("rollback", "small")
        again = user.synapse(*ask)
    finally:
        stopped = user.synapse("hosts", "stop")

    assert (old.code, new.code, again.code) == (0, 0, 0), old.err
    assert old.out == again.out != new.out
    assert stopped.out.count(b"stopped") == 1


def test_a_cached_answer_of_a_pulled_model_imports_neither_the_hubs_client_nor_an_engine(user: User, repo) -> None:
    user.pulls()
    ask = [SYNAPSE, "run", "-m", SOURCE, "--json", "--param", "max_tokens=2", "hello"]
    user.process(ask)

    done = user.process([sys.executable, "-X", "importtime", *ask])

    imported = {line.rpartition("|")[2].strip() for line in done.lines if line.startswith("import time:")}
    assert (done.code, done.json["attempts"][0]["cached"]) == (0, True)
    assert "synapse_cli.backends.catalog_lock" in imported
    assert not imported & {"huggingface_hub", "httpx", "llama_cpp", "numpy", "synapse_cli.backends.llamacpp_engine"}
