"""Find a class by kind and name: built-in ones in a table, others through entry points, imported on use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from synapse_cli.core.errors import SynapseError, UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

Kind = Literal["backends", "checks"]

BUILT_IN: dict[Kind, dict[str, str]] = {
    "backends": {
        "llama.cpp": "synapse_cli.backends.llamacpp:LlamaCpp",
        "litellm": "synapse_cli.backends.litellm:LiteLLM",
        "scripted": "synapse_cli.backends.scripted:Scripted",
    },
    "checks": {
        "choices": "synapse_cli.checks.choices:Choices",
        "command": "synapse_cli.checks.command:Command",
        "confidence": "synapse_cli.checks.confidence:Confidence",
        "json": "synapse_cli.checks.json:Json",
        "length": "synapse_cli.checks.length:Length",
        "refusal": "synapse_cli.checks.refusal:Refusal",
        "regex": "synapse_cli.checks.regex:Regex",
        "schema": "synapse_cli.checks.schema:Schema",
    },
}


class PluginBroken(SynapseError):
    """A plugin is registered under this name but cannot be imported."""

    kind = "plugin"


def load(kind: Kind, name: str) -> type:
    """Return the class registered under `name`.

    Raises UsageError, with the nearest name, where there is none; PluginBroken where importing it fails.
    """
    target = BUILT_IN[kind].get(name)
    if target is not None:
        module, _, attribute = target.partition(":")
        from importlib import import_module

        found: type = getattr(import_module(module), attribute)
        return found
    return _plugin(kind, name)


def names(kind: Kind) -> list[str]:
    """Every registered name, built-in and plugged in, sorted."""
    return sorted({*BUILT_IN[kind], *(point.name for point in _entry_points(kind))})


def is_plugin(kind: Kind, name: str) -> bool:
    """Whether a name is somebody else's code."""
    return name not in BUILT_IN[kind]


def _plugin(kind: Kind, name: str) -> type:
    for point in _entry_points(kind):
        if point.name == name:
            try:
                found: type = point.load()
            except Exception as error:  # whatever a stranger's module raises at import is one line to us
                package = point.dist.name if point.dist else "?"
                raise PluginBroken(
                    f"the plugin {name!r} of package {package!r} cannot be imported: {type(error).__name__}: {error}",
                    f"repair it or remove it: pip uninstall {package}",
                ) from error
            return found
    import difflib

    known = names(kind)
    close = difflib.get_close_matches(name, known, n=1)
    singular = kind.removesuffix("s")
    hint = f"did you mean {close[0]!r}?" if close else "known: " + ", ".join(known)
    raise UsageError(f"there is no {singular} named {name!r}", hint)


def _entry_points(kind: Kind) -> EntryPoints:
    from importlib.metadata import entry_points

    return entry_points(group=f"synapse.{kind}")
