"""Send exports to a collector with OpenTelemetry's own SDK: the one door to it (extra `otel`).

The exporters read address, headers, certificates, compression and timeouts from the usual variables. Spans and points
are made of the lines, so that the file and the network tell the same.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from opentelemetry.sdk.metrics import export as sdk
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.status import Status, StatusCode

from synapse_cli.core.redact import one_line
from synapse_cli.telemetry.merge import Merged, Point, merged, read_attributes
from synapse_cli.telemetry.wanted import ENDPOINTS

_ANSWERED = re.compile(r"code: (?:\d|StatusCode\.(?!UNAVAILABLE|DEADLINE_EXCEEDED))")
"""That a collector said no, rather than nothing; then it may still want the other kind (Jaeger takes no metrics)."""
_TRIED = re.compile(r"Transient error (.+) encountered while exporting .*", re.DOTALL)
_WRAPPED = re.compile(
    r"""(?:HTTPS?ConnectionPool\([^)]*\):\ (?:.*\(Caused\ by\ \w+\(["'](?:\w+\([^)]*\):\ )?(.+?)["']\)\))?)"""
    r"""|(?:Failed\ to\ export\ \w+\ batch\ code:\ None,\ reason:\ )""",
    re.DOTALL | re.VERBOSE,
)
"""What clients put around the one sentence that says why: a refused connection came as two hundred characters."""
_GAVE_UP = re.compile("due to timeout, max retries or shutdown")
_KINDS = {1: SpanKind.INTERNAL, 3: SpanKind.CLIENT}


@dataclass(frozen=True, slots=True)
class Left:
    """What was not delivered, and why; `lines` is None where that is all of it."""

    why: str = ""
    lines: frozenset[bytes] | None = None


class Exporter:
    """A connection to the collector that the environment names."""

    def __init__(self, protocol: Literal["http", "grpc"]) -> None:
        self._said = _Said()
        logger = logging.getLogger("opentelemetry")
        logger.addHandler(self._said)
        logger.propagate = False
        self._spans, self._metrics = _exporters(protocol)

    def send(self, lines: Sequence[bytes]) -> Left:
        """Send the lines of many runs: all spans at once, and metrics added up."""
        read = [(line, found) for line in lines if (found := _read(line)) is not None]
        spans = [(line, found) for line, found in read if "resourceSpans" in found]
        metrics = [(line, found) for line, found in read if "resourceMetrics" in found]
        why = self._send_spans([found for _, found in spans])
        if why and not _ANSWERED.search(why):
            return Left(why)
        why_not = self._send_metrics([found for _, found in metrics])
        left = [line for line, _ in (*(spans if why else ()), *(metrics if why_not else ()))]
        said = "; ".join([*([f"spans: {why}"] if why else []), *([f"metrics: {why_not}"] if why_not else [])])
        return Left(said, frozenset(left))

    def close(self) -> None:
        """Let go of the connection."""
        self._spans.shutdown()
        self._metrics.shutdown()

    def _send_spans(self, requests: Sequence[dict[str, Any]]) -> str:
        spans = [span for request in requests for span in _spans(request)]
        return self._outcome(self._spans.export(spans)) if spans else ""

    def _send_metrics(self, requests: Sequence[dict[str, Any]]) -> str:
        if not requests:
            return ""
        data = sdk.MetricsData([_resource_metrics(*each) for each in merged(requests)])
        return self._outcome(self._metrics.export(data))

    def _outcome(self, result: object) -> str:
        """Why an export failed, as its log says; empty where it did not."""
        said, self._said.last = self._said.last, ""
        if getattr(result, "name", "") == "SUCCESS":
            return ""
        return one_line(unwrapped(said) or "the export failed", _secrets())


def unwrapped(said: str) -> str:
    """The sentence that says why, without what HTTP clients put around it."""
    while True:
        inner = _WRAPPED.sub(lambda found: found[1] or "", said, count=1)
        if inner == said:
            return said
        said = inner


class _Said(logging.Handler):
    """Keeps why the exporters failed; nobody reads a log of this process.

    Where they gave up after trying again, they say that at the end, and what was wrong with each try before.
    """

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line of the log for the reason, unless a better one is known."""
        said = record.getMessage()
        tried = _TRIED.match(said)
        if tried is not None:
            self.last = tried[1]
        elif _GAVE_UP.search(said):
            self.last = self.last or "no answer in time"
        else:
            self.last = said


def _secrets() -> list[str]:
    """What may be a key in the address and in the headers: errors of HTTP clients quote both."""
    found = []
    for name, value in os.environ.items():
        if name.startswith("OTEL_EXPORTER_OTLP_") and name.endswith("HEADERS"):
            found += [unquote(pair.partition("=")[2].strip()) for pair in value.split(",")]
        elif name in ENDPOINTS:
            parts = urlsplit(value)
            found += [parts.query, parts.password or ""]
    return found


def _exporters(protocol: Literal["http", "grpc"]) -> tuple[Any, Any]:
    """The exporters of spans and of metrics, which share no class."""
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans

        return GrpcSpans(), GrpcMetrics()
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(), OTLPMetricExporter()


def _read(line: bytes) -> dict[str, Any] | None:
    """One export; None for what a power cut left of one."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _spans(request: dict[str, Any]) -> Iterable[ReadableSpan]:
    for group in request["resourceSpans"]:
        resource = Resource(read_attributes(group["resource"]["attributes"]))
        for scoped in group["scopeSpans"]:
            scope = _scope(scoped)
            for span in scoped["spans"]:
                yield _span(span, resource, scope)


def _span(span: dict[str, Any], resource: Resource, scope: InstrumentationScope) -> ReadableSpan:
    status = span["status"]
    return ReadableSpan(
        name=span["name"],
        context=_context(span, span["spanId"], is_remote=False),
        parent=_context(span, span["parentSpanId"], is_remote=bool(span["flags"] & 0x200))
        if "parentSpanId" in span
        else None,
        resource=resource,
        attributes=read_attributes(span["attributes"]),
        events=[
            Event(mark["name"], read_attributes(mark["attributes"]), int(mark["timeUnixNano"]))
            for mark in span.get("events", ())
        ],
        kind=_KINDS[span["kind"]],
        status=Status(StatusCode.ERROR, status.get("message")) if status else Status(StatusCode.UNSET),
        start_time=int(span["startTimeUnixNano"]),
        end_time=int(span["endTimeUnixNano"]),
        instrumentation_scope=scope,
    )


def _context(span: dict[str, Any], span_id: str, *, is_remote: bool) -> SpanContext:
    state = TraceState.from_header([span["traceState"]]) if "traceState" in span else None
    return SpanContext(int(span["traceId"], 16), int(span_id, 16), is_remote, TraceFlags(TraceFlags.SAMPLED), state)


def _scope(scoped: dict[str, Any]) -> InstrumentationScope:
    return InstrumentationScope(scoped["scope"]["name"], scoped["scope"]["version"], scoped["schemaUrl"])


def _resource_metrics(resource: dict[str, Any], scope: dict[str, Any], found: Sequence[Merged]) -> sdk.ResourceMetrics:
    told = [sdk.Metric(name=each.name, description="", unit=each.unit, data=_data(each)) for each in found]
    scoped = sdk.ScopeMetrics(scope=_scope(scope), metrics=told, schema_url=scope["schemaUrl"])
    return sdk.ResourceMetrics(resource=Resource(resource), scope_metrics=[scoped], schema_url="")


def _data(metric: Merged) -> sdk.Histogram | sdk.Sum:
    delta = sdk.AggregationTemporality.DELTA
    if metric.rises is None:
        return sdk.Histogram([_histogram(point) for point in metric.points], delta)
    return sdk.Sum([_number(point) for point in metric.points], delta, metric.rises)


def _histogram(point: Point) -> sdk.HistogramDataPoint:
    return sdk.HistogramDataPoint(
        attributes=point.attributes,
        start_time_unix_nano=point.start,
        time_unix_nano=point.end,
        count=sum(point.buckets),
        sum=point.value,
        bucket_counts=point.buckets,
        explicit_bounds=point.bounds,
        min=point.least,
        max=point.most,
    )


def _number(point: Point) -> sdk.NumberDataPoint:
    return sdk.NumberDataPoint(point.attributes, point.start, point.end, point.value)
