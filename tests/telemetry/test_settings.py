"""Where runs are told is read from the profile and from OpenTelemetry's own variables, by rules that can be said."""

from __future__ import annotations

import os

import pytest

from synapse_cli.profile.settings import TelemetrySettings
from synapse_cli.telemetry.settings import parent_of, shown, target
from synapse_cli.telemetry.spool import spool_of
from synapse_cli.telemetry.start import sender_environment

NOWHERE = TelemetrySettings()
THERE = TelemetrySettings(endpoint="https://collector.example:4318", headers={"x-key": "a b,c"})
ENV = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://of-the-machine:4318"}


def test_nobody_hears_unasked() -> None:
    assert target(NOWHERE, {"OTEL_SERVICE_NAME": "x", "OTEL_EXPORTER_OTLP_HEADERS": "a=b"}) is None


def test_the_profile_s_address_wins_over_the_machine_s() -> None:
    found = target(THERE, ENV)

    assert found is not None
    assert (found.endpoint, found.is_of_profile) == ("https://collector.example:4318", True)


@pytest.mark.parametrize("said", ["grpc", " GRPC "])
def test_the_machine_s_protocol_belongs_to_the_machine_s_address(said: str) -> None:
    variable = {"OTEL_EXPORTER_OTLP_PROTOCOL": said}
    of_machine, of_profile = target(NOWHERE, ENV | variable), target(THERE, ENV | variable)

    assert of_machine is not None
    assert of_profile is not None
    assert (of_machine.protocol, of_profile.protocol) == ("grpc", "http")


@pytest.mark.parametrize(
    "said",
    [
        {"SYNAPSE_TELEMETRY": "off"},
        {"SYNAPSE_TELEMETRY": "False"},
        {"OTEL_SDK_DISABLED": "TRUE"},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"},
    ],
)
def test_what_turns_it_off_wins(said: dict[str, str]) -> None:
    assert target(TelemetrySettings(file="/somewhere", endpoint="http://x"), ENV | said) is None


def test_a_file_of_the_environment_is_found_from_the_working_folder() -> None:
    found = target(TelemetrySettings(file="/of/the/profile"), {"SYNAPSE_TELEMETRY": "here.jsonl"})

    assert found is not None
    assert found.file == os.path.join(os.getcwd(), "here.jsonl")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"00-{'a' * 32}-{'b' * 16}-01", ("a" * 32, "b" * 16, True)),
        (f"00-{'a' * 32}-{'b' * 16}-00", ("a" * 32, "b" * 16, False)),
        (f"cc-{'a' * 32}-{'b' * 16}-03-what-comes", ("a" * 32, "b" * 16, True)),
        (f"ff-{'a' * 32}-{'b' * 16}-01", None),
        (f"00-{'0' * 32}-{'b' * 16}-01", None),
        (f"00-{'a' * 32}-{'0' * 16}-01", None),
        (f"00-{'A' * 32}-{'b' * 16}-01", None),
        ("garbage", None),
        ("", None),
    ],
)
def test_a_traceparent_is_read_as_the_w3c_says(text: str, found: tuple[str, str, bool] | None) -> None:
    parent = parent_of({"TRACEPARENT": text})

    assert (None if parent is None else (parent.trace_id, parent.span_id, parent.is_sampled)) == found


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://user:secret@host:4318/v1?token=secret", "https://host:4318/v1"),
        ("user:secret@host:4317", "host:4317"),
        ("http://[::1]:4318", "http://[::1]:4318"),
        ("http://host:99999999/x", "an address that cannot be read"),
    ],
)
def test_an_address_is_said_without_what_is_secret_in_it(address: str, said: str) -> None:
    assert shown(address) == said


def test_a_sender_gets_the_profile_s_address_and_the_headers_of_both() -> None:
    found = target(THERE, ENV)
    assert found is not None

    around = sender_environment(
        found, ENV | {"OTEL_EXPORTER_OTLP_HEADERS": "a=1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "x"}
    )

    assert around["OTEL_EXPORTER_OTLP_ENDPOINT"] == "https://collector.example:4318"
    assert around["OTEL_EXPORTER_OTLP_HEADERS"] == "a=1,x-key=a%20b%2Cc"
    assert "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" not in around


def test_a_spool_belongs_to_one_way(tmp_path: object) -> None:
    ways = [
        target(THERE, {}),
        target(TelemetrySettings(endpoint=THERE.endpoint, headers={"x-key": "other"}), {}),
        target(TelemetrySettings(endpoint=THERE.endpoint, protocol="grpc", headers=THERE.headers), {}),
        target(NOWHERE, ENV),
    ]

    folders = {spool_of(way, str(tmp_path), ENV).path for way in ways if way is not None}

    assert len(folders) == len(ways)
    assert spool_of(ways[0], str(tmp_path), ENV).path in folders  # type: ignore[arg-type]  # none is None
