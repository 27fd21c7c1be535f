"""What does a run look like to others? Spans and metrics in OpenTelemetry's terms."""
