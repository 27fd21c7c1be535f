"""Azure OpenAI's chat completions and embeddings (POST /openai/deployments/ID/…?api-version=…)."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from tests.servers.base import Reply, Seen
from tests.servers.openai import Speaker

_SAFE = {"hate": {"filtered": False, "severity": "safe"}, "self_harm": {"filtered": False, "severity": "safe"}}


class Azure(Speaker):
    """OpenAI's dialect, with a deployment in the address, and with the filters' findings."""

    codes: ClassVar[dict[int, str]] = {
        401: "401",
        403: "Forbidden",
        404: "DeploymentNotFound",
        429: "429",
        400: "BadRequest",
    }

    def accepts(self, path: str) -> bool:
        """Whether the address names a deployment and a version."""
        address = urlsplit(path)
        ends = address.path.endswith(("/chat/completions", "/embeddings"))
        return address.path.startswith("/openai/deployments/") and ends and "api-version" in parse_qs(address.query)

    def key(self, _path: str, headers: dict[str, str]) -> str:
        """The key header."""
        return headers.get("api-key", "")

    def events(self, reply: Reply, seen: Seen) -> list[bytes]:
        """The first chunk has no choice, but what the filters found in the prompt."""
        found = [{"prompt_index": 0, "content_filter_results": _SAFE}]
        return [self.chunk(seen, [], prompt_filter_results=found), *super().events(reply, seen)]

    def choice(self, delta: dict[str, Any], finish: str | None, reply: Reply) -> dict[str, Any]:
        """A choice with what the filters found in it."""
        return {**super().choice(delta, finish, reply), "content_filter_results": _SAFE if delta else {}}

    def extras(self, reply: Reply) -> dict[str, Any]:
        """What the filters found in the prompt."""
        found = [{"prompt_index": 0, "content_filter_results": _SAFE}]
        return {**super().extras(reply), "prompt_filter_results": found}

    def problem(self, status: int, message: str) -> Any:
        """An error object; a prompt that was filtered says so."""
        error: dict[str, Any] = {"code": self.codes.get(status, "InternalServerError"), "message": message}
        if "filter" in message:
            inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": _SAFE}
            error |= {"code": "content_filter", "param": "prompt", "status": status, "innererror": inner}
        return {"error": error}


SPEAKER = Azure()
