"""Profiles of scripted tiers: each tier's fate is one word, the cascade's rule is that the answer is `good`."""

from __future__ import annotations

FATES = {
    "good": '{ match = "", text = "good" }',
    "poor": '{ match = "", text = "poor" }',
    "mute": '{ match = "never asked this", text = "x" }',
    "limited": '{ match = "", error = "rate_limited" }',
    "slow": '{ match = "", error = "timeout" }',
    "down": '{ match = "", error = "server" }',
    "cut": '{ match = "", error = "cut", text = "half of it" }',
    "refused": '{ match = "", error = "auth" }',
    "dear": '{ match = "", text = "good", tokens = { input = 10, output = 10 } }',
}
"""What a tier does when it is asked."""
_HOSTED = "price = { input = 1, output = 1 }"
_DEAR = "price = { input = 1000000, output = 1000000 }"


def profile(*tiers: str, rule: str = '{ kind = "regex", pattern = "good" }', more: str = "") -> str:
    """A profile of one cascade; `hosted:` before a fate makes the tier a hosted one."""
    models = [_model(number, fate) for number, fate in enumerate(tiers)]
    names = ", ".join(f'"t{number}"' for number in range(len(tiers)))
    accept = f"accept = [{rule}]" if rule else ""
    cascade = f"[cascades.c]\ntiers = [{names}]\n{accept}\n[routes.default]\nuse = 'c'\n"
    return "\n".join(["schema = 1", *models, cascade, more])


def _model(number: int, fate: str) -> str:
    kind, _, what = fate.rpartition(":")
    head = f"[models.t{number}]"
    if what == "keyless":
        return f'{head}\nbackend = "litellm"\nmodel = "openai/gpt-4o-mini"\n'
    if what == "nofile":
        return f'{head}\nbackend = "llama.cpp"\nsource = "file:nowhere.gguf"\n'
    price = _DEAR if what == "dear" else _HOSTED if kind == "hosted" else ""
    return f'{head}\nbackend = "scripted"\nreplies = [{FATES[what]}]\n{price}\n'
