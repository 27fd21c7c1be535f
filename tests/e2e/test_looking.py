"""Commands that look and do not ask: explain, key, models, paths, completions. Nothing is sent, run or written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.machine import ECHO, ROOT, Machine
from tests.e2e.test_stranger import listening
from tests.local import tiny_gguf

HOSTED = """schema = 1
[models.small]
backend = "scripted"
record = "~/calls.jsonl"
replies = [{{ match = "", text = "an answer" }}]
[models.mini]
backend = "litellm"
model = "openai/gpt-5-mini"
base_url = "{url}/v1"
keys = ["env:MY_KEY", "cmd:touch {folder}/key-command-ran"]
price = {{ input = 0.25, output = 2.0 }}
params = {{ max_tokens = 1000 }}
[cascades.climb]
tiers = ["small", "mini"]
accept = [{{ kind = "confidence", min = 0.8 }}, {{ kind = "length", min = 1 }}]
[routes.code]
when = {{ keywords = ["parser"] }}
use = "mini"
[routes.default]
use = "climb"
"""


@pytest.mark.parametrize(
    "command",
    [
        ["explain"],
        ["explain", "--json"],
        ["run", "--dry-run"],
        ["run", "--dry-run", "--json"],
        ["key"],
        ["models", "list"],
        ["profile", "check"],
        ["profile", "show"],
    ],
)
def test_looking_connects_to_nobody_and_runs_nothing(machine: Machine, command: list[str]) -> None:
    prompt = [] if command[0] in {"models", "profile"} else ["Write a parser"]
    with listening() as (url, said):
        machine.use(HOSTED.format(url=url, folder=machine.root))

        done = machine.synapse(*command, *prompt, env={"MY_KEY": "sk-canary-1234567890", "HTTPS_PROXY": url})

    assert done.code == 0, done.err
    assert said == []
    assert machine.calls == []
    assert not (machine.root / "key-command-ran").exists()
    assert "canary" not in done.out.decode() + done.err
    assert machine.runs == []


def test_explain_says_the_route_the_tiers_and_the_most_it_can_cost(machine: Machine) -> None:
    machine.use(HOSTED.format(url="http://127.0.0.1:9", folder=machine.root))

    climbing = machine.synapse("explain", "--json", "hello").json
    direct = machine.synapse("explain", "--json", "Write a parser").json

    assert (climbing["route"], direct["route"]) == ("default", "code")
    assert [(t["tier"], t["is_local"], t["checks"]) for t in climbing["tiers"]] == [
        ("small", True, ["confidence", "length"]),
        ("mini", False, ["length"]),
    ]
    (mini,) = direct["tiers"]
    assert mini["estimated"]
    least = 1000 * 2.0 / 1_000_000
    assert least < float(mini["cost_usd_at_most"]) < least + 0.001
    assert direct["runners_up"] == []
    assert [row["route"] for row in climbing["runners_up"]] == ["code"]


def test_explain_knows_what_is_kept(machine: Machine) -> None:
    machine.use(ECHO)

    before = machine.synapse("explain", "--json", "hello").json["tiers"][0]["cached"]
    machine.synapse("run", "hello")
    after = machine.synapse("explain", "--json", "hello").json["tiers"][0]["cached"]
    other = machine.synapse("explain", "--json", "another").json["tiers"][0]["cached"]

    assert (before, after, other) == (False, True, False)
    assert len(machine.calls) == 1


def test_a_dry_run_prints_what_explain_prints(machine: Machine) -> None:
    machine.use(ECHO)

    dry = machine.synapse("run", "--dry-run", "hello")
    told = machine.synapse("explain", "hello")

    assert (dry.code, dry.out) == (0, told.out)


def _key(machine: Machine, *arguments: str, **options: object) -> str:
    done = machine.synapse("key", *arguments, **options)
    assert done.code == 0, done.err
    return done.out.decode()


def test_a_key_is_the_same_for_the_same_request_and_a_line_that_make_can_compare(machine: Machine) -> None:
    machine.use(ECHO)
    machine.write("notes.txt", "some notes")
    elsewhere = machine.root / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "notes.txt").write_text("some notes")

    first = _key(machine, "hello", "-f", "notes.txt")
    same = [
        _key(machine, "hello", "-f", "notes.txt"),
        _key(machine, "hello", "-f", "notes.txt", cwd=elsewhere),
        _key(machine, "hello", "-f", "notes.txt", "--no-cache", "-v", "--timeout", "9"),
    ]

    assert first.endswith("\n")
    assert len(first) == 65
    assert set(same) == {first}
    assert machine.calls == machine.runs == []


def test_a_key_changes_with_everything_that_could_change_the_answer(machine: Machine) -> None:
    profile = machine.use(ECHO + '[templates.t]\nprompt = "{{ input }} {{ x }}"\n')
    notes = machine.write("notes.txt", "some notes")
    machine.write("schema.json", '{"type": "object"}')
    base = ["hello", "-f", "notes.txt"]
    keys = [_key(machine, *base)]

    for more in (
        ["there"],
        ["-s", "be brief"],
        ["--choices", "a,b"],
        ["--schema", "schema.json"],
        ["--seed", "1"],
        ["--param", "temperature=0.5"],
        ["-t", "t", "-p", "x=1"],
    ):
        keys.append(_key(machine, *base, *more))
    notes.write_text("other notes")
    keys.append(_key(machine, *base))
    profile.write_text(ECHO.replace("an answer", "another answer"))
    keys.append(_key(machine, *base))
    profile.write_text(ECHO.replace('backend = "scripted"', 'backend = "scripted"\nparams = { temperature = 1 }'))
    keys.append(_key(machine, *base))

    assert len(set(keys)) == len(keys) == 11


def test_a_key_changes_with_the_model_file_and_needs_one(machine: Machine) -> None:
    path = tiny_gguf.write(machine.work / "tiny.gguf", seed=1)
    first = _key(machine, "-m", "tiny.gguf", "hello")
    tiny_gguf.write(path, seed=2)
    second = _key(machine, "-m", "tiny.gguf", "hello")
    moved = path.rename(machine.work / "moved.gguf")
    third = _key(machine, "-m", "moved.gguf", "hello")
    moved.unlink()
    without = machine.synapse("key", "-m", "moved.gguf", "hello")

    assert first != second == third
    assert without.code == 66
    assert "moved.gguf" in without.lines[0]


def test_a_makefile_rule_rebuilds_only_what_changed(machine: Machine) -> None:
    machine.use(ECHO)
    machine.write("notes.txt", "some notes")
    machine.write(
        "Makefile",
        "summary.txt: notes.txt .key\n\tsynapse run -o $@ Summarise -f notes.txt\n"
        ".key: FORCE\n\t@synapse key Summarise -f notes.txt > $@.new; cmp -s $@ $@.new || cp $@.new $@\n"
        "FORCE:\n",
    )

    first = machine.shell("make -s && cat summary.txt")
    second = machine.shell("make")

    assert first.out == b"an answer\n"
    assert b"synapse run" not in second.out


def test_models_list_tells_what_can_be_asked_now(machine: Machine) -> None:
    tiny = tiny_gguf.write(machine.root / "tiny.gguf")
    machine.use(
        f'schema = 1\n[models.tiny]\nbackend = "llama.cpp"\nsource = "file:{tiny}"\n'
        '[models.gone]\nbackend = "llama.cpp"\nsource = "file:/nowhere/gone.gguf"\n'
        '[models.mini]\nbackend = "litellm"\nmodel = "openai/gpt-5-mini"\n'
        '[models.own]\nbackend = "litellm"\nmodel = "openai/nobody-knows-this"\nbase_url = "http://127.0.0.1:9/v1"\n'
        '[routes.default]\nuse = "tiny"\n'
    )

    rows = {row["name"]: row for row in machine.synapse("models", "list", "--json").json}
    lines = machine.synapse("models", "list", "--jsonl").out.splitlines()
    keyed = machine.synapse("models", "list", "--json", env={"OPENAI_API_KEY": "sk-canary-1234567890"})

    assert [json.loads(line)["name"] for line in lines] == ["tiny", "gone", "mini", "own"]
    assert rows["tiny"]["problem"] is None
    assert rows["tiny"]["where"] == "local"
    assert rows["tiny"]["window"] == 2048
    assert "gone.gguf" in rows["gone"]["problem"]
    assert "OPENAI_API_KEY" in rows["mini"]["problem"]
    assert (rows["own"]["where"], rows["own"]["input_usd_per_million"], rows["own"]["problem"]) == (
        "hosted",
        None,
        None,
    )
    assert {row["name"]: row["problem"] for row in keyed.json}["mini"] is None
    assert b"canary" not in keyed.out


def test_models_list_says_plainly_what_nano_is(machine: Machine) -> None:
    done = machine.synapse("models", "list")

    assert done.code == 0
    assert "tiny" in done.out.decode() + done.err
    assert [line.split(b"\t")[0] for line in done.out.splitlines()] == [b"minilm", b"nano", b"mini"]


def test_paths_are_where_things_are(machine: Machine) -> None:
    machine.use(ECHO)
    machine.synapse("run", "hello")
    moved = {"SYNAPSE_CACHE_DIR": str(machine.root / "c"), "XDG_STATE_HOME": str(machine.root / "s")}

    told = machine.synapse("paths", "--json").json
    elsewhere = machine.synapse("paths", "--json", env=moved).json
    lines = machine.synapse("paths").out.decode().splitlines()

    assert (Path(told["cache"]), Path(told["state"]), Path(told["config"])) == (
        machine.cache,
        machine.state,
        machine.config,
    )
    assert (Path(told["state"]) / "ledger.sqlite3").is_file()
    assert (elsewhere["cache"], elsewhere["state"]) == (moved["SYNAPSE_CACHE_DIR"], f"{machine.root}/s/synapse")
    assert dict(line.split(maxsplit=1) for line in lines) == told


@pytest.mark.parametrize(
    ("shell", "committed", "place"),
    [
        ("bash", "synapse.bash", ".local/share/bash-completion/completions/synapse"),
        ("zsh", "_synapse", ".local/share/zsh/site-functions/_synapse"),
        ("fish", "synapse.fish", ".config/fish/completions/synapse.fish"),
        ("powershell", "synapse.ps1", ".config/powershell/synapse.ps1"),
    ],
)
def test_completions_are_installed_where_the_shell_looks(
    machine: Machine, shell: str, committed: str, place: str
) -> None:
    named = machine.synapse("completions", "install", shell)
    guessed = machine.synapse("completions", "show", env={"SHELL": f"/usr/bin/{shell}"})

    assert named.code == guessed.code == 0
    assert (machine.home / place).read_bytes() == (ROOT / "completions" / committed).read_bytes() == guessed.out
    assert str(machine.home / place) in named.err


def test_completions_for_an_unknown_shell_or_an_unwritable_place_are_one_line(machine: Machine) -> None:
    (machine.home / ".config").write_text("a file")

    unknown = machine.synapse("completions", "install", "tcsh")
    unwritable = machine.synapse("completions", "install", "fish")

    assert unknown.code == 2
    assert unwritable.code == 66
    assert unwritable.lines[0].startswith("synapse: error: cannot write")
