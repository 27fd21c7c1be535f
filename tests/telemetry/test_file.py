"""The file of lines needs nothing but Python, is read by OpenTelemetry's own classes, and never costs an answer."""

from __future__ import annotations

import base64
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from synapse_cli.telemetry.lines import append
from tests.e2e.machine import Machine
from tests.telemetry.collector import Received
from tests.telemetry.profiles import PROMPT, to

IDS = ("traceId", "spanId", "parentSpanId")


def read(path: Path) -> Received:
    """What a file tells, parsed by protobuf's own JSON reader; unknown fields and wrong types are errors."""
    received = Received()
    for line in path.read_text(encoding="utf-8").splitlines():
        found = json.loads(line)
        if "resourceSpans" in found:
            received.traces.append(json_format.ParseDict(_with_base64_ids(found), ExportTraceServiceRequest()))
        else:
            received.metrics.append(json_format.ParseDict(found, ExportMetricsServiceRequest()))
    return received


def _with_base64_ids(value: Any) -> Any:
    """OTLP says hex where protobuf's JSON says base64; that is the one difference."""
    if isinstance(value, list):
        return [_with_base64_ids(item) for item in value]
    if isinstance(value, dict):
        return {
            key: base64.b64encode(bytes.fromhex(item)).decode() if key in IDS else _with_base64_ids(item)
            for key, item in value.items()
        }
    return value


def test_the_lines_are_otlp(machine: Machine) -> None:
    path = machine.work / "told" / "runs.jsonl"
    machine.use(to(file=str(path)))

    done = machine.synapse("run", PROMPT)

    received = read(path)
    assert (done.code, done.err) == (0, "")
    assert len(received.traces) == len(received.metrics) == 1
    assert len(received.spans) == 8
    assert {metric: len(points) for metric, points in received.points.items()} == {
        "synapse.runs": 1,
        "gen_ai.workflow.duration": 1,
        "synapse.escalations": 1,
        "synapse.cost": 1,
        "synapse.saved": 1,
        "gen_ai.client.operation.duration": 2,
        "gen_ai.client.token.usage": 4,
        "synapse.checks": 2,
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_every_span_has_its_parent_in_the_run_and_lies_within_it(machine: Machine) -> None:
    path = machine.work / "runs.jsonl"
    machine.use(to(file=str(path)))

    machine.synapse("run", PROMPT)

    spans = read(path).spans
    (root,) = [span for span in spans if not span.parent_span_id]
    by_id = {span.span_id: span for span in spans}
    assert len(by_id) == len(spans)
    for span in spans:
        above = by_id[span.parent_span_id] if span.parent_span_id else span
        assert above.start_time_unix_nano <= span.start_time_unix_nano
        assert span.start_time_unix_nano <= span.end_time_unix_nano <= above.end_time_unix_nano
        assert span.trace_id == root.trace_id


def test_a_run_is_a_part_of_the_trace_that_called_it(machine: Machine) -> None:
    path = machine.work / "runs.jsonl"
    machine.use(to(file=str(path)))

    machine.synapse("run", PROMPT, env={"TRACEPARENT": f"00-{'ab' * 16}-{'cd' * 8}-01", "TRACESTATE": "vendor=1"})

    spans = read(path).spans
    (root,) = [span for span in spans if span.name.startswith("invoke_workflow")]
    assert {span.trace_id.hex() for span in spans} == {"ab" * 16}
    assert root.parent_span_id.hex() == "cd" * 8
    assert {span.trace_state for span in spans} == {"vendor=1"}


def test_a_trace_that_is_not_sampled_gets_no_spans_but_the_metrics_count(machine: Machine) -> None:
    path = machine.work / "runs.jsonl"
    machine.use(to(file=str(path)))

    machine.synapse("run", PROMPT, env={"TRACEPARENT": f"00-{'ab' * 16}-{'cd' * 8}-00"})

    received = read(path)
    assert received.spans == []
    assert len(received.points["synapse.runs"]) == 1


def test_a_cached_answer_is_told_without_a_call(machine: Machine) -> None:
    path = machine.work / "runs.jsonl"
    machine.use(to(file=str(path)))
    machine.synapse("run", "--json", PROMPT)
    path.unlink()

    machine.synapse("run", "--json", PROMPT)

    names = [span.name for span in read(path).spans]
    assert [name for name in names if name.startswith("chat")] == []
    assert len([name for name in names if name.startswith("synapse.check")]) == 2


def test_a_run_without_a_route_is_told_with_its_error(machine: Machine) -> None:
    path = machine.work / "runs.jsonl"
    machine.use(to(file=str(path)))

    done = machine.synapse("run", "-r", "nowhere", PROMPT)

    (root, _) = read(path).spans
    assert done.code == 2
    assert root.status.code == 2
    assert {a.key: a.value.string_value for a in root.attributes}["error.type"] == "usage"


@pytest.mark.parametrize("variable", [{"SYNAPSE_TELEMETRY": "off"}, {"OTEL_SDK_DISABLED": "true"}])
def test_a_variable_turns_all_of_it_off(machine: Machine, variable: dict[str, str]) -> None:
    path = machine.work / "runs.jsonl"
    machine.use(to(file=str(path)))

    machine.synapse("run", PROMPT, env=variable)

    assert not path.exists()


def test_a_variable_names_the_file_too(machine: Machine) -> None:
    machine.says("an answer")

    machine.synapse("run", "hello", env={"SYNAPSE_TELEMETRY": "here.jsonl"})

    assert len(read(machine.work / "here.jsonl").roots) == 1


@pytest.mark.parametrize(("kind", "left"), [("TRACES", "metrics"), ("METRICS", "traces")])
def test_one_kind_alone_can_be_turned_off(machine: Machine, kind: str, left: str) -> None:
    path = machine.work / "runs.jsonl"
    machine.use(to(file=str(path)))

    machine.synapse("run", PROMPT, env={f"OTEL_{kind}_EXPORTER": "none"})

    received = read(path)
    assert (bool(received.traces), bool(received.metrics)) == (left == "traces", left == "metrics")


def test_eight_processes_write_whole_lines(machine: Machine) -> None:
    path = machine.work / "runs.jsonl"
    machine.use(to(file=str(path)))

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda n: machine.synapse("run", f"{PROMPT} {n}"), range(8)))

    assert {each.code for each in done} == {0}
    assert len({span.trace_id for span in read(path).roots}) == 8


