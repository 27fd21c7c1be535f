import os
import stat
import sys
import threading
import time
from pathlib import Path

import pytest

from synapse_cli.core.control import Control
from synapse_cli.core.errors import Interrupted

PY = sys.executable


def _script(folder, body, name="check.sh"):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def _gone(pid: int) -> bool:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_exit_code_0_passes_and_the_answer_is_on_stdin(judge, tmp_path):
    argv = ["sh", "-c", f"cat > {tmp_path}/seen"]

    assert judge("command", {"argv": argv}, "naïve\n").passed
    assert (tmp_path / "seen").read_bytes() == "naïve\n".encode()


def test_another_exit_code_does_not_pass_and_the_first_line_of_stderr_is_the_reason(judge):
    verdict = judge("command", {"argv": ["sh", "-c", "echo 'too \033[31mred' >&2; echo more >&2; exit 3"]}, "x")

    assert (verdict.passed, verdict.evaluated, verdict.reason) == (False, True, "too  [31mred")


def test_without_stderr_the_reason_is_the_exit_code(judge):
    assert judge("command", {"argv": ["sh", "-c", "exit 3"]}, "x").reason == "sh exited with 3"


def test_there_is_no_shell_between(judge, tmp_path):
    verdict = judge("command", {"argv": ["test", "$(echo 1)", "=", "1"]}, "x")

    assert (verdict.passed, verdict.evaluated) == (False, True)


@pytest.mark.parametrize("argv", [["/nowhere/at/all"], ["no-such-program-here"], ["/etc"], ["/etc/passwd"]])
def test_a_program_that_cannot_start_does_not_pass_and_it_is_said(judge, argv):
    verdict = judge("command", {"argv": argv}, "x")

    assert (verdict.passed, verdict.evaluated) == (False, False)
    assert verdict.reason.startswith(f"cannot start {argv[0]!r}: ")


def test_a_program_that_cannot_start_passes_where_the_rule_says_so(judge):
    verdict = judge("command", {"argv": ["no-such-program-here"], "if_missing": "pass"}, "x")

    assert (verdict.passed, verdict.evaluated) == (True, False)


def test_a_path_resolves_from_the_profile_that_names_it(judge, parse, tmp_path):
    script = _script(tmp_path, "grep -q good data.txt")
    (tmp_path / "data.txt").write_text("good\n")
    file = str(tmp_path / "synapse.toml")

    assert judge("command", {"argv": ["./check.sh"]}, "x", file=file).passed
    check, _ = parse("command", {"argv": ["./check.sh", "data.txt", "-v"]}, file)
    assert [os.path.realpath(path) for path in check.files] == [str(script), str(tmp_path / "data.txt")]


def test_a_program_that_was_edited_is_another_rule(parse, tmp_path):
    _script(tmp_path, "true")
    file = str(tmp_path / "synapse.toml")
    before, _ = parse("command", {"argv": ["./check.sh"]}, file)
    same, _ = parse("command", {"argv": ["./check.sh"]}, file)

    _script(tmp_path, "exit 1")

    assert repr(before) == repr(same) != repr(parse("command", {"argv": ["./check.sh"]}, file)[0])


def test_a_program_that_never_ends_is_killed_with_its_children(judge, tmp_path):
    argv = ["sh", "-c", f"sleep 60 & echo $! > {tmp_path}/pid; wait"]

    verdict = judge("command", {"argv": argv, "timeout_s": 0.5}, "x")

    assert (verdict.passed, verdict.evaluated, verdict.reason) == (False, False, "killed after 0.5 s")
    assert _gone(int((tmp_path / "pid").read_text()))


def test_children_that_a_program_leaves_behind_are_killed(judge, tmp_path):
    verdict = judge("command", {"argv": ["sh", "-c", f"sleep 60 & echo $! > {tmp_path}/pid"]}, "x")

    assert verdict.passed
    assert _gone(int((tmp_path / "pid").read_text()))


def test_the_deadline_of_the_run_bounds_the_program(judge):
    verdict = judge("command", {"argv": ["sleep", "60"]}, "x", control=Control(time.monotonic() + 0.2))

    assert (verdict.passed, verdict.reason) == (False, "killed: the time of the run is over")


def test_ctrl_c_kills_the_program(judge, tmp_path):
    control = Control()
    threading.Timer(0.3, control.stop).start()

    with pytest.raises(Interrupted):
        judge("command", {"argv": ["sh", "-c", f"echo $$ > {tmp_path}/pid; exec sleep 60"]}, "x", control=control)

    assert _gone(int((tmp_path / "pid").read_text()))


def test_a_program_that_does_not_read_or_writes_without_end_does_not_stall(judge):
    answer = "x" * 1_000_000

    assert judge("command", {"argv": ["true"]}, answer).passed
    assert judge("command", {"argv": [PY, "-c", "import sys; sys.stderr.write('e' * 3_000_000)"]}, answer).passed
    flood = judge("command", {"argv": ["yes"], "timeout_s": 0.3}, answer)
    assert flood.reason == "killed after 0.3 s"


@pytest.mark.parametrize(
    "options", [{}, {"argv": []}, {"argv": "sh -c true"}, {"argv": ["a\0b"]}, {"argv": ["a"], "timeout_s": 0}]
)
def test_a_command_that_cannot_be_is_a_problem(parse, options):
    _, problems = parse("command", options)

    assert problems
