"""Every exit code that a script can meet, and which one wins where several would fit, from real processes.

Ctrl-C and the loopback providers have files of their own beside this one; closed pipes are in `tests/e2e`.
"""

from __future__ import annotations

import os

import pytest

from tests.cli.tiers import profile
from tests.e2e.machine import Done, Machine


def _ends(done: Done, code: int, said: str = "", out: bytes = b"") -> None:
    assert (done.code, done.out) == (code, out), done.err
    assert "Traceback" not in done.err
    assert said in done.err


# --- one code each ---


def test_0_an_accepted_answer(machine: Machine) -> None:
    machine.use(profile("good"))

    _ends(machine.synapse("run", "hello"), 0, out=b"good\n")


def test_0_after_a_climb(machine: Machine) -> None:
    machine.use(profile("poor", "hosted:good"))

    done = machine.synapse("run", "-v", "hello")

    _ends(done, 0, "t0", out=b"good\n")


def test_0_a_dry_run_asks_nobody(machine: Machine) -> None:
    machine.use(profile("hosted:down"))

    assert machine.synapse("run", "--dry-run", "hello").code == 0
    assert machine.runs == []


def test_1_a_bug_is_one_line_and_its_traceback_on_demand(machine: Machine) -> None:
    broken = machine.root / "broken"
    broken.mkdir()
    (broken / "pydantic.py").write_text("raise RuntimeError('deep inside')\n")
    machine.use(profile("good"))
    env = {"PYTHONPATH": str(broken)}

    plain = machine.synapse("run", "hello", env=env)
    debug = machine.synapse("run", "--debug", "hello", env=env)

    _ends(plain, 1, "deep inside")
    assert debug.code == 1
    assert "Traceback" in debug.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "--nonsense", "hello"],
        ["run", "-m"],
        ["run", "-m", "no-such-model-anywhere", "hello"],
        ["run", "-r", "nowhere", "hello"],
        ["run", "-t", "nowhere", "hello"],
        ["run", "-p", "a=b", "hello"],
        ["run", "--choices", "one", "hello"],
        ["run", "--timeout", "soon", "hello"],
        ["run", "--timeout", "0", "hello"],
        ["run", "--max-cost", "much", "hello"],
        ["run", "--max-cost", "-1", "hello"],
        ["run", "--cache-ttl", "2 fortnights", "hello"],
        ["run", "--encoding", "klingon", "hello"],
        ["run", "--param", "temperature", "hello"],
        ["run", "--local-only", "--hosted-only", "hello"],
        ["run", "--no-cache", "--cache-only", "hello"],
        ["run", "--tier", "nowhere", "hello"],
        ["run", "--task", "nowhere", "hello"],
        ["run", "--seed", "x", "hello"],
        ["run", "--grammar", "g.gbnf", "--choices", "a,b", "hello"],
        ["run", "-", "-", "hello"],
        ["nonsense"],
        ["log", "--nonsense"],
    ],
)
def test_2_a_wrong_command_line(machine: Machine, arguments: list[str]) -> None:
    machine.use(profile("good"))

    done = machine.synapse(*arguments)

    _ends(done, 2)
    assert done.err.strip()


def test_65_an_answer_that_passed_nothing_is_printed(machine: Machine) -> None:
    machine.use(profile("poor", "hosted:poor"))

    _ends(machine.synapse("run", "hello"), 65, "passed", out=b"poor\n")


@pytest.mark.parametrize("name", ["nowhere.txt", ".", "*.nothing", "a\udcffb"])
def test_66_an_input_that_cannot_be_read(machine: Machine, name: str) -> None:
    machine.use(profile("good"))

    _ends(machine.synapse("run", "hello", "-f", os.fsencode(name)), 66)  # type: ignore[arg-type]  # bytes on purpose


def test_66_an_input_that_is_no_text(machine: Machine) -> None:
    machine.use(profile("good"))
    machine.write("latin.txt", b"caf\xe9")

    _ends(machine.synapse("run", "hello", "-f", "latin.txt"), 66, "byte 3")
    _ends(machine.synapse("run", "hello", stdin=b"\xff\xfe"), 66, "stdin")
    _ends(machine.synapse("run", b"caf\xe9"), 66, "argument")  # type: ignore[arg-type]  # bytes on purpose


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_66_the_only_tiers_model_file_is_not_there(machine: Machine, kind: str) -> None:
    path = machine.work / "model.gguf"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)

    _ends(machine.synapse("run", "-m", "./model.gguf", "hello"), 66, "model.gguf")


@pytest.mark.parametrize("content", [b"", b"GGUF", b"not a model at all"])
def test_69_a_model_file_that_is_no_gguf(machine: Machine, content: bytes) -> None:
    machine.write("model.gguf", content)

    _ends(machine.synapse("run", "-m", "./model.gguf", "hello"), 69, "model.gguf")


