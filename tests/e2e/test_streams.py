"""stdout is the answer and nothing else; stderr is for people; and no ending of either leaves a traceback."""

from __future__ import annotations

import os
import re

import pytest

from tests.e2e.machine import SYNAPSE, Machine
from tests.e2e.terminal import at_terminal

UNICODE = "Grüße, 世界 — e\u0301 \U0001f9ea\u200d\U0001f52c \u202eright-to-left"
FENCED = "Here it is:\n```python\nprint('first')\n```\nand better:\n~~~~sh\necho '```'\n~~~~\nDone."


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        ("an answer", b"an answer\n"),
        ("an answer\n", b"an answer\n"),
        ("two\n\n", b"two\n\n"),
        ("  kept  ", b"  kept  \n"),
        ("a\r\nb", b"a\r\nb\n"),
        ("\x1b[31mred\x1b[0m\ttab", b"\x1b[31mred\x1b[0m\ttab\n"),
        (UNICODE, UNICODE.encode() + b"\n"),
        ("", b"\n"),
    ],
)
def test_stdout_holds_the_exact_answer_and_one_newline_only_where_it_lacks_one(
    machine: Machine, said: str, printed: bytes
) -> None:
    machine.says(said)

    first = machine.synapse("run", "hello")
    again = machine.synapse("run", "hello")
    anew = machine.synapse("run", "--no-cache", "--stream", "hello")

    assert [done.out for done in (first, again, anew)] == [printed] * 3
    assert [done.err for done in (first, again, anew)] == [""] * 3
    assert machine.runs == [(0, "default"), (0, "memo"), (0, "default")]


def test_an_answer_of_many_megabytes_arrives_whole(machine: Machine) -> None:
    text = "".join(f"line {number} of a long answer\n" for number in range(30_000))
    machine.says(text)

    done = machine.synapse("run", "hello")
    again = machine.synapse("run", "hello")

    assert len(text) > 800_000
    assert done.out == again.out == text.encode()


@pytest.mark.parametrize(
    "variables", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"LC_ALL": "xx_YY.ISO-8859-1"}, {"PYTHONIOENCODING": "latin-1"}]
)
def test_the_answer_is_utf8_in_any_locale(machine: Machine, variables: dict[str, str]) -> None:
    machine.says(UNICODE)

    made = machine.synapse("run", "Grüße", env=variables)
    again = machine.synapse("run", "Grüße", env=variables)

    assert (made.code, made.out, made.err) == (0, UNICODE.encode() + b"\n", "")
    assert again.out == made.out
    assert machine.calls[0]["messages"][-1]["content"] == "Grüße"


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}, {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}])
def test_a_pipe_gets_no_colour_whatever_the_environment_says(machine: Machine, variables: dict[str, str]) -> None:
    machine.says("an answer")

    answered = machine.synapse("run", "-v", "hello", env=variables)
    refused = machine.synapse("run", "--choices", "one", "hello", env=variables)
    helped = machine.synapse("run", "--help", env=variables)

    for done in (answered, refused, helped):
        assert b"\x1b" not in done.out
        assert "\x1b" not in done.err
    assert refused.code == 2
    assert helped.out.startswith(b"Usage: synapse run")


@pytest.mark.parametrize("flags", ["", "--no-cache", "--json", "--stream", "--json --stream"])
def test_a_reader_that_leaves_is_141_without_a_word(machine: Machine, flags: str) -> None:
    machine.says("".join(f"line {number}\n" for number in range(30_000)))

    first = machine.shell(f"synapse run {flags} hello | head -c 4; echo ${{PIPESTATUS[0]}}")
    again = machine.shell(f"synapse run {flags} hello | head -c 4; echo ${{PIPESTATUS[0]}}")

    for done in (first, again):
        assert done.out[4:] == b"141\n"
        assert done.err == ""
    assert [code for code, _ in machine.runs] == [141, 141]


