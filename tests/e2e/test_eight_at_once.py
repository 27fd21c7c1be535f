"""Eight processes at a time share one cache and one ledger: nothing is lost, and nobody waits for a lock in vain."""

from __future__ import annotations

from tests.e2e.machine import ECHO, Machine

EACH = ECHO.replace('{ match = "", text = "an answer" }', '{ match = "^prompt [0-9]+$", text = "an answer" }')


def test_two_hundred_prompts_by_eight_processes_give_two_hundred_answers_and_rows(machine: Machine) -> None:
    machine.use(EACH)

    done = machine.shell("seq 200 | xargs -P8 -I{} synapse run 'prompt {}'")

    assert (done.code, done.err) == (0, "")
    assert done.out == b"an answer\n" * 200
    assert len(machine.calls) == 200
    assert machine.ledger("SELECT count(*), count(DISTINCT prompt), sum(exit_code = 0), sum(accepted) FROM runs") == [
        (200, 200, 200, 200)
    ]
    assert machine.ledger("SELECT count(*) FROM attempts WHERE outcome = 'accepted'") == [(200,)]
    assert machine.ledger("PRAGMA integrity_check") == [("ok",)]


def test_the_same_two_hundred_again_come_from_the_memo_without_a_call(machine: Machine) -> None:
    machine.use(EACH)
    machine.shell("seq 40 | xargs -P8 -I{} synapse run 'prompt {}'")

    done = machine.shell("seq 40 | xargs -P8 -I{} synapse run 'prompt {}'")

    assert (done.code, done.err) == (0, "")
    assert done.out == b"an answer\n" * 40
    assert len(machine.calls) == 40
    assert machine.ledger("SELECT source, count(*) FROM decisions GROUP BY source ORDER BY source") == [
        ("default", 40),
        ("memo", 40),
    ]


def test_the_nano_model_answers_eight_at_once(machine: Machine) -> None:
    script = (
        "seq 24 | xargs -P8 -I{} synapse run --profile offline --choices billing,bug,praise "
        "'Classify this ticket: invoice number {} is wrong'"
    )

    done = machine.shell(script)

    assert done.code == 0, done.err
    assert len(done.out.splitlines()) == 24
    assert set(done.out.splitlines()) <= {b"billing", b"bug", b"praise"}
    assert len(done.lines) <= 1  # that it is a tiny model is said once, by whoever came first
    assert machine.ledger("SELECT count(*), sum(exit_code = 0) FROM runs") == [(24, 24)]
