"""Runs are told to a real collector, and how that one fares is not the answer's business."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.e2e.machine import Machine
from tests.telemetry.collector import BlackHole, Collector, GrpcCollector, Received, attributes
from tests.telemetry.profiles import PROMPT, to
from tests.telemetry.senders import until, until_failed, until_sent

QUICK = {"OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
"""Seconds of an export: what fails is to fail soon."""


def _files(machine: Machine) -> list[Path]:
    return sorted((machine.state / "telemetry").glob("*/*.jsonl"))


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_run_arrives_whole(
    machine: Machine, collector: Collector, grpc_collector: GrpcCollector, protocol: str
) -> None:
    received: Received = collector if protocol == "http" else grpc_collector
    machine.use(to(endpoint=received.url, protocol=protocol))  # type: ignore[attr-defined]  # both have one

    done = machine.synapse("run", "--json", PROMPT)
    until(lambda: bool(received.traces and received.metrics), "the export")

    (root,) = received.roots
    assert done.code == 0
    assert done.err == ""
    assert root.trace_id.hex() == hashlib.sha256(done.json["run_id"].encode()).hexdigest()[:32]
    assert {span.trace_id for span in received.spans} == {root.trace_id}
    assert sorted(span.name for span in received.spans) == [
        "chat big",
        "chat small",
        "invoke_workflow default",
        "synapse.attempt big",
        "synapse.attempt small",
        "synapse.check regex",
        "synapse.check regex",
        "synapse.decision",
    ]
    assert sum(point.as_int for point in received.points["synapse.runs"]) == 1
    assert {p.count for p in received.points["gen_ai.client.operation.duration"]} == {1}


def test_what_was_delivered_is_gone_from_the_spool(machine: Machine, collector: Collector) -> None:
    machine.use(to(endpoint=collector.url))

    machine.synapse("run", PROMPT)
    until(lambda: bool(collector.metrics), "the export")
    until_sent(machine.state)

    assert _files(machine) == []


def test_the_environment_alone_names_the_place_too(machine: Machine, collector: Collector) -> None:
    machine.says("an answer")

    machine.synapse(
        "run",
        "hello",
        env={
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "x-token=abc%20def",
            "OTEL_SERVICE_NAME": "my-service",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=ci,team=search%2Fai",
        },
    )
    until(lambda: bool(collector.traces and collector.metrics), "the export")

    resource = attributes(collector.traces[0].resource_spans[0].resource)
    assert resource["service.name"] == "my-service"
    assert resource["deployment.environment.name"] == "ci"
    assert resource["team"] == "search/ai"
    assert {headers["x-token"] for headers in collector.headers} == {"abc def"}


def test_headers_of_the_profile_go_with_every_export_and_into_no_file(machine: Machine, collector: Collector) -> None:
    token = "sk-telemetry-0123456789abcdef"
    machine.use(to(endpoint=collector.url) + f'headers = {{ "x-api-key" = "{token}" }}\n')

    machine.synapse("run", PROMPT)
    until(lambda: bool(collector.traces and collector.metrics), "the export")
    until_sent(machine.state)

    assert {headers["x-api-key"] for headers in collector.headers} == {token}
    written = [path for path in machine.state.rglob("*") if path.is_file()]
    assert [path for path in written if token.encode() in path.read_bytes()] == []


def test_runs_of_a_loop_share_one_sender_and_their_metrics_are_added_up(machine: Machine, collector: Collector) -> None:
    machine.use(to(endpoint=collector.url))

    for number in range(4):
        machine.synapse("run", f"{PROMPT} {number}")
    until(lambda: len(collector.roots) == 4, "four runs")
    until_sent(machine.state)

    assert len({span.trace_id for span in collector.spans}) == 4
    assert sum(point.as_int for point in collector.points["synapse.runs"]) == 4
    assert sum(point.count for point in collector.points["gen_ai.client.operation.duration"]) == 8


def test_a_collector_that_never_answers_costs_one_warning_at_the_next_run(machine: Machine) -> None:
    with BlackHole() as hole:
        machine.use(to(endpoint=hole.url))

        first = machine.synapse("run", PROMPT, env=QUICK)
        until_failed(machine.state)
        second = machine.synapse("run", f"{PROMPT} again", env=QUICK)
        third = machine.synapse("run", f"{PROMPT} once more", env=QUICK)

    assert [done.code for done in (first, second, third)] == [0, 0, 0]
    assert [done.out for done in (first, second, third)] == [b"a good answer\n"] * 3
    assert first.err == third.err == ""
    assert second.lines[0].startswith(f"synapse: warning: telemetry could not be delivered to {hole.url} since ")
    assert len(second.lines) == 1


def test_nobody_tries_again_at_once_after_a_failure(machine: Machine) -> None:
    with BlackHole() as hole:
        machine.use(to(endpoint=hole.url))
        machine.synapse("run", PROMPT, env=QUICK)
        failed = until_failed(machine.state)
        before = json.loads(failed.read_text())["last"]

        for number in range(3):
            machine.synapse("run", f"{PROMPT} {number}", env=QUICK)

    assert json.loads(failed.read_text())["last"] == before
    assert len(_files(machine)) == 4


def test_what_failed_is_sent_once_the_collector_is_back(machine: Machine, collector: Collector) -> None:
    collector.status = {"/v1/traces": 500, "/v1/metrics": 500}
    machine.use(to(endpoint=collector.url))
    machine.synapse("run", PROMPT, env=QUICK)
    failed = until_failed(machine.state)
    rested = json.loads(failed.read_text()) | {"last": 0}
    failed.write_text(json.dumps(rested))

    collector.status = {}
    machine.synapse("run", f"{PROMPT} again", env=QUICK)
    until(lambda: len(collector.roots) == 2, "both runs")
    until_sent(machine.state)

    assert not failed.exists()
    assert _files(machine) == []


def test_a_collector_of_traces_alone_gets_each_once(machine: Machine, collector: Collector) -> None:
    collector.status = {"/v1/metrics": 404}
    machine.use(to(endpoint=collector.url))
    machine.synapse("run", PROMPT)
    until_failed(machine.state)

    said = machine.synapse("run", f"{PROMPT} again").lines

    assert len(collector.roots) == 1
    assert "metrics: " in said[0]
    assert "404" in said[0]
    (first, _) = _files(machine)
    assert [list(json.loads(line)) for line in first.read_text().splitlines()] == [["resourceMetrics"]]


def test_two_ways_do_not_mix(machine: Machine, collector: Collector) -> None:
    with Collector() as other:
        machine.use(to(endpoint=collector.url))
        machine.synapse("run", PROMPT)
        machine.use(to(endpoint=other.url))
        machine.synapse("run", f"{PROMPT} again")
        until(lambda: bool(collector.roots and other.roots), "both")

        assert len(collector.roots) == len(other.roots) == 1


def test_the_address_may_be_copied_with_a_signal_s_path(machine: Machine, collector: Collector) -> None:
    machine.use(to(endpoint=f"{collector.url}/v1/traces"))

    machine.synapse("run", PROMPT)
    until(lambda: bool(collector.traces and collector.metrics), "the export")

    assert len(collector.roots) == 1
