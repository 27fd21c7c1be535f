"""Loopback OTLP collectors, over HTTP and gRPC, that read what comes with OpenTelemetry's own protobuf classes."""

from __future__ import annotations

import gzip
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import (
    MetricsServiceServicer,
    add_MetricsServiceServicer_to_server,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)


@dataclass
class Received:
    """What a collector was given."""

    traces: list[ExportTraceServiceRequest] = field(default_factory=list)
    metrics: list[ExportMetricsServiceRequest] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def spans(self) -> list[Any]:
        """Every span, in the order they came."""
        return [s for t in self.traces for g in t.resource_spans for scope in g.scope_spans for s in scope.spans]

    @property
    def points(self) -> dict[str, list[Any]]:
        """Every point, by its metric's name."""
        found: dict[str, list[Any]] = {}
        for request in self.metrics:
            for group in request.resource_metrics:
                for scope in group.scope_metrics:
                    for metric in scope.metrics:
                        found.setdefault(metric.name, []).extend(getattr(metric, metric.WhichOneof("data")).data_points)
        return found

    @property
    def roots(self) -> list[Any]:
        """Root spans: one a run."""
        return [span for span in self.spans if span.name.startswith("invoke_workflow")]


class Collector(Received):
    """A collector that speaks OTLP over HTTP; `status` is what it answers to each path."""

    def __init__(self, port: int = 0) -> None:
        super().__init__()
        self.status: dict[str, int] = {}
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                status = collector.status.get(self.path, 200)
                collector.headers.append({name.lower(): value for name, value in self.headers.items()})
                if status == 200 and self.path == "/v1/traces":
                    collector.traces.append(ExportTraceServiceRequest.FromString(body))
                elif status == 200 and self.path == "/v1/metrics":
                    collector.metrics.append(ExportMetricsServiceRequest.FromString(body))
                elif status == 200:
                    status = 404
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Collector:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class GrpcCollector(Received):
    """A collector that speaks OTLP over gRPC."""

    def __init__(self) -> None:
        super().__init__()
        self._server = grpc.server(ThreadPoolExecutor(2))
        add_TraceServiceServicer_to_server(_Traces(self), self._server)
        add_MetricsServiceServicer_to_server(_Metrics(self), self._server)
        self.url = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self) -> GrpcCollector:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(0).wait()


class _Traces(TraceServiceServicer):  # type: ignore[misc]  # generated without types
    def __init__(self, received: Received) -> None:
        self._received = received

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802  # gRPC's name
        self._received.headers.append(dict(context.invocation_metadata()))
        self._received.traces.append(request)
        return ExportTraceServiceResponse()


class _Metrics(MetricsServiceServicer):  # type: ignore[misc]  # generated without types
    def __init__(self, received: Received) -> None:
        self._received = received

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802  # gRPC's name
        self._received.metrics.append(request)
        return ExportMetricsServiceResponse()


class BlackHole:
    """An address that takes connections and never answers."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> BlackHole:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def attributes(thing: Any) -> dict[str, Any]:
    """The attributes of a span, an event or a point."""
    return {each.key: _value(each.value) for each in thing.attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return [_value(item) for item in value.array_value.values] if kind == "array_value" else getattr(value, kind)
