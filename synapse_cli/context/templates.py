"""Fill the holes of a prompt template, once: braces inside a value stay as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping

from synapse_cli.core.errors import UsageError
from synapse_cli.profile.model import Template

_HOLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_-]*)\s*\}\}")
_INPUT = "input"


def render(template: Template, params: Mapping[str, str], input_text: str) -> tuple[str | None, str]:
    """Return (system, prompt) with every `{{ name }}` filled; `{{ input }}` is stdin and files.

    A value comes from `params`, else from the template's defaults. A hole without a value and a value without a hole
    are UsageErrors that name it.
    """
    names = holes(template)
    unknown = sorted(set(params) - names | set(params) & {_INPUT})
    if unknown:
        raise _unknown(template, unknown[0], names)
    values = {**template.defaults, **params, _INPUT: input_text}
    missing = sorted(names - set(values))
    if missing:
        listed = " ".join(f"-p {name}=…" for name in missing)
        raise UsageError(f"template {template.name!r} needs {' and '.join(missing)}", f"give {listed}")
    return (None if template.system is None else _fill(template.system, values)), _fill(template.prompt, values)


def holes(template: Template) -> set[str]:
    """Names of the parameters that a template has places for."""
    return set(_HOLE.findall(template.prompt)) | set(_HOLE.findall(template.system or ""))


def places_input(template: Template) -> bool:
    """Whether the template says where stdin and files go."""
    return _INPUT in holes(template)


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _HOLE.sub(lambda hole: values[hole.group(1)], text)


def _unknown(template: Template, name: str, names: set[str]) -> UsageError:
    if name == _INPUT:
        return UsageError("`input` is not a parameter: it stands for stdin and files", "pipe the text in, or use -f")
    import difflib

    open_names = sorted(names - {_INPUT})
    close = difflib.get_close_matches(name, open_names, n=1)
    known = "it has: " + ", ".join(open_names) if open_names else "it has none"
    hint = f"did you mean {close[0]!r}?" if close else known
    return UsageError(f"template {template.name!r} has no parameter {name!r}", hint)
