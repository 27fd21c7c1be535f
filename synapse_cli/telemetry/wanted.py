"""Does anybody want to hear of runs? Told without loading what tells them."""

from __future__ import annotations

TYPE_CHECKING = False  # see core.places
if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_VARIABLE = "SYNAPSE_TELEMETRY"
"""A path for the lines, or `off`."""
ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)


def is_wanted(file: str | None, endpoint: str | None, env: Mapping[str, str]) -> bool:
    """Whether the profile or the environment names a place; what turns it off is looked at later."""
    return bool(file or endpoint or env.get(FILE_VARIABLE) or any(env.get(name) for name in ENDPOINTS))
