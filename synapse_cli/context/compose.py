"""Make the messages that a model is sent, from what the user gave and the template, if there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from synapse_cli.context import templates
from synapse_cli.context.inputs import Input
from synapse_cli.core.prompt import Message
from synapse_cli.profile.model import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A prompt ready to be sent."""

    prompt: str
    system: str | None
    template_version: str | None = None

    @property
    def messages(self) -> tuple[Message, ...]:
        """System and user message."""
        return messages(self.prompt, self.system)


def compose(given: Input, template: Template | None, params: Mapping[str, str], system: str | None) -> Composed:
    """Put the prompt together; `system`, where it is given, wins over the template's.

    What a template has no place for is not lost: the words of the command line, and files and stdin where it has no
    `{{ input }}`, follow its text after a blank line.
    """
    if template is None:
        return Composed(prompt=given.text, system=system)
    own_system, prompt = templates.render(template, params, given.attached)
    rest = (given.words,) if templates.places_input(template) else (given.words, given.attached)
    return Composed(
        prompt="\n\n".join(part for part in (prompt.rstrip("\n"), *rest) if part.strip()),
        system=own_system if system is None else system,
        template_version=template.version,
    )


def messages(prompt: str, system: str | None) -> tuple[Message, ...]:
    """System message, where there is one, and user message."""
    user = Message("user", prompt)
    return (user,) if not system else (Message("system", system), user)
