"""Where do spans and metrics go, and what may be in them? The profile's table and OpenTelemetry's own variables.

The profile's endpoint wins over `OTEL_EXPORTER_OTLP_ENDPOINT`, because it was written for Synapse; the variables that
turn something off always win.
"""

from __future__ import annotations

import os

from synapse_cli import __version__
from synapse_cli.telemetry import names
from synapse_cli.telemetry.wanted import ENDPOINTS, FILE_VARIABLE

TYPE_CHECKING = False  # a memo hit is told too; see core.places
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal, Protocol, TypeAlias

    Way: TypeAlias = Literal["http", "grpc"]

    class Settings(Protocol):
        """The profile's `[telemetry]` table, or what a memo kept of it."""

        @property
        def file(self) -> str | None: ...  # noqa: D102  # as in profile.model
        @property
        def endpoint(self) -> str | None: ...  # noqa: D102
        @property
        def protocol(self) -> Way: ...  # noqa: D102
        @property
        def headers(self) -> Mapping[str, str]: ...  # noqa: D102
        @property
        def content(self) -> bool: ...  # noqa: D102


_OFF = frozenset({"off", "0", "no", "false"})
_SHOWS_CONTENT = frozenset({"true", "span_only", "span_and_event"})
_PARENT = r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?"


class Parent:
    """The span of somebody else that a run is a part of (`TRACEPARENT`)."""

    __slots__ = ("is_sampled", "span_id", "state", "trace_id")

    def __init__(self, trace_id: str, span_id: str, *, is_sampled: bool, state: str = "") -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.is_sampled = is_sampled
        self.state = state


class Target:
    """Where a run is told, and how much of it.

    `is_of_profile` says that the endpoint is the profile's own; else the exporter reads it from the environment.
    """

    __slots__ = (
        *("content", "endpoint", "file", "headers", "is_of_profile"),
        *("metrics", "parent", "protocol", "resource", "spans"),
    )

    def __init__(
        self,
        settings: Settings,
        *,
        file: str | None,
        endpoint: str | None,
        protocol: Way,
        content: bool,
        spans: bool,
        metrics: bool,
        resource: Mapping[str, str],
        parent: Parent | None,
    ) -> None:
        self.file = file
        self.endpoint = endpoint
        self.is_of_profile = settings.endpoint is not None
        self.protocol = protocol
        self.headers = settings.headers if self.is_of_profile else {}
        self.content = content
        self.spans = spans
        self.metrics = metrics
        self.resource = resource
        self.parent = parent


def target(settings: Settings, env: Mapping[str, str]) -> Target | None:
    """Return where a run is told, or None where nobody wants to know."""
    named = env.get(FILE_VARIABLE, "")
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or named.lower() in _OFF - {""}:
        return None
    file = os.path.abspath(os.path.expanduser(named)) if named else settings.file
    endpoint = settings.endpoint or next((env[name] for name in ENDPOINTS if env.get(name)), None)
    spans, metrics = (env.get(f"OTEL_{kind}_EXPORTER", "").strip().lower() != "none" for kind in ("TRACES", "METRICS"))
    if (file is None and endpoint is None) or not (spans or metrics):
        return None
    return Target(
        settings,
        file=file,
        endpoint=endpoint,
        protocol=settings.protocol if settings.endpoint else _protocol(env),
        content=_shows_content(settings, env),
        spans=spans,
        metrics=metrics,
        resource=_resource(env),
        parent=parent_of(env),
    )


def parent_of(env: Mapping[str, str]) -> Parent | None:
    """Read `TRACEPARENT`; None where there is none, or none that the specification knows."""
    said = env.get("TRACEPARENT", "").strip()
    if not said:
        return None
    import re

    found = re.fullmatch(_PARENT, said)
    if found is None:
        return None
    trace_id, span_id, flags = found.groups()
    return Parent(trace_id, span_id, is_sampled=bool(int(flags, 16) & 1), state=env.get("TRACESTATE", "").strip())


def shown(endpoint: str) -> str:
    """An endpoint as it may be said and written down: without a user, a password, or a query."""
    from urllib.parse import urlsplit  # 2 ms, which a run that nothing goes wrong with does not owe

    try:
        parts = urlsplit(endpoint)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that cannot be read"
    if not parts.hostname:
        return endpoint.rpartition("@")[2]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}{parts.path}"


def _protocol(env: Mapping[str, str]) -> Way:
    """JSON over HTTP is asked for in vain: the SDK speaks protobuf, which every collector takes at the same address."""
    return "grpc" if env.get("OTEL_EXPORTER_OTLP_PROTOCOL", "").strip().lower() == "grpc" else "http"


def _shows_content(settings: Settings, env: Mapping[str, str]) -> bool:
    wanted = env.get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "").strip().lower()
    return wanted in _SHOWS_CONTENT if wanted else settings.content


def _resource(env: Mapping[str, str]) -> dict[str, str]:
    """Who tells: what `OTEL_RESOURCE_ATTRIBUTES` says, and the service."""
    found = {"telemetry.sdk.language": "python", "telemetry.sdk.name": "synapse", "telemetry.sdk.version": __version__}
    found |= {names.SERVICE_NAME: "synapse", names.SERVICE_VERSION: __version__}
    if env.get("OTEL_RESOURCE_ATTRIBUTES"):
        found |= _pairs(env["OTEL_RESOURCE_ATTRIBUTES"])
    if env.get("OTEL_SERVICE_NAME"):
        found[names.SERVICE_NAME] = env["OTEL_SERVICE_NAME"]
    return found


def _pairs(text: str) -> dict[str, str]:
    """`key=value,key=value`, values percent-encoded."""
    from urllib.parse import unquote

    pairs = (pair.partition("=") for pair in text.split(","))
    return {key.strip(): unquote(value.strip()) for key, equals, value in pairs if equals and key.strip()}
