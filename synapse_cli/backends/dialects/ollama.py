"""What does an answer of Ollama's chat say?"""

from __future__ import annotations

from synapse_cli.backends.dialects.heard import Heard, Said, Trouble, objects, part, whole, words
from synapse_cli.core.completion import Finish

_FINISH: dict[str, Finish] = {"stop": "stop", "length": "length"}
_BROKEN = frozenset({"load", "unload"})
"""What stands where a model was loaded or dropped, and nothing was asked of it."""


def hear(heard: Heard, said: Said) -> None:
    """Take in the whole answer, or the next line of it."""
    if said.get("error"):
        heard.trouble = Trouble(words(said["error"]))
    message = said.get("message")
    heard.write(part(message, "content"))
    heard.think(part(message, "thinking"))
    for call in objects(part(message, "tool_calls")):
        heard.call(len(heard.calls), part(call, "function", "name"), part(call, "function", "arguments"))
    heard.weigh(said.get("logprobs"))
    if said.get("done"):
        heard.over = True
        heard.stop(said.get("done_reason") or "stop", _FINISH, _BROKEN)
        heard.count(whole(said.get("prompt_eval_count")), whole(said.get("eval_count")))
