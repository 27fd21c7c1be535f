"""The names are those of the conventions, of the version that the table says, and nothing is told under another."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics
from opentelemetry.semconv.attributes import error_attributes, server_attributes, service_attributes
from opentelemetry.semconv.schemas import Schemas

from synapse_cli.telemetry import names
from tests.conftest import Golden

FOLDER = Path(names.__file__).parent
NAME = re.compile(r"(gen_ai|synapse|server|service|error)\.[a-z_.]+")


def _table() -> dict[str, object]:
    return {name: value for name, value in vars(names).items() if name.isupper()}


def _told() -> set[str]:
    """Every name in the table."""
    params = {name for name, _ in names.REQUEST_PARAMS.values()}
    return {value for value in _table().values() if isinstance(value, str) and NAME.fullmatch(value)} | params


def _known() -> set[str]:
    """Every name that the released Python package of the conventions has."""
    modules = (gen_ai_attributes, gen_ai_metrics, error_attributes, server_attributes, service_attributes)
    return {value for module in modules for value in vars(module).values() if isinstance(value, str)}


def test_every_name_that_is_not_ours_is_the_conventions() -> None:
    foreign = {name for name in _told() if not name.startswith("synapse.")}

    assert len(foreign) > 30
    assert foreign - _known() == {"gen_ai.workflow.duration"}  # newer than the package: 2026-05


def test_no_name_is_deprecated() -> None:
    assert _told() & {"gen_ai.system", "gen_ai.prompt", "gen_ai.completion", "gen_ai.usage.prompt_tokens"} == set()


def test_the_schema_is_one_that_there_is() -> None:
    assert names.SCHEMA_URL in {schema.value for schema in Schemas}


def test_providers_are_called_as_the_conventions_call_them() -> None:
    known = {each.value for each in gen_ai_attributes.GenAiProviderNameValues}

    assert set(names.PROVIDERS.values()) - known == {"moonshot_ai"}  # newer than the package: 2026-05


def test_names_stand_in_the_table_and_nowhere_else() -> None:
    strays = [
        (path.name, node.value)
        for path in FOLDER.glob("*.py")
        if path.name != "names.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value)
    ]

    assert strays == []


def test_no_name_of_ours_is_a_namespace_of_another() -> None:
    ours = {name for name in _told() if name.startswith("synapse.")}
    attributes = ours - {value for name, value in _table().items() if name.startswith(("METRIC_", "SPAN_", "EVENT_"))}

    assert [name for name in attributes if any(other.startswith(f"{name}.") for other in attributes)] == []


def test_a_change_of_names_is_seen(golden: Golden) -> None:
    """Dashboards hang on them: a new version of the conventions is a decision, and this file its protocol."""
    lines = [f"core {names.VERSION}, gen_ai as of {names.GEN_AI_AS_OF}", *sorted(_told())]
    lines += [f"{ours} = {theirs}" for ours, theirs in sorted(names.PROVIDERS.items())]

    golden(Path(__file__).with_name("names.txt"), "\n".join(lines) + "\n")


def test_buckets_are_the_advised_ones() -> None:
    assert names.TOKEN_BUCKETS[:4] == (1, 4, 16, 64)
    assert names.TOKEN_BUCKETS[-1] == 67108864
    assert names.SECOND_BUCKETS[:8] == (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28)
    assert names.SECOND_BUCKETS[8:] == (2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
