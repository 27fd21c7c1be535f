"""What was asked for: one prompt with everything the command line said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from synapse_cli.core.prompt import Json

CacheMode = Literal["normal", "refresh", "only", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A prompt and the user's wishes. Nothing here has been looked up in the profile yet."""

    prompt: str
    """Words, files and stdin, as composed."""
    words: str = ""
    """The arguments alone: what a rule's size or a template's `{{ input }}` does not count."""
    input: str = ""
    """Files and stdin alone: a template's `{{ input }}`."""
    files: tuple[str, ...] = ()
    route: str | None = None
    model: str | None = None
    task: str | None = None
    tags: tuple[str, ...] = ()
    system: str | None = None
    template: str | None = None
    template_params: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Json] = field(default_factory=dict)
    schema: Json = None
    choices: tuple[str, ...] = ()
    grammar: str | None = None
    tier: str | None = None
    max_tier: str | None = None
    local_only: bool = False
    hosted_only: bool = False
    tenant: str | None = None
    max_latency_s: float | None = None
    """Models that are known to take longer are passed over."""
    min_quality: float | None = None
    """Models that are known to be worse are passed over: a mean score in [0, 1]."""
    max_cost: Decimal | None = None
    timeout_s: float | None = None
    cache: CacheMode = "normal"
    cache_ttl_s: float | None = None
    log: bool = True
    hosts: bool = True
    """Whether models may run in processes of their own, which stay warm."""
    force: bool = False
    """Whether a model is asked that is set aside because it ended its host."""
