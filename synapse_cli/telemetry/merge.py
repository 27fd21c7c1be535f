"""What do many runs add to the metrics together? One point for each set of attributes, in place of one a run.

Points of processes that ran at the same time would overlap, and a backend that takes them for one writer's loses some.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True)
class Point:
    """What was counted or measured under one set of attributes."""

    attributes: dict[str, Any]
    start: int
    end: int
    value: int | float
    buckets: list[int] = field(default_factory=list)
    bounds: list[float] = field(default_factory=list)
    least: float = 0.0
    most: float = 0.0

    def add(self, other: Point) -> None:
        """Take another run's in."""
        self.start, self.end = min(self.start, other.start), max(self.end, other.end)
        self.value += other.value
        self.buckets = [mine + theirs for mine, theirs in zip(self.buckets, other.buckets, strict=True)]
        self.least, self.most = min(self.least, other.least), max(self.most, other.most)


@dataclass(slots=True)
class Merged:
    """One metric of many runs."""

    name: str
    unit: str
    rises: bool | None
    """Whether a sum can only grow; None for a histogram."""
    points: list[Point] = field(default_factory=list)


def merged(requests: Sequence[Json]) -> list[tuple[Json, Json, list[Merged]]]:
    """Add the metrics of many exports up, for each resource: its attributes, its scope, its metrics."""
    found: dict[str, tuple[Json, Json, dict[str, Merged], dict[str, Point]]] = {}
    for request in requests:
        for group in request["resourceMetrics"]:
            resource = read_attributes(group["resource"]["attributes"])
            for scoped in group["scopeMetrics"]:
                key = json.dumps([resource, scoped["scope"], scoped["schemaUrl"]], sort_keys=True)
                _, _, metrics, points = found.setdefault(key, (resource, scoped, {}, {}))
                for metric in scoped["metrics"]:
                    _add(metric, metrics, points)
    return [(resource, scope, list(metrics.values())) for resource, scope, metrics, _ in found.values()]


def read_attributes(attributes: Iterable[Json]) -> Json:
    """Attributes as a table again."""
    return {each["key"]: read_value(each["value"]) for each in attributes}


def read_value(value: Json) -> Any:  # text, number, truth or a list of them
    """One value of OTLP's JSON."""
    kind, told = next(iter(value.items()))
    if kind == "intValue":
        return int(told)
    if kind == "doubleValue":
        return float(told)
    return [read_value(item) for item in told["values"]] if kind == "arrayValue" else told


def _add(metric: Json, metrics: dict[str, Merged], points: dict[str, Point]) -> None:
    data = metric.get("histogram") or metric["sum"]
    rises = data.get("isMonotonic")
    mine = metrics.setdefault(metric["name"], Merged(metric["name"], metric["unit"], rises))
    for told in data["dataPoints"]:
        point = _point(told)
        key = json.dumps([metric["name"], point.attributes], sort_keys=True)
        if key in points:
            points[key].add(point)
        else:
            points[key] = point
            mine.points.append(point)


def _point(told: Json) -> Point:
    value = int(told["asInt"]) if "asInt" in told else float(told["asDouble"] if "asDouble" in told else told["sum"])
    return Point(
        read_attributes(told["attributes"]),
        int(told["startTimeUnixNano"]),
        int(told["timeUnixNano"]),
        value,
        [int(count) for count in told.get("bucketCounts", ())],
        list(told.get("explicitBounds", ())),
        told.get("min", 0.0),
        told.get("max", 0.0),
    )
