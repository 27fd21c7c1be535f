"""What is asked in a bench: one prompt, and what is known of its right answer."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from synapse_cli.core.prompt import Json
from synapse_cli.flows.ask import Ask
from synapse_cli.lab.bench.grade import Grade, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One prompt. `where` is its place for messages: `argument 1`, `rows.csv, row 3`."""

    prompt: str
    input: str = ""
    expected: Json = None
    choices: tuple[str, ...] = ()
    schema: Json = None
    system: str | None = None
    grade: Grade | None = None
    where: str = ""
    copy: int = 0
    """How many items before it ask the very same."""

    @property
    def text(self) -> str:
        """Prompt and input as `synapse run` puts them together."""
        return "\n\n".join(part for part in (self.prompt, self.input) if part)

    @property
    def key(self) -> str:
        """What makes two items the same one, also in a bench of last month: all that a model is told."""
        told = [self.prompt, self.input, list(self.choices), self.schema, self.system]
        key = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
        return f"{key}.{self.copy}" if self.copy else key

    def ask(self, base: Ask) -> Ask:
        """The item as `synapse run` would be asked it; what the item says itself stands over the flags."""
        binds_itself = bool(self.choices) or self.schema is not None
        return replace(
            base,
            prompt=self.text,
            words=self.prompt,
            input=self.input,
            system=base.system if self.system is None else self.system,
            choices=self.choices if binds_itself else base.choices,
            schema=self.schema if binds_itself else base.schema,
            grammar=None if binds_itself else base.grammar,
        )

    def question(self, base: Ask) -> Question:
        """What a grade needs to know."""
        asked = self.ask(base)
        return Question(expected=self.expected, choices=asked.choices, schema=asked.schema)


def told_apart(items: Iterable[Item]) -> list[Item]:
    """The items, those that ask the same numbered."""
    seen: Counter[str] = Counter()
    found = []
    for item in items:
        found.append(replace(item, copy=seen[item.key]))
        seen[item.key] += 1
    return found