def test_69_a_model_that_answers_nothing_usable(machine: Machine) -> None:
    machine.use(profile("mute"))

    _ends(machine.synapse("run", "hello"), 69)


def test_69_nothing_is_kept_and_only_the_cache_may_answer(machine: Machine) -> None:
    machine.use(profile("good"))

    _ends(machine.synapse("run", "--cache-only", "hello"), 69)
    assert machine.synapse("run", "--no-log", "-v", "hello").code == 0
    _ends(machine.synapse("run", "--cache-only", "hello"), 0, out=b"good\n")


def test_69_the_doctor_found_something(machine: Machine) -> None:
    machine.use(profile("nofile"))

    done = machine.synapse("doctor")

    assert done.code == 69
    assert "FAIL  model t0" in done.out.decode()


@pytest.mark.parametrize("fate", ["limited", "slow", "down", "cut"])
def test_75_what_may_work_later(machine: Machine, fate: str) -> None:
    machine.use(profile(f"hosted:{fate}"))

    _ends(machine.synapse("run", "--timeout", "5", "hello"), 75)


def test_75_the_time_of_the_run_is_over(machine: Machine) -> None:
    machine.says("late", latency_s=60)

    _ends(machine.synapse("run", "--timeout", "0.5", "hello"), 75)


@pytest.mark.parametrize(("fate", "said"), [("hosted:refused", "key"), ("keyless", "OPENAI_API_KEY")])
def test_77_a_key_that_is_missing_or_rejected(machine: Machine, fate: str, said: str) -> None:
    machine.use(profile(fate))

    _ends(machine.synapse("run", "hello"), 77, said)


def test_77_local_only_forbids_every_tier(machine: Machine) -> None:
    machine.use(profile("hosted:good"))

    _ends(machine.synapse("run", "--local-only", "hello"), 77, "--local-only")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "schema = 1\n[models",
        "schema = 1\n[routes.default]\nuse = 'nobody'\n",
        "\0",
        profile("good", rule='{ kind = "regx" }'),
    ],
)
def test_78_a_wrong_profile(machine: Machine, text: str) -> None:
    machine.use(text)

    _ends(machine.synapse("run", "hello"), 78, "default.toml")


def test_78_a_wrong_schema_in_the_profile(machine: Machine) -> None:
    machine.use(profile("good", rule='{ kind = "schema", inline = { type = "objekt" } }'))

    _ends(machine.synapse("run", "hello"), 78, "objekt")


def test_78_a_strangers_profile_that_runs_a_command(machine: Machine) -> None:
    flag = machine.root / "it ran"
    rule = f'{{ kind = "command", argv = ["touch", "{flag}"] }}'
    machine.write("synapse.toml", profile("good", rule=rule))

    _ends(machine.synapse("run", "hello"), 78, "synapse trust")
    assert not flag.exists()


def test_79_a_budget_that_affords_no_answer(machine: Machine) -> None:
    machine.use(profile("dear"))

    _ends(machine.synapse("run", "--max-cost", "0.01", "hello"), 79)


# --- which one wins ---


def test_an_unknown_flag_wins_over_a_wrong_profile(machine: Machine) -> None:
    machine.use("wrong")

    assert machine.synapse("run", "--nonsense", "hello").code == 2


def test_a_wrong_value_of_a_flag_wins_over_a_wrong_profile(machine: Machine) -> None:
    machine.use("wrong")

    assert machine.synapse("run", "--choices", "one", "hello").code == 2
    assert machine.synapse("run", "--local-only", "--hosted-only", "hello").code == 2


def test_usage_wins_over_an_input(machine: Machine) -> None:
    machine.use(profile("good"))

    assert machine.synapse("run", "hello", "-f", "nowhere.txt", "--choices", "one").code == 2


def test_a_wrong_profile_wins_over_an_input(machine: Machine) -> None:
    machine.use("wrong")

    assert machine.synapse("run", "hello", "-f", "nowhere.txt").code == 78


def test_an_input_wins_over_whatever_the_models_would_do(machine: Machine) -> None:
    machine.use(profile("keyless"))

    assert machine.synapse("run", "hello", "-f", "nowhere.txt").code == 66


@pytest.mark.parametrize("content", [None, b"not a model"])
def test_a_model_file_that_is_no_use_climbs_where_there_is_another_tier(
    machine: Machine, content: bytes | None
) -> None:
    path = machine.use(profile("nofile", "good"))
    if content is not None:
        (path.parent / "nowhere.gguf").write_bytes(content)

    _ends(machine.synapse("run", "hello"), 0, out=b"good\n")


def test_a_wrong_schema_is_2_from_a_flag(machine: Machine) -> None:
    machine.use(profile("good"))
    machine.write("wrong.json", '{"type": "objekt"}')
    machine.write("broken.json", "{")

    assert machine.synapse("run", "--schema", "wrong.json", "hello").code == 2
    assert machine.synapse("run", "--schema", "broken.json", "hello").code == 2
    assert machine.synapse("run", "--schema", "nowhere.json", "hello").code in {2, 66}
    machine.write("deep.json", '{"items":' * 5000 + "{}" + "}" * 5000)
    deep = machine.synapse("run", "--schema", "deep.json", "hello")
    assert (deep.code, deep.lines[0]) == (2, "synapse: error: --schema: deep.json is nested too deeply")


