"""Write a first profile, commented, from what a survey found."""

from __future__ import annotations

import json
import os
import re
from typing import NamedTuple

from synapse_cli.profile.find import shipped_folder
from synapse_cli.profile.survey import HOSTED, OLLAMA, Gguf, Survey, memory_bytes

_MOST_LOCAL = 4
_MOST_OLLAMA = 4


class _Entry(NamedTuple):
    name: str
    lines: str


def draft(found: Survey) -> str:
    """The text of a profile: MiniLM and nano first, then the best local model, then a hosted one."""
    local = _local(found)
    hosted = _hosted(found, {entry.name for entry in local})
    tiers = ["minilm", "nano", *(entry.name for entry in (*local[:1], *hosted[:1]))]
    parts = [_HEAD, *(entry.lines for entry in (*local, *hosted)), "" if hosted else _NO_KEY, _tail(tiers)]
    return "\n".join(part for part in parts if part)


def nano_threshold() -> float:
    """The confidence from which nano is believed: said once, in the built-in default profile."""
    import tomllib

    with open(os.path.join(shipped_folder(), "default.toml"), "rb") as file:
        rules = tomllib.load(file)["cascades"]["thrifty"]["accept"]
    return float(next(rule["min"] for rule in rules if rule["kind"] == "confidence"))


_HEAD = """\
# Your Synapse profile, written by `synapse init` from what was found on this machine.
# Change it as you like; `synapse profile check` says everything that is wrong with it at once.

schema = 1

[models.minilm]                # labels texts by their likeness; left out until `synapse models pull minilm`
backend = "encoder"
source = "builtin:minilm"

[models.nano]                  # tiny, comes with Synapse: labels, fields, yes or no
backend = "llama.cpp"
source = "builtin:nano"
"""

_NO_KEY = """\
# No provider's key was found in the environment. With one, a hosted model can be the last tier:
#
# [models.mini]
# backend = "litellm"
# model = "openai/gpt-5-mini"
# keys = ["env:OPENAI_API_KEY"]   # or file:PATH, cmd:pass openai, keyring:SERVICE/USER
"""


def _local(found: Survey) -> list[_Entry]:
    """GGUF files that fit into memory, largest first, then Ollama's models."""
    taken = {"minilm", "nano"}
    fitting = [gguf for gguf in found.ggufs if gguf.size <= memory_bytes() // 2]
    entries = [_of_gguf(gguf, taken) for gguf in fitting[:_MOST_LOCAL]]
    return entries + [_of_ollama(name, found.ollama, taken) for name in found.ollama_models[:_MOST_OLLAMA]]


def _of_gguf(gguf: Gguf, taken: set[str]) -> _Entry:
    name = _name(os.path.splitext(os.path.basename(gguf.path))[0], taken)
    size = f"{gguf.size / 1e9:.1f} GB" if gguf.size >= 1e8 else f"{gguf.size / 1e6:.1f} MB"
    source = _quoted(f"file:{gguf.path}")
    return _Entry(name, f'[models.{name}]  # on this machine, {size}\nbackend = "llama.cpp"\nsource = {source}\n')


def _of_ollama(model: str, address: str | None, taken: set[str]) -> _Entry:
    name = _name(model.removesuffix(":latest"), taken)
    lines = f'[models.{name}]  # of the Ollama that runs here\nbackend = "litellm"\n'
    lines += f"model = {_quoted('ollama_chat/' + model)}\n"
    return _Entry(name, lines + (f"base_url = {_quoted(address)}\n" if address and address != OLLAMA else ""))


def _hosted(found: Survey, taken: set[str]) -> list[_Entry]:
    entries = []
    names = {"minilm", "nano", *taken}
    for variable in found.variables:
        model = HOSTED[variable]
        name = _name(model.rpartition("/")[2], names)
        lines = f'[models.{name}]  # asked over the network; costs money\nbackend = "litellm"\n'
        lines += f'model = "{model}"\nkeys = ["env:{variable}"]  # the name of the variable, never the key itself\n'
        entries.append(_Entry(name, lines))
    return entries


def _tail(tiers: list[str]) -> str:
    accept = [f'{{ kind = "confidence", min = {nano_threshold()} }}', '{ kind = "refusal" }']
    budget = '[budget]\nper_run = "0.05 USD"  # no run may cost more\n'
    return f"""\
[cascades.thrifty]
tiers = [{", ".join(_quoted(tier) for tier in tiers)}]  # from cheap to dear; what does not pass climbs
accept = [
  {accept[0]},  # doubt climbs, except from the last tier
  {accept[1]},                # "I cannot help with that" is no answer
]

[routes.default]
use = "thrifty"

# A route of its own for what needs no climbing:
#
# [routes.tickets]
# when = {{ keywords = ["ticket", "invoice"] }}
# use = "nano"

{budget}"""


def _name(text: str, taken: set[str]) -> str:
    """A model name that TOML takes without quotes and that is not taken yet."""
    bare = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].rstrip("-") or "model"
    name, number = bare, 2
    while name in taken:
        name, number = f"{bare}-{number}", number + 1
    taken.add(name)
    return name


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
