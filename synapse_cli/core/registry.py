"""Find a class by kind and name: built-in ones in a table, others through entry points, imported on use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from synapse_cli.core.errors import NotRegistered, PluginBroken

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

Kind = Literal["backends", "encoders", "checks"]

BUILT_IN: dict[Kind, dict[str, str]] = {
    "backends": {
        "encoder": "synapse_cli.backends.encoder:EncoderTier",
        "llama.cpp": "synapse_cli.backends.llamacpp:LlamaCpp",
        "litellm": "synapse_cli.backends.litellm:LiteLLM",
        "scripted": "synapse_cli.backends.scripted:Scripted",
        "student": "synapse_cli.backends.student:StudentTier",
    },
    "encoders": {
        "litellm": "synapse_cli.backends.litellm_embed:LiteLLMEncoder",
        "llama.cpp": "synapse_cli.backends.llamacpp_encoder:LlamaEncoder",
    },
    "checks": {
        "agree": "synapse_cli.checks.agree:Agree",
        "choices": "synapse_cli.checks.choices:Choices",
        "command": "synapse_cli.checks.command:Command",
        "confidence": "synapse_cli.checks.confidence:Confidence",
        "critique": "synapse_cli.checks.critique:Critique",
        "grounded": "synapse_cli.checks.grounded:Grounded",
        "json": "synapse_cli.checks.json:Json",
        "judge": "synapse_cli.checks.judge:Judge",
        "length": "synapse_cli.checks.length:Length",
        "refusal": "synapse_cli.checks.refusal:Refusal",
        "regex": "synapse_cli.checks.regex:Regex",
        "schema": "synapse_cli.checks.schema:Schema",
        "scorer": "synapse_cli.checks.scorer:Scorer",
        "self_check": "synapse_cli.checks.self_check:SelfCheck",
        "syntax": "synapse_cli.checks.syntax:Syntax",
    },
}


_NEEDED: dict[Kind, tuple[str, ...]] = {
    "backends": ("complete", "facts", "count"),
    "encoders": ("encode", "facts"),
    "checks": ("kind", "binds", "parse", "judge"),
}
"""What a class must have to be of a kind: asked of plugins, whose types nobody has checked."""


def load(kind: Kind, name: str) -> type:
    """Return the class registered under `name`.

    Raises NotRegistered, with the nearest name, where there is none; PluginBroken where importing it fails.
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


def edition(kind: Kind, name: str) -> tuple[str, tuple[str, ...]]:
    """Tell the version of a plugin that is loaded, and the files that change where another one is installed."""
    import os
    import sys

    for point in _entry_points(kind):
        if point.name == name:
            files = [
                str(file.locate()) for file in (point.dist.files if point.dist else None) or () if file.name == "RECORD"
            ]
            module: str | None = getattr(sys.modules.get(point.module), "__file__", None)
            files += [module] if module else []
            stats = [os.stat(file) for file in files if os.path.exists(file)]
            version = f"{point.dist.name} {point.dist.version}" if point.dist else ""
            return " ".join([version, *(f"{stat.st_size}:{stat.st_mtime_ns}" for stat in stats)]), tuple(files)
    return "", ()


def said(error: BaseException) -> str:
    """Put an error that is not ours into one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _plugin(kind: Kind, name: str) -> type:
    for point in _entry_points(kind):
        if point.name == name:
            package = point.dist.name if point.dist else "?"
            what = f"the plugin {name!r} of package {package!r}"
            hint = f"repair it or remove it: pip uninstall {package}"
            try:
                found: object = point.load()
            except Exception as error:  # whatever a stranger's module raises at import is one line to us
                raise PluginBroken(f"{what} cannot be imported: {said(error)}", hint) from error
            missing = [needed for needed in _NEEDED[kind] if not hasattr(found, needed)]
            if not isinstance(found, type) or missing:
                lack = "is no class" if not isinstance(found, type) else f"lacks {', '.join(missing)}"
                raise PluginBroken(f"{what} {lack}", hint)
            return found
    import difflib

    known = names(kind)
    close = difflib.get_close_matches(name, known, n=1)
    singular = kind.removesuffix("s")
    hint = f"did you mean {close[0]!r}?" if close else "known: " + ", ".join(known)
    raise NotRegistered(f"there is no {singular} named {name!r}", hint)


def _entry_points(kind: Kind) -> EntryPoints:
    from importlib.metadata import entry_points

    return entry_points(group=f"synapse.{kind}")
