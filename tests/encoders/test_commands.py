"""`synapse embed` and `synapse similar`, as a shell runs them."""

from __future__ import annotations

import io
import json
import math
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.machine import SYNAPSE, Done, Machine
from tests.e2e.terminal import at_terminal
from tests.encoders.tiny_encoders import bert
from tests.servers import openai
from tests.servers.base import Reply, serving

LINES = "the cat\nhello world\n\na dog ran!\n"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with a small encoder of its own, which its profile names."""
    made = Machine(tmp_path)
    bert(made.work / "tiny.gguf")
    made.use(
        f'schema = 1\n[models.tiny]\nbackend = "encoder"\nsource = "file:{made.work}/tiny.gguf"\n'
        '[models.echo]\nbackend = "scripted"\nreplies = [{ match = "", text = "x" }]\n[routes.default]\nuse = "echo"\n'
    )
    return made


def loaded(done: Done) -> np.ndarray:
    assert done.code == 0, done.err
    made: np.ndarray = np.load(io.BytesIO(done.out))
    return made


def test_one_text_is_one_json_object(machine: Machine) -> None:
    done = machine.synapse("embed", "the cat")

    made = done.json
    assert (made["schema_version"], made["model"], made["count"], made["dimension"]) == (1, "tiny", 1, 32)
    assert made["tokens"] == {"input": 4}
    assert (made["cost_usd"], made["warnings"]) == ("0", [])
    assert math.fsum(value * value for value in made["vectors"][0]) == pytest.approx(1, abs=1e-5)
    assert done.err == ""


def test_a_lone_dash_places_stdin_among_the_texts(machine: Machine) -> None:
    done = machine.synapse("embed", "--format", "jsonl", "first", "-", "last", stdin="second\n")

    assert [json.loads(line)["text"] for line in done.out.decode().splitlines()] == ["first", "second", "last"]


def test_every_argument_is_a_text(machine: Machine) -> None:
    assert machine.synapse("embed", "the cat", "hello").json["count"] == 2


def test_every_form_says_the_same_numbers(machine: Machine) -> None:
    forms = {
        form: machine.synapse("embed", "--lines", "--format", form, stdin=LINES)
        for form in ("json", "jsonl", "npy", "plain")
    }

    as_npy = loaded(forms["npy"])
    as_json = np.array(forms["json"].json["vectors"], dtype=np.float32)
    as_jsonl = np.array([json.loads(line)["vector"] for line in forms["jsonl"].out.splitlines()], dtype=np.float32)
    as_plain = np.loadtxt(io.BytesIO(forms["plain"].out), dtype=np.float32)
    assert as_npy.shape == (4, 32)
    assert as_npy.dtype == np.float32
    assert all(np.array_equal(as_npy, other) for other in (as_json, as_jsonl, as_plain))


def test_lines_keep_their_places_also_where_one_is_empty(machine: Machine) -> None:
    texts = [
        json.loads(line)["text"]
        for line in machine.synapse("embed", "--lines", "--format", "jsonl", stdin=LINES).out.splitlines()
    ]

    assert texts == ["the cat", "hello world", "", "a dog ran!"]


def test_json_lines_come_back_with_their_vectors(machine: Machine) -> None:
    rows = '{"id": 7, "body": "the cat"}\n\n{"id": 8, "body": "ü dog", "vector": "old"}\n'

    done = machine.synapse("embed", "--jsonl", "--field", "body", stdin=rows)

    made = [json.loads(line) for line in done.out.splitlines()]
    assert [(row["id"], row["body"], len(row["vector"])) for row in made] == [(7, "the cat", 32), (8, "ü dog", 32)]


def test_a_file_is_written_whole_in_the_form_that_its_name_says(machine: Machine) -> None:
    machine.write("lines.txt", LINES)

    done = machine.synapse("embed", "--lines", "-f", "lines.txt", "-o", "out.npy")

    assert (done.code, done.out) == (0, b"")
    assert np.load(machine.work / "out.npy").shape == (4, 32)
    assert sorted(path.name for path in machine.work.iterdir()) == ["lines.txt", "out.npy", "tiny.gguf"]


def test_a_file_that_was_there_is_as_it_was_where_the_work_fails(machine: Machine) -> None:
    machine.write("out.npy", "precious")

    done = machine.synapse("embed", "-m", "nowhere.gguf", "text", "-o", "out.npy")

    assert done.code == 66
    assert (machine.work / "out.npy").read_text() == "precious"
    assert sorted(path.name for path in machine.work.iterdir()) == ["out.npy", "tiny.gguf"]


def test_globs_and_whole_files_are_texts(machine: Machine) -> None:
    machine.write("a.md", "the cat\nsat\n")
    machine.write("b.md", "hello\n")

    assert machine.synapse("embed", "-f", "*.md").json["count"] == 2


def test_a_long_text_is_cut_and_said_or_chunked_as_asked(machine: Machine) -> None:
    cut = machine.synapse("embed", "the cat " * 100)
    chunked = machine.synapse("embed", "--too-long", "chunk", "the cat " * 100)
    quiet = machine.synapse("embed", "-q", "the cat " * 100)

    assert cut.lines == ["synapse: warning: the text is longer than the 64 tokens of tiny: cut there"]
    assert chunked.lines == ["synapse: warning: the text is longer than the 64 tokens of tiny: averaged over chunks"]
    assert quiet.err == ""
    assert cut.json["vectors"] == quiet.json["vectors"] != chunked.json["vectors"]


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "said"),
    [
        ((), "", 2, "there is no text"),
        (("--lines", "--jsonl"), "x", 2, "contradict"),
        (("--field", "x"), "x", 2, "--field names a field of --jsonl"),
        (("--format", "xml", "t"), "", 2, "--format is one of"),
        (("--too-long", "tear", "t"), "", 2, "--too-long is cut or chunk"),
        (("--dimensions", "0", "t"), "", 2, "--dimensions takes a number from 1"),
        (("--dimensions", "99", "t"), "", 69, "have 32 numbers, not 99"),
        (("-m", "echo", "t"), "", 2, "makes no vectors"),
        (("-m", "zzz", "t"), "", 2, "there is no model named 'zzz'"),
        (("-f", "nowhere.txt"), "", 66, "nowhere.txt"),
        (("-f", "*.nothing"), "", 66, "no file matches"),
        (("-f", "tiny.gguf"), "", 66, "a model file"),
        (("-m", "nowhere.gguf", "t"), "", 66, "nowhere.gguf"),
        (("--jsonl",), "not json\n", 66, "line 1, is not JSON"),
        (("--jsonl",), '{"text": "a"}\n[1]\n', 66, "line 2, is no JSON object"),
        (("--jsonl", "--field", "b"), '{"text": "a"}\n', 66, "no text in 'b'"),
        (("-o", "no/such/folder/x.npy", "t"), "", 66, "cannot write"),
        (("--encoding", "klingon", "t"), "", 2, "no text encoding"),
        (("--timeout", "soon", "t"), "", 2, "--timeout takes a duration"),
    ],
)
def test_what_is_wrong_is_one_clear_line(
    machine: Machine, arguments: tuple[str, ...], stdin: str, code: int, said: str
) -> None:
    done = machine.synapse("embed", *arguments, stdin=stdin)

    assert (done.code, done.out) == (code, b"")
    assert said in done.err
    assert done.lines[0].startswith("synapse: error: ")
    assert len(done.lines) <= 2


def test_input_that_is_no_utf8_is_said_and_read_with_its_encoding(machine: Machine) -> None:
    assert machine.synapse("embed", "--lines", stdin=b"caf\xe9\n").code == 66
    assert machine.synapse("embed", "--lines", "--encoding", "latin-1", stdin=b"caf\xe9\n").code == 0


def test_nothing_to_embed_is_no_error_where_lines_were_asked_for(machine: Machine) -> None:
    assert machine.synapse("embed", "--lines", stdin="").json["count"] == 0
    assert loaded(machine.synapse("embed", "--lines", "--format", "npy", stdin="")).shape == (0, 0)


def test_a_reader_that_goes_away_ends_it_with_141(machine: Machine) -> None:
    done = machine.shell(
        "yes 'the cat sat' | head -2000 | (synapse embed --lines --format plain; echo $? >&2) | head -1"
    )

    assert done.lines == ["141"]


def test_ctrl_c_ends_it_with_130_and_leaves_no_file(machine: Machine) -> None:
    machine.write("lines.txt", "the cat sat on a dog, hello world! " * 3 + "\n")
    lines = (machine.work / "lines.txt").read_text() * 60_000
    machine.write("lines.txt", lines)
    process = subprocess.Popen(
        [SYNAPSE, "embed", "--lines", "-f", "lines.txt", "-o", "out.npy"],
        cwd=machine.work,
        env=machine.env,
        stderr=subprocess.PIPE,
    )
    while not list(machine.work.glob(".synapse-*")):
        time.sleep(0.05)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 130
    assert b"Traceback" not in said
    assert sorted(path.name for path in machine.work.iterdir()) == ["lines.txt", "tiny.gguf"]


def test_a_provider_embeds_too(machine: Machine) -> None:
    with serving(openai) as server:
        machine.use(
            f'schema = 1\n[models.far]\nbackend = "encoder"\nmodel = "openai/text-embedding-3-small"\n'
            f'base_url = "{server.url}/v1"\nkeys = ["env:OWN_KEY"]\n[routes.default]\nuse = "far"\n'
        )
        without = machine.synapse("embed", "one")
        done = machine.synapse("embed", "one", "two", env={"OWN_KEY": "k-1"})
        server.will(Reply(status=429))
        busy = machine.synapse("embed", "one", env={"OWN_KEY": "k-1"})

    assert without.code == 77
    assert (done.json["count"], done.json["tokens"], done.json["cost_usd"]) == (2, {"input": 11}, "0.00000022")
    assert server.seen[0].key == "k-1"
    assert busy.code == 75


def test_similar_ranks_lines_and_says_where_they_stand(machine: Machine, at_hand: Path) -> None:
    machine.write("a.txt", "The invoice is wrong.\nIt is raining today.\n\n")
    machine.write("b.txt", "I want my money back\n")
    env = {"SYNAPSE_STATE_DIR": str(at_hand)}

    done = machine.synapse("similar", "a refund, please", "-f", "?.txt", "-m", "minilm", "--json", env=env)
    plain = machine.synapse(
        "similar", "a refund, please", "-f", "b.txt", "-f", "a.txt", "-m", "minilm", "--top", "1", env=env
    )

    rows = done.json
    assert [(row["rank"], row["file"], row["line"]) for row in rows] == [
        (1, "b.txt", 1),
        (2, "a.txt", 1),
        (3, "a.txt", 2),
    ]
    assert rows[0]["text"] == "I want my money back"
    assert rows[0]["cosine"] > 0.5 > rows[2]["cosine"]
    assert plain.out.decode().split("\t")[1:] == ["b.txt:1", "I want my money back\n"]


def test_similar_reads_stdin_json_lines_and_whole_files(machine: Machine) -> None:
    machine.write("one.md", "the cat\n\nsat")
    machine.write("two.md", "hello world")

    piped = machine.synapse("similar", "the cat", "--json", stdin="hello\nthe cat\n").json
    rows = machine.synapse(
        "similar", "the cat", "--jsonl", "--field", "b", "--json", stdin='{"b": "the cat", "id": 3}\n'
    ).json
    whole = machine.synapse("similar", "hello world", "-f", "*.md", "--whole", "--json").json

    assert (piped[0]["text"], piped[0]["line"], round(piped[0]["cosine"], 3)) == ("the cat", 2, 1)
    assert rows[0]["record"] == {"b": "the cat", "id": 3}
    assert [(row["file"], row["line"]) for row in whole] == [("two.md", None), ("one.md", None)]


def test_similar_prints_as_many_as_asked_for_and_none_below_the_least(machine: Machine) -> None:
    lines = "\n".join(["the cat", "hello", "a dog ran", "world"] * 5)

    assert len(machine.synapse("similar", "the cat", "--json", stdin=lines).json) == 10
    assert len(machine.synapse("similar", "the cat", "--top", "0", "--json", stdin=lines).json) == 20
    assert {
        row["text"] for row in machine.synapse("similar", "the cat", "--min", "0.999", "--json", stdin=lines).json
    } == {"the cat"}
    assert machine.synapse("similar", "the cat", "--json", stdin="\n\n").json == []
    assert machine.synapse("similar", " ", stdin=lines).code == 2
    assert machine.synapse("similar", "x", "--top", "-1", stdin=lines).code == 2


def test_minilm_is_made_ready_at_its_first_use_and_then_labels_first(machine: Machine) -> None:
    (machine.config / "profiles" / "default.toml").unlink()
    labels = ("run", "--json", "--choices", "billing,bug,shipping", "My parcel has not arrived yet")

    before = machine.synapse(*labels).json
    made = machine.synapse("embed", "hello").json
    after = machine.synapse(*labels, "--no-cache").json
    question = machine.synapse("run", "--json", "-m", "nano", "hello").json

    assert before["attempts"][0]["tier"] == "nano"
    assert (made["model"], made["dimension"]) == ("minilm", 384)
    assert (after["tier"], after["answer"], len(after["attempts"])) == ("minilm", "shipping", 1)
    assert after["cost_usd"] == "0"
    assert question["tier"] == "nano"


def test_an_open_question_passes_the_encoder_by_without_a_word(machine: Machine, at_hand: Path) -> None:
    machine.use(
        'schema = 1\n[models.minilm]\nbackend = "encoder"\nsource = "builtin:minilm"\n'
        '[models.echo]\nbackend = "scripted"\nreplies = [{ match = "", text = "an answer" }]\n'
        '[cascades.c]\ntiers = ["minilm", "echo"]\naccept = [{ kind = "confidence", min = 0.97 }]\n'
        '[routes.default]\nuse = "c"\n'
    )

    done = machine.synapse("run", "--json", "Why is the sky blue?", env={"SYNAPSE_STATE_DIR": str(at_hand)})

    skipped, answered = done.json["attempts"]
    assert (skipped["tier"], skipped["outcome"]) == ("minilm", "skipped")
    assert "names no labels" in (skipped["reason"] or skipped["error"]["message"])
    assert (answered["tier"], done.json["answer"], done.code) == ("echo", "an answer", 0)
    assert done.err == ""


def test_an_encoder_alone_says_what_it_is_for(machine: Machine) -> None:
    done = machine.synapse("run", "-m", "tiny", "Why is the sky blue?")

    assert done.code == 69
    assert (
        done.lines[0]
        == "synapse: error: an encoder chooses among labels, and the request names no labels to choose from"
    )


def test_the_environment_is_left_as_it_was() -> None:
    assert os.environ["SYNAPSE_HOSTS"] == "off"


def test_at_a_terminal_long_work_shows_how_far_it_is_and_leaves_no_trace(machine: Machine) -> None:
    machine.write("lines.txt", "the cat sat on a dog, hello world! a b c\n" * 6_000)

    shown = at_terminal(machine, [SYNAPSE, "embed", "--lines", "-f", "lines.txt", "-o", "out.npy"])
    short = at_terminal(machine, [SYNAPSE, "embed", "hello", "-o", "short.npy"])

    said = "".join(shown.err)
    assert shown.code == 0
    assert "tiny \N{MIDDLE DOT} embedding \N{MIDDLE DOT} " in said
    assert " of 6,000" in said
    assert said.endswith("\r\x1b[2K")
    assert short.err == []


def test_binary_is_not_sent_to_a_terminal(machine: Machine) -> None:
    shown = at_terminal(machine, [SYNAPSE, "embed", "hello", "--format", "npy"])

    assert shown.code == 2
    assert "npy is binary" in "".join(shown.err)


def test_only_a_tiny_model_that_writes_is_warned_of(machine: Machine) -> None:
    machine.write(
        "like.toml",
        'schema = 1\nmodels.like = { backend = "encoder", source = "builtin:nano" }\nroutes.default.use = "like"\n',
    )

    done = machine.synapse("run", "--profile", "like.toml", "--choices", "good,bad", "I love it")

    assert (done.code, done.err) == (0, "")