@pytest.mark.parametrize("where", ["/dev/full", "/proc/nowhere/runs.jsonl", "folder", "pipe"])
def test_a_file_that_cannot_be_written_costs_one_warning(machine: Machine, where: str) -> None:
    (machine.work / "folder").mkdir()
    os.mkfifo(machine.work / "pipe")
    path = where if where.startswith("/") else str(machine.work / where)
    machine.use(to(file=path))

    done = machine.synapse("run", PROMPT)

    assert (done.code, done.out) == (0, b"a good answer\n")
    assert len(done.lines) == 1
    assert done.lines[0].startswith(f"synapse: warning: telemetry cannot be written to {path}: ")


def test_half_a_line_of_a_power_cut_stays_alone(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_bytes(b'{"whole":1}\n{"ha')

    append(str(path), b'{"next":1}\n')

    assert path.read_bytes() == b'{"whole":1}\n{"ha\n{"next":1}\n'


def test_the_file_takes_twice_its_bound_at_most(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"

    for number in range(50):
        append(str(path), b"%09d\n" % number, most=100)

    assert sorted(p.name for p in tmp_path.iterdir()) == ["runs.jsonl", "runs.jsonl.1"]
    assert max(p.stat().st_size for p in tmp_path.iterdir()) <= 100
    lines = (tmp_path / "runs.jsonl.1").read_text() + path.read_text()
    assert [int(line) for line in lines.splitlines()] == list(range(50 - len(lines) // 10, 50))


def test_turning_loses_no_line_of_many_writers(tmp_path: Path) -> None:
    path = str(tmp_path / "runs.jsonl")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: append(path, b"%09d\n" % n, most=1500), range(200)))

    kept = b"".join(p.read_bytes() for p in sorted(tmp_path.iterdir(), reverse=True)).splitlines()
    assert all(len(line) == 9 for line in kept)
    assert len(set(kept)) == len(kept) == 200