@pytest.mark.parametrize(
    "command", ["run hello", "--version", "--help", "run --help", "log list", "models list", "profile schema", "paths"]
)
def test_a_reader_that_never_was_is_141_without_a_word(machine: Machine, command: str) -> None:
    machine.says("an answer")
    machine.synapse("run", "another")

    done = machine.shell(f"(trap '' PIPE; sleep 0.2; synapse {command}; echo $? >&2) | true")

    assert done.err == "141\n"


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_under_stdout_is_said_in_one_line_and_is_no_success(machine: Machine, unbuffered: str) -> None:
    machine.says("an answer")

    for command in (
        "run hello",
        "run hello",
        "run --json hello",
        "run --stream --no-cache hello",
        "paths",
        "--version",
        "models list",
        "hosts list --json",
    ):
        done = machine.shell(f"synapse {command} > /dev/full", env={"PYTHONUNBUFFERED": unbuffered})
        assert done.code == 66, command
        assert done.lines[0] == "synapse: error: cannot write the answer: No space left on device"
        assert done.lines[1:] in ([], ["synapse: hint: give the answer another place with -o"])
    assert {code for code, _ in machine.runs} == {66}


def test_a_closed_stderr_costs_neither_answer_nor_exit_code(machine: Machine) -> None:
    machine.says("an answer")

    answered = machine.shell("synapse run -v hello 2>&-")
    again = machine.shell("synapse run hello 2>&-; synapse run hello 2>&-")
    usage = machine.shell("synapse run --choices one hello 2>&-")
    refused = machine.shell("synapse run -r nowhere hello 2>&-")
    unknown = machine.shell("synapse run --nonsense 2>&-")

    assert (answered.code, answered.out) == (0, b"an answer\n")
    assert (again.code, again.out) == (0, b"an answer\nan answer\n")
    assert [done.code for done in (usage, refused, unknown)] == [2, 2, 2]
    assert [done.out for done in (usage, refused, unknown)] == [b""] * 3


def test_a_closed_stdout_is_an_error_and_not_a_traceback(machine: Machine) -> None:
    machine.says("an answer")

    for command in ("run hello", "run hello", "run --json hello", "paths", "run --help"):
        done = machine.shell(f"synapse {command} >&-")
        assert done.code == 66, command
        assert done.lines[0] == "synapse: error: cannot write the answer: Bad file descriptor"


def test_a_closed_stdin_is_no_input(machine: Machine) -> None:
    machine.says("an answer")

    closed = machine.shell("synapse run hello <&-; synapse run hello <&-")
    nothing = machine.shell("synapse run <&-")
    wanted = machine.shell("synapse run hello - <&-")

    assert (closed.code, closed.out, closed.err) == (0, b"an answer\nan answer\n", "")
    assert (nothing.code, wanted.code) == (2, 0)
    assert machine.calls[0]["messages"][-1]["content"] == "hello"


def test_an_empty_stdin_is_no_input_and_no_error(machine: Machine) -> None:
    machine.says("an answer")

    done = machine.synapse("run", "hello")
    nothing = machine.synapse("run")

    assert (done.code, done.out) == (0, b"an answer\n")
    assert nothing.code == 2
    assert "there is no prompt" in nothing.err


def test_nothing_that_is_opened_later_takes_the_place_of_a_closed_stream(machine: Machine) -> None:
    machine.says("an answer", latency_s=0.5)

    done = machine.shell("synapse run -v hello <&- >&- 2>&-; synapse run -v again <&- >out 2>&-; cat out")

    assert (done.code, done.out) == (0, b"an answer\n")
    assert machine.ledger("PRAGMA integrity_check") == [("ok",)]
    assert [code for code, _ in machine.runs] == [66, 0]


def test_the_output_file_is_replaced_in_one_step_and_left_alone_where_nothing_changed(machine: Machine) -> None:
    machine.says("an answer")
    target = machine.write("out.txt", "old, and longer than the answer")
    target.chmod(0o640)
    before = target.stat().st_ino

    done = machine.synapse("run", "-o", "out.txt", "hello")
    os.utime(target, ns=(10**18, 10**18))
    machine.synapse("run", "-o", "out.txt", "hello")

    assert (done.code, done.out, done.err) == (0, b"", "")
    assert target.read_bytes() == b"an answer\n"
    assert target.stat().st_mode & 0o777 == 0o640
    assert target.stat().st_ino != before
    assert target.stat().st_mtime_ns == 10**18
    assert os.listdir(machine.work) == ["out.txt"]


def test_an_output_file_that_failed_keeps_what_it_had(machine: Machine) -> None:
    machine.says("an answer", error="server")
    target = machine.write("out.txt", "as it was")

    done = machine.synapse("run", "-o", "out.txt", "hello")

    assert done.code == 75
    assert target.read_text() == "as it was"
    assert os.listdir(machine.work) == ["out.txt"]


