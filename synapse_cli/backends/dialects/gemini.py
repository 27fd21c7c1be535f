"""What does an answer of Google's generateContent say?"""

from __future__ import annotations

from synapse_cli.backends.dialects.heard import Heard, Said, Trouble, objects, part, whole, words
from synapse_cli.core.completion import Finish

_REFUSED = ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY")
_FINISH: dict[str, Finish] = {"STOP": "stop", "MAX_TOKENS": "length", **dict.fromkeys(_REFUSED, "refusal")}
_BROKEN = frozenset({"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE"})


def hear(heard: Heard, said: Said) -> None:
    """Take in a GenerateContentResponse: the whole answer, or the next piece of it."""
    if isinstance(said.get("error"), dict):
        code = said["error"].get("code")
        heard.trouble = Trouble(words(said["error"].get("message")), code if isinstance(code, int) else None)
    for candidate in objects(said.get("candidates"))[:1]:
        _candidate(heard, candidate)
    blocked = part(said, "promptFeedback", "blockReason")
    if blocked:
        heard.reason, heard.finish = words(blocked), "refusal"
    _usage(heard, said.get("usageMetadata"))


def _candidate(heard: Heard, candidate: Said) -> None:
    for piece in objects(part(candidate, "content", "parts")):
        if piece.get("thought"):
            heard.think(piece.get("text"))
        else:
            heard.write(piece.get("text"))
        if isinstance(piece.get("functionCall"), dict):
            call = piece["functionCall"]
            heard.call(len(heard.calls), call.get("name"), call.get("args") or {})
    heard.weigh(part(candidate, "logprobsResult", "chosenCandidates"), "logProbability")
    heard.stop(candidate.get("finishReason"), _FINISH, _BROKEN)


def _usage(heard: Heard, usage: object) -> None:
    thought = whole(part(usage, "thoughtsTokenCount"))
    heard.count(
        whole(part(usage, "promptTokenCount")) + whole(part(usage, "toolUsePromptTokenCount")),
        whole(part(usage, "candidatesTokenCount")) + thought,
        cached=whole(part(usage, "cachedContentTokenCount")),
        reasoning=thought,
    )
