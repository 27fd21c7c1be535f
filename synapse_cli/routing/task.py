"""How a model is asked what kind of request a prompt is: the form the nano model was trained on."""

from __future__ import annotations

from synapse_cli.core.prompt import Message, Request

LONGEST = 1200
"""Characters of the prompt that are shown: the kind of a request stands at its beginning, or at its very end."""


def request_for(prompt: str, tasks: tuple[str, ...]) -> Request:
    """A closed question: one of the tasks."""
    shown = prompt if len(prompt) <= LONGEST else f"{prompt[: LONGEST - 300]}\n…\n{prompt[-300:]}"
    text = f"Name the task of this request.\nLabels: {', '.join(tasks)}\n\nRequest:\n{shown}"
    return Request(messages=(Message("user", text),), choices=tasks)