@pytest.mark.parametrize("target", ["nowhere/out.txt", "folder", "file/out.txt", "/proc/out.txt", ""])
def test_an_output_that_cannot_be_written_is_66_and_one_line(machine: Machine, target: str) -> None:
    machine.says("an answer")
    machine.write("file", "")
    (machine.work / "folder").mkdir()

    done = machine.synapse("run", "-o", target, "hello")

    assert done.code == 66
    assert done.lines[0].startswith("synapse: error: cannot write")
    assert "Traceback" not in done.err
    assert machine.runs[-1][0] == 66


def test_an_output_through_a_symlink_replaces_the_file_and_not_the_link(machine: Machine) -> None:
    machine.says("an answer")
    machine.write("real.txt", "old")
    (machine.work / "link.txt").symlink_to("real.txt")

    machine.synapse("run", "-o", "link.txt", "hello")

    assert (machine.work / "link.txt").is_symlink()
    assert (machine.work / "real.txt").read_bytes() == b"an answer\n"


def test_only_the_last_fenced_block_is_printed_on_request(machine: Machine) -> None:
    machine.says(FENCED)

    first = machine.synapse("run", "-x", "hello")
    again = machine.synapse("run", "-x", "hello")
    as_json = machine.synapse("run", "-x", "--json", "hello")

    assert first.out == again.out == b"echo '```'\n"
    assert machine.runs[1] == (0, "memo")
    assert as_json.json["answer"] == "echo '```'"


def test_an_answer_without_a_block_is_printed_whole_and_said_each_time(machine: Machine) -> None:
    machine.says("no block")

    for _ in range(2):
        done = machine.synapse("run", "-x", "hello")
        assert (done.code, done.out) == (0, b"no block\n")
        assert done.lines == ["synapse: warning: the answer has no fenced block; all of it is printed"]


def test_json_is_one_object_on_one_line_with_everything_else_on_stderr(machine: Machine) -> None:
    machine.says(UNICODE + "\n\x1b[0m")

    done = machine.synapse("run", "--json", "hello")
    failed = machine.synapse("run", "--json", "-r", "nowhere", "hello")

    assert done.out.count(b"\n") == failed.out.count(b"\n") == 1
    assert done.json["answer"] == UNICODE + "\n\x1b[0m"
    assert failed.json["answer"] is None
    assert failed.json["exit_code"] == failed.code == 2
    assert failed.json["error"]["kind"] == "usage"
    assert len(failed.lines) == 2


def test_streamed_json_is_one_event_a_line_and_the_object_last(machine: Machine) -> None:
    machine.says("one two three")

    done = machine.synapse("run", "--json", "--stream", "hello")

    import json

    events = [json.loads(line) for line in done.out.splitlines()]
    assert [event["text"] for event in events if "text" in event] == ["one", " two", " three"]
    assert events[-1]["answer"] == "one two three"
    assert events[-1]["exit_code"] == 0


def test_at_a_terminal_the_answer_comes_piece_by_piece_and_a_summary_follows(machine: Machine) -> None:
    machine.says("one two three", latency_s=0.6)

    seen = at_terminal(machine, [SYNAPSE, "run", "hello"])

    assert seen.code == 0
    assert "".join(seen.out).replace("\r\n", "\n") == "one two three\n"
    assert len([piece for piece in seen.out if piece.strip()]) == 3
    assert re.fullmatch(r"echo · local · \d+\.\d s · \$0\r\n", "".join(seen.err)), seen.err


def test_at_a_terminal_an_error_begins_on_a_line_of_its_own(machine: Machine) -> None:
    machine.use(
        "schema = 1\n[models.m]\nbackend = 'scripted'\nreplies = [{ text = 'half an answer', error = 'cut' }]\n"
        "[routes.default]\nuse = 'm'\n"
    )

    shown = at_terminal(machine, [SYNAPSE, "run", "hello"])
    piped = machine.synapse("run", "--stream", "--no-cache", "hello")

    assert shown.code == 75
    assert "".join(shown.out).endswith("\r\n")
    assert piped.out == b"".join(each.replace("\r\n", "").encode() for each in shown.out)