def test_a_schema_rule_without_a_schema_is_2(machine: Machine) -> None:
    machine.use(profile("good", rule='{ kind = "schema" }'))

    _ends(machine.synapse("run", "hello"), 2, "--schema")


def test_a_choices_rule_without_labels_is_2(machine: Machine) -> None:
    machine.use(profile("good", rule='{ kind = "choices" }'))

    _ends(machine.synapse("run", "hello"), 2, "--choices")


@pytest.mark.parametrize(
    "dearer", ["keyless", "hosted:refused", "hosted:limited", "hosted:down", "hosted:mute", "hosted:dear"]
)
def test_65_wins_whatever_became_of_the_dearer_tiers(machine: Machine, dearer: str) -> None:
    machine.use(profile("poor", dearer))

    done = machine.synapse("run", "--timeout", "20", "--max-cost", "0.01", "hello")

    _ends(done, 65, "t1", out=b"poor\n")


def test_65_where_only_doubt_is_left(machine: Machine) -> None:
    machine.use(profile("good", "keyless", rule='{ kind = "confidence", min = 0.9 }'))

    _ends(machine.synapse("run", "hello"), 65, "OPENAI_API_KEY", out=b"good\n")


@pytest.mark.parametrize(
    "tiers", [("hosted:limited", "dear"), ("keyless", "dear"), ("mute", "dear"), ("hosted:refused", "dear")]
)
def test_79_wins_over_what_else_kept_every_tier_from_answering(machine: Machine, tiers: tuple[str, ...]) -> None:
    machine.use(profile(*tiers))

    _ends(machine.synapse("run", "--timeout", "20", "--max-cost", "0.01", "hello"), 79)


@pytest.mark.parametrize(
    "tiers", [("keyless", "hosted:refused"), ("mute", "keyless"), ("down", "keyless"), ("nofile", "hosted:refused")]
)
def test_77_wins_where_every_hosted_tier_refused(machine: Machine, tiers: tuple[str, ...]) -> None:
    machine.use(profile(*tiers))

    _ends(machine.synapse("run", "--timeout", "20", "hello"), 77)


@pytest.mark.parametrize(
    "tiers", [("keyless", "hosted:limited"), ("mute", "down"), ("hosted:refused", "hosted:down"), ("nofile", "slow")]
)
def test_75_wins_where_one_of_them_may_work_later(machine: Machine, tiers: tuple[str, ...]) -> None:
    machine.use(profile(*tiers))

    _ends(machine.synapse("run", "--timeout", "20", "hello"), 75)


@pytest.mark.parametrize("tiers", [("mute", "mute"), ("nofile", "mute"), ("hosted:mute", "hosted:refused")])
def test_69_is_what_is_left(machine: Machine, tiers: tuple[str, ...]) -> None:
    machine.use(profile(*tiers))

    _ends(machine.synapse("run", "hello"), 69)


@pytest.mark.parametrize(
    ("first", "code", "out"), [("hosted:down", 0, b"good\n"), ("keyless", 0, b"good\n"), ("poor", 65, b"poor\n")]
)
def test_a_fallback_is_for_no_answer_and_not_for_a_poor_one(
    machine: Machine, first: str, code: int, out: bytes
) -> None:
    other = '[models.other]\nbackend = "scripted"\nreplies = [{ match = "", text = "good" }]\n'
    text = profile(first).replace("use = 'c'", "use = 'c'\nfallback = ['other']")
    machine.use(text + other)

    _ends(machine.synapse("run", "--timeout", "20", "hello"), code, out=out)


def test_a_cache_only_miss_of_a_whole_cascade_is_69(machine: Machine) -> None:
    machine.use(profile("good", "keyless"))

    _ends(machine.synapse("run", "--cache-only", "hello"), 69)


def test_every_ending_is_the_same_in_json_and_in_the_ledger(machine: Machine) -> None:
    endings = {0: ["good"], 65: ["poor"], 69: ["mute"], 75: ["slow"], 77: ["keyless"]}
    for code, tiers in endings.items():
        machine.use(profile(*tiers))
        done = machine.synapse("run", "--json", "--timeout", "20", "hello")

        assert done.code == done.json["exit_code"] == machine.runs[-1][0] == code
        assert (done.json["answer"] is None) == (code not in {0, 65})


def test_a_script_that_asked_for_json_gets_it_for_a_wrong_flag_too(machine: Machine) -> None:
    import json

    machine.use(profile("good"))

    ended = machine.synapse("run", "--json", "--nonsense", "hello")

    assert json.loads(ended.out)["error"]["kind"] == "usage"
    assert ended.code == 2
