"""How is telemetry written down? OTLP's JSON: ids in hex, 64-bit numbers as text, enumerations as numbers.

A memo hit is told too, so this loads neither typing nor dataclasses, of which each class costs a millisecond.
"""

from __future__ import annotations

import math
from hashlib import sha256

from synapse_cli import __version__
from synapse_cli.telemetry import names

TYPE_CHECKING = False  # see core.places
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TypeAlias

    Value: TypeAlias = str | bool | int | float | Sequence[str] | None
    Attributes: TypeAlias = Mapping[str, Value]
    Json: TypeAlias = dict[str, Any]

INTERNAL, CLIENT = 1, 3
_ERROR = 2
_DELTA = 1
_SAMPLED, _HAS_IS_REMOTE, _IS_REMOTE = 0x1, 0x100, 0x200
_SCOPE = {"name": "synapse", "version": __version__}


class Mark:
    """An event within a span."""

    __slots__ = ("at", "attributes", "name")

    def __init__(self, name: str, at: float, attributes: Attributes) -> None:
        self.name = name
        self.at = at
        self.attributes = attributes


class Span:
    """One step of a run; attributes that are None are left out.

    `path` is where it stands in its run, such as `attempt/0/call/1`, and makes its id; `above` is the path of what it
    is a part of, None for the root, whose parent may be somebody else's. `error` is what is said of one: empty where
    the text may not be told.
    """

    __slots__ = ("above", "attributes", "end", "error", "kind", "marks", "name", "path", "start")

    def __init__(
        self,
        *,
        name: str,
        path: str,
        above: str | None,
        start: float,
        end: float,
        attributes: Attributes,
        kind: int = INTERNAL,
        marks: Sequence[Mark] = (),
        error: str | None = None,
    ) -> None:
        self.name = name
        self.path = path
        self.above = above
        self.start = start
        self.end = max(start, end)
        self.attributes = attributes
        self.kind = kind
        self.marks = marks
        self.error = error


class Metric:
    """What one run adds to a metric; with `bounds` it is a histogram, else a sum. What is counted is an int."""

    __slots__ = ("attributes", "bounds", "name", "rises", "unit", "value")

    def __init__(
        self,
        *,
        name: str,
        unit: str,
        value: float,
        attributes: Attributes,
        bounds: Sequence[float] = (),
        rises: bool = True,
    ) -> None:
        self.name = name
        self.unit = unit
        self.value = value
        self.attributes = attributes
        self.bounds = bounds
        self.rises = rises


def trace_id(run_id: str) -> str:
    """The trace of a run: the first half of its id's SHA-256, so that anybody can find it."""
    return sha256(run_id.encode()).hexdigest()[:32]


def span_id(run_id: str, path: str) -> str:
    """The id of a span, of the run and its place there."""
    return sha256(f"{run_id}/{path}".encode()).hexdigest()[:16]


def spans_json(spans: Sequence[Span], run_id: str, trace: str, root_parent: str, state: str) -> list[Json]:
    """Encode the spans of a run; `root_parent` is the id of the span that the root is a part of, or empty."""
    return [_span(span, run_id, trace, root_parent, state) for span in spans]


def metrics_json(metrics: Sequence[Metric], start: float, end: float) -> list[Json]:
    """Encode what a run adds to metrics: one entry a name, one point each."""
    found: dict[str, Json] = {}
    for metric in metrics:
        entry = found.setdefault(metric.name, _metric(metric))
        points = entry["histogram" if metric.bounds else "sum"]["dataPoints"]
        points.append(_point(metric, start, end))
    return list(found.values())


def spans_request(spans: Sequence[Json], resource: Mapping[str, str]) -> Json:
    """An ExportTraceServiceRequest."""
    scope = {"scope": _SCOPE, "spans": list(spans), "schemaUrl": names.SCHEMA_URL}
    return {"resourceSpans": [{"resource": {"attributes": _attributes(resource)}, "scopeSpans": [scope]}]}


def metrics_request(metrics: Sequence[Json], resource: Mapping[str, str]) -> Json:
    """An ExportMetricsServiceRequest."""
    scope = {"scope": _SCOPE, "metrics": list(metrics), "schemaUrl": names.SCHEMA_URL}
    return {"resourceMetrics": [{"resource": {"attributes": _attributes(resource)}, "scopeMetrics": [scope]}]}


def _span(span: Span, run_id: str, trace: str, root_parent: str, state: str) -> Json:
    is_remote = span.above is None and bool(root_parent)
    parent = root_parent if span.above is None else span_id(run_id, span.above)
    return {
        "traceId": trace,
        "spanId": span_id(run_id, span.path),
        **({"traceState": state} if state else {}),
        **({"parentSpanId": parent} if parent else {}),
        "flags": _SAMPLED | _HAS_IS_REMOTE | (_IS_REMOTE if is_remote else 0),
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": _nanoseconds(span.start),
        "endTimeUnixNano": _nanoseconds(span.end),
        "attributes": _attributes(span.attributes),
        **({"events": [_mark(mark) for mark in span.marks]} if span.marks else {}),
        "status": {} if span.error is None else {"code": _ERROR, **({"message": span.error} if span.error else {})},
    }


def _mark(mark: Mark) -> Json:
    return {"timeUnixNano": _nanoseconds(mark.at), "name": mark.name, "attributes": _attributes(mark.attributes)}


def _metric(metric: Metric) -> Json:
    points: Json = {"dataPoints": [], "aggregationTemporality": _DELTA}
    shape = {"histogram": points} if metric.bounds else {"sum": {**points, "isMonotonic": metric.rises}}
    return {"name": metric.name, "unit": metric.unit, **shape}


def _point(metric: Metric, start: float, end: float) -> Json:
    window = {"startTimeUnixNano": _nanoseconds(start), "timeUnixNano": _nanoseconds(max(start, end))}
    base: Json = {"attributes": _attributes(metric.attributes), **window}
    value = metric.value
    if not metric.bounds:
        return {**base, "asInt": str(value)} if isinstance(value, int) else {**base, "asDouble": value}
    place = sum(value > bound for bound in metric.bounds)
    counts = ["1" if at == place else "0" for at in range(len(metric.bounds) + 1)]
    told = {"count": "1", "sum": value, "min": value, "max": value}
    return {**base, **told, "bucketCounts": counts, "explicitBounds": list(metric.bounds)}


def _attributes(attributes: Attributes) -> list[Json]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items() if value is not None]


def _value(value: Value) -> Json:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value if math.isfinite(value) else "NaN"}  # JSON has no word for it
        case str():
            return {"stringValue": value}
        case _:
            return {"arrayValue": {"values": [_value(item) for item in value or ()]}}


def _nanoseconds(seconds: float) -> str:
    """Rounded to microseconds: a float of seconds since 1970 knows no more."""
    return str(round(seconds * 1e6) * 1000)
