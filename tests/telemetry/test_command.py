"""`synapse telemetry` says where runs are told, whether a test arrives, and waits for what is on its way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.machine import Machine
from tests.telemetry.collector import BlackHole, Collector, GrpcCollector
from tests.telemetry.profiles import CASCADE, PROMPT, to
from tests.telemetry.senders import end_senders, until_failed
from tests.telemetry.test_file import read

QUICK = {"OTEL_EXPORTER_OTLP_TIMEOUT": "1"}


def _without_sdk(folder: Path) -> dict[str, str]:
    """A package of the same name stands in the way, as on a machine where the extra is not installed."""
    (folder / "opentelemetry").mkdir(parents=True)
    (folder / "opentelemetry" / "__init__.py").write_text("")
    return {"PYTHONPATH": str(folder)}


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_test_that_arrives_says_so(
    machine: Machine, collector: Collector, grpc_collector: GrpcCollector, protocol: str
) -> None:
    received = collector if protocol == "http" else grpc_collector
    machine.use(to(endpoint=received.url, protocol=protocol))

    done = machine.synapse("telemetry", "test")

    (span,) = received.spans
    assert done.code == 0
    assert done.out.decode().split("\t") == [received.url, "delivered", f"{span.trace_id.hex()}\n"]
    assert list(received.points) == ["synapse.tests"]
    assert list((machine.state / "telemetry").glob("test-*")) == []


def test_a_test_writes_a_line_of_each_kind_to_the_file(machine: Machine) -> None:
    path = machine.work / "runs.jsonl"
    machine.use(to(file=str(path)))

    done = machine.synapse("telemetry", "test")

    assert done.out == f"{path}\twritten\n".encode()
    assert [span.name for span in read(path).spans] == ["synapse.test"]


def test_why_a_collector_cannot_be_reached_is_one_sentence() -> None:
    import requests

    from synapse_cli.telemetry.export import unwrapped

    with pytest.raises(requests.ConnectionError) as refused:
        requests.get("http://127.0.0.1:9/v1/traces", timeout=5)

    assert unwrapped(str(refused.value)) == "Failed to establish a new connection: [Errno 111] Connection refused"
    assert unwrapped("Failed to export spans batch code: None, reason: Invalid URL 'x'") == "Invalid URL 'x'"
    assert unwrapped("Failed to export spans batch code: 404, reason: no") == (
        "Failed to export spans batch code: 404, reason: no"
    )


@pytest.mark.parametrize(("status", "why"), [(401, "code: 401"), (404, "code: 404")])
def test_a_test_that_is_refused_says_why(machine: Machine, collector: Collector, status: int, why: str) -> None:
    collector.status = {"/v1/traces": status, "/v1/metrics": status}
    machine.use(to(endpoint=collector.url))

    done = machine.synapse("telemetry", "test")

    assert done.code == 75
    assert done.lines[0].startswith(f"synapse: error: {collector.url} took no test: spans: ")
    assert why in done.lines[0]


def test_a_key_in_the_address_is_in_no_message(machine: Machine) -> None:
    machine.use(CASCADE)
    env = QUICK | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://me:pass-0123456789@127.0.0.1:9/in?token=query-0123456789",
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20header-0123456789",
    }

    done = machine.synapse("telemetry", "test", env=env)
    told = machine.synapse("telemetry", "status", env=env)

    assert done.code == 75
    assert "0123456789" not in done.err + told.out.decode() + told.err


@pytest.mark.parametrize("verb", ["test", "flush"])
def test_what_goes_nowhere_is_said(machine: Machine, verb: str) -> None:
    machine.use(CASCADE)

    done = machine.synapse("telemetry", verb)

    assert done.code == 2
    assert "told to nobody" in done.err
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in done.err


def test_a_missing_sdk_is_one_warning_a_day_and_the_answer_comes(machine: Machine, collector: Collector) -> None:
    machine.use(to(endpoint=collector.url))
    env = _without_sdk(machine.root / "shadow")

    first = machine.synapse("run", PROMPT, env=env)
    second = machine.synapse("run", f"{PROMPT} again", env=env)
    told = machine.synapse("telemetry", "test", env=env)

    assert (first.code, first.out, second.err) == (0, b"a good answer\n", "")
    (line,) = first.lines
    assert line.startswith(f"synapse: warning: telemetry cannot go to {collector.url}: OpenTelemetry is not installed")
    assert line.endswith("pip install 'synapse-llm[otel]'")
    assert told.code == 69
    assert "pip install 'synapse-llm[otel]'" in told.err
    assert collector.headers == []


def test_status_says_where_and_what_waits(machine: Machine) -> None:
    with BlackHole() as hole:
        machine.use(to(endpoint=hole.url, content=True))
        machine.synapse("run", PROMPT, env=QUICK)
        until_failed(machine.state)

        told = machine.synapse("telemetry", "status", "--json").json
        lines = machine.synapse("telemetry", "status").out.decode()

    assert (told["on"], told["endpoint"], told["protocol"], told["content"]) == (True, hole.url, "http", True)
    assert (told["waiting"], told["dropped"], told["sending"]) == (1, 0, False)
    assert "no answer in time" in told["failure"]["why"]
    assert "with prompts and answers" in lines
    assert "1 run," in lines
    assert "failing" in lines


def test_status_of_nothing_says_how_to_turn_it_on(machine: Machine) -> None:
    machine.use(CASCADE)

    assert machine.synapse("telemetry", "status", "--json").json == {"on": False}
    assert b"[telemetry]" in machine.synapse("telemetry", "status").out


def test_flush_waits_until_all_is_delivered(machine: Machine, collector: Collector) -> None:
    machine.use(to(endpoint=collector.url))

    machine.shell(f"synapse run '{PROMPT}' && synapse run '{PROMPT} again' && synapse telemetry flush")

    assert len(collector.roots) == 2
    assert not list(machine.state.glob("telemetry/*/*.jsonl"))


def test_flush_says_what_could_not_be_delivered(machine: Machine) -> None:
    with BlackHole() as hole:
        machine.use(to(endpoint=hole.url))
        machine.synapse("run", PROMPT, env=QUICK)
        end_senders(machine.state)

        done = machine.synapse("telemetry", "flush", env=QUICK)

    assert done.code == 75
    assert f"{hole.url} did not take all that waited (1 run)" in done.err
    assert len(list(machine.state.glob("telemetry/*/*.jsonl"))) == 1


def test_what_was_left_of_a_killed_run_does_not_stand_in_the_way(machine: Machine, collector: Collector) -> None:
    machine.use(to(endpoint=collector.url))
    machine.synapse("run", PROMPT)
    machine.synapse("telemetry", "flush")
    end_senders(machine.state)
    (about,) = machine.state.glob("telemetry/*/about.json")
    (about.parent / "0000.jsonl").write_bytes(b'{"resourceSpans": [{"reso')
    (about.parent / "0001.jsonl.77.part").write_bytes(b"half")

    machine.synapse("run", f"{PROMPT} again")
    done = machine.synapse("telemetry", "flush")

    assert done.code == 0
    assert len(collector.roots) == 2
    assert json.loads(machine.synapse("telemetry", "status", "--json").out)["waiting"] == 0


def test_the_doctor_looks_at_it_where_it_is_on(machine: Machine, collector: Collector) -> None:
    machine.use(to(endpoint=collector.url))

    found = machine.synapse("doctor", "--json").json

    (told,) = [each for each in found if each["what"] == "telemetry"]
    assert told["status"] == "pass"
    assert collector.url in told["detail"]
    assert collector.headers == []
