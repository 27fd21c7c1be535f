"""Does the answer read like the good ones did?

    accept = [{ kind = "scorer", file = "support.scorer", min = 0.8 }]

The file is learned from judged answers (`synapse tune` writes it beside a policy); its score is the chance that the
answer is good. Nothing is asked and nothing but Python is loaded. Of short answers to closed questions it can tell
nothing: what it is worth stands in the file, and `synapse tune` leaves it out where it does not pay.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from synapse_cli.checks.asking import Binds, binds
from synapse_cli.checks.doubtful import passes_if_missing, unevaluated
from synapse_cli.core.completion import Completion
from synapse_cli.core.control import Control
from synapse_cli.core.errors import InputError
from synapse_cli.core.options import Options
from synapse_cli.core.prompt import Request
from synapse_cli.core.verdict import Verdict

if TYPE_CHECKING:
    from synapse_cli.learned.scorer import Scorer as Learned


@dataclass(frozen=True, slots=True)
class Scorer:
    """Passes an answer whose learned score is at least `min`."""

    kind: ClassVar[str] = "scorer"

    file: str
    sha256: str
    """Of the file when the rule was read: a verdict kept for another is not this one's."""
    least: float
    if_missing_pass: bool = False
    binds: Binds = "doubt"

    @classmethod
    def parse(cls, options: Options) -> Scorer:
        """Read `file`, `min`, `required`; a file that cannot be used is reported."""
        options.require("file")
        options.require("min")
        path, sha256 = options.path("file"), ""
        if path is not None:
            from synapse_cli.learned import file

            try:
                sha256 = file.read(str(path), "scorer").sha256
            except InputError as error:
                options.problem("file", repr(str(path)), f"a scorer: {error.message}", error.hint)
        least = options.number("min", 1.0, least=0.0, most=1.0)
        return cls(str(path or ""), sha256, 1.0 if least is None else least, passes_if_missing(options), binds(options))

    @property
    def files(self) -> tuple[str, ...]:
        """What decides its verdict."""
        return (self.file,) if self.file else ()

    def judge(self, request: Request, completion: Completion, control: Control) -> Verdict:
        """Score the answer to the last thing that was asked."""
        del control
        try:
            scorer = _loaded(self.file, self.sha256)
        except InputError as error:
            return unevaluated(self.kind, error.message, passes=self.if_missing_pass)
        asked = next((message.content for message in reversed(request.messages) if message.role == "user"), "")
        score = scorer.score(asked, completion.text)
        if score >= self.least:
            return Verdict(self.kind, passed=True, score=score)
        return Verdict(self.kind, passed=False, reason=f"{score:.3f} is below {self.least:g}", score=score)


@lru_cache(maxsize=8)
def _loaded(path: str, sha256: str) -> Learned:
    """The scorer, read once a process and edition. Raises InputError."""
    from synapse_cli.learned.scorer import load

    del sha256
    return load(path)