def test_at_a_terminal_progress_is_shown_while_waiting_and_leaves_no_trace(machine: Machine) -> None:
    machine.use(
        "schema = 1\n[models.slow]\nbackend = 'scripted'\n"
        "replies = [{ match = '', text = 'an answer', latency_s = 1.2 }]\n"
        "[cascades.one]\ntiers = ['slow']\naccept = [{ kind = 'length', min = 1 }]\n[routes.default]\nuse = 'one'\n"
    )

    seen = at_terminal(machine, [SYNAPSE, "run", "hello"])

    shown = "".join(seen.err)
    drawn, wiped, rest = shown.rpartition("\r\x1b[2K")
    assert "slow · local" in drawn
    assert wiped
    assert re.fullmatch(r"slow · local · \d+\.\d s · \$0\r\n", rest)
    assert "".join(seen.out) == "an answer\r\n"


def test_quiet_is_quiet_at_a_terminal_the_second_time_too(machine: Machine) -> None:
    machine.says("an answer", latency_s=0.8)

    made = at_terminal(machine, [SYNAPSE, "run", "-q", "hello"])
    again = at_terminal(machine, [SYNAPSE, "run", "-q", "hello"])

    assert (made.err, again.err) == ([], [])
    assert machine.runs == [(0, "default"), (0, "memo")]


def test_verbose_tells_in_lines_and_draws_nothing(machine: Machine) -> None:
    machine.says("an answer", latency_s=0.8)

    told = "".join(at_terminal(machine, [SYNAPSE, "run", "-v", "hello"]).err)

    assert "\x1b" not in told
    assert "synapse: asking echo (local)\r\n" in told


def test_verbose_says_a_reason_once_also_where_it_waits_to_try_again(machine: Machine) -> None:
    machine.use(
        "schema = 1\n[models.m]\nbackend = 'scripted'\nreplies = [{ error = 'server' }]\n[routes.default]\nuse = 'm'\n"
    )

    done = machine.synapse("run", "-v", "-m", "m", "hello")

    failed = "synapse: m: the server of 'm' failed (as its script says)"
    assert done.lines[0] == "synapse: model named with -m"
    assert done.lines.count(failed) == 2, "once a try"
    assert [line[:20] for line in done.lines if "waiting" in line] == ["synapse: m: waiting "]


def test_a_memo_hit_at_a_terminal_says_that_it_was_kept(machine: Machine) -> None:
    machine.says("an answer")
    at_terminal(machine, [SYNAPSE, "run", "hello"])

    seen = at_terminal(machine, [SYNAPSE, "run", "hello"])

    assert "".join(seen.out) == "an answer\r\n"
    assert "".join(seen.err) == "echo · cached · $0\r\n"
    assert machine.runs == [(0, "default"), (0, "memo")]


def test_the_summary_stays_away_from_pipes(machine: Machine) -> None:
    machine.says("an answer")

    quiet = machine.synapse("run", "hello")
    told = machine.synapse("run", "-v", "hello")

    assert quiet.err == ""
    assert re.fullmatch(r"echo · cached · \d+ ms · \$0|echo · cached · 0\.\d s · \$0", told.lines[-1])


def test_the_answer_goes_to_the_file_and_its_story_to_stdout(machine: Machine) -> None:
    machine.says("an answer")

    done = machine.synapse("run", "--json", "-o", "out.txt", "hello")

    assert done.json["answer"] == "an answer"
    assert (machine.work / "out.txt").read_bytes() == b"an answer\n"


def test_a_terminal_as_stdin_is_not_waited_for(machine: Machine) -> None:
    machine.says("an answer")

    seen = at_terminal(machine, [SYNAPSE, "run", "hello"], as_stdin=True)

    assert seen.code == 0


def test_a_list_cuts_no_word_at_a_narrow_terminal(machine: Machine) -> None:
    machine.says("an answer")
    machine.synapse("run", "hello")

    machine.env["COLUMNS"] = "200"
    wide = "".join(at_terminal(machine, [SYNAPSE, "log", "list"]).out)
    machine.env["COLUMNS"] = "40"
    narrow = "".join(at_terminal(machine, [SYNAPSE, "log", "list"]).out)

    assert "…" not in wide + narrow
    assert len(wide.splitlines()) == 2
    assert len(narrow.splitlines()) > 6
    assert all(len(line) <= 40 for line in narrow.splitlines())
