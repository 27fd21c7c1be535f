"""Everything that can go wrong, as one tree; each class owns its exit code.

    SynapseError
    ├── UsageError            2   the command line is wrong
    ├── Unaccepted           65   answered, but no tier passed its checks
    ├── InputError           66   an input is missing or unreadable
    ├── BackendError         69   could not: a model gave no answer
    │   ├── EngineMissing    69   the package that runs this model is not installed
    │   ├── ModelUnusable    69   the model file or name is no use
    │   ├── ModelMissing     66   the model file is not there, not permitted, not a regular file
    │   ├── BadRequest       69   the provider will not take this request (too long, unknown model)
    │   ├── BadAnswer        69   the provider answered with nothing usable
    │   ├── Unsuited         69   the model is not made for such a request, and was not asked
    │   └── Unavailable      75   trying later makes sense (retryable)
    │       ├── RateLimited  75   429, with the delay the provider asked for
    │       ├── TimedOut     75   no answer in time
    │       ├── ServerFailed 75   5xx, connection refused or reset
    │       ├── CutStream    75   the stream ended before the provider said that it was finished
    │       ├── CircuitOpen  75   the provider keeps failing, and is not asked for a while
    │       └── Shed         75   no turn came in time under the provider's limits
    ├── CacheMiss            69   --cache-only, and nothing is kept
    ├── DoctorFailed         69   a check of `synapse doctor` failed
    ├── Refused              77   may not
    │   ├── KeyMissing       77   no key for this provider
    │   ├── KeyRejected      77   the provider does not take the key
    │   └── NotAllowed       77   policy, guard, --local-only
    ├── ProfileError         78   the profile is wrong; holds every problem found
    ├── NotRegistered        78   a backend or check that nobody provides
    ├── PluginBroken         78   a plugin that cannot be imported, or is nothing of its kind
    ├── BudgetSpent          79   a limit in money, tokens, seconds or steps
    ├── ThresholdMissed     100   a bench is slower, dearer or worse than it may be
    ├── Interrupted         130   Ctrl-C
    │   └── Withdrawn       130   Ctrl-C while a call still waited to be sent
    └── ClosedPipe          141   the reader of stdout went away

"Could not", "may not" and "did not pass" are kept apart because scripts branch on them. Only `__main__`
turns an error into an exit. Messages are one line and never hold a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from synapse_cli.core.quota import Quota


class Exit(IntEnum):
    """The exit codes of Synapse (a contract with scripts)."""

    OK = 0
    BUG = 1
    USAGE = 2
    UNACCEPTED = 65
    INPUT = 66
    UNANSWERED = 69
    LATER = 75
    REFUSED = 77
    PROFILE = 78
    BUDGET = 79
    THRESHOLD = 100
    INTERRUPTED = 130
    CLOSED_PIPE = 141


class SynapseError(Exception):
    """What happened (`message`), and what to try (`hint`). One line each."""

    exit_code: Exit = Exit.BUG
    kind: str = "error"
    retryable: bool = False

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(SynapseError):
    """The command line is wrong."""

    exit_code = Exit.USAGE
    kind = "usage"


class Unaccepted(SynapseError):
    """Answered, but no tier passed its checks."""

    exit_code = Exit.UNACCEPTED
    kind = "unaccepted"


class InputError(SynapseError):
    """An input is missing or unreadable."""

    exit_code = Exit.INPUT
    kind = "input"


class BackendError(SynapseError):
    """Could not: a model gave no answer."""

    exit_code = Exit.UNANSWERED
    kind = "backend"


class EngineMissing(BackendError):
    """The package that runs this model is not installed."""

    kind = "engine_missing"


class ModelUnusable(BackendError):
    """The model file or name is no use: not a GGUF, truncated, of an unknown architecture."""

    kind = "model_unusable"


class ModelMissing(BackendError):
    """The model file is not there, not permitted, or not a regular file."""

    exit_code = Exit.INPUT
    kind = "model_missing"


class BadRequest(BackendError):
    """The provider will not take this request: too long, an unknown model, an unsupported parameter."""

    kind = "bad_request"


class BadAnswer(BackendError):
    """The provider answered with nothing usable: no choices, garbage."""

    kind = "bad_answer"


class Unsuited(BackendError):
    """The model is not made for such a request, and was not asked."""

    kind = "unsuited"


class Unavailable(BackendError):
    """Trying later makes sense."""

    exit_code = Exit.LATER
    kind = "unavailable"
    retryable = True

    def __init__(self, message: str, hint: str = "", *, retry_after_s: float | None = None, quota: Quota = ()) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s
        self.quota = quota


class RateLimited(Unavailable):
    """429; `retry_after_s` is what the provider asked for, where it did."""

    kind = "rate_limited"


class TimedOut(Unavailable):
    """No answer in time."""

    kind = "timeout"


class ServerFailed(Unavailable):
    """5xx, connection refused or reset."""

    kind = "server"


class CutStream(Unavailable):
    """The stream ended before the provider said that it was finished."""

    kind = "cut"


class CircuitOpen(Unavailable):
    """The provider keeps failing, and is not asked for a while; nothing was sent."""

    kind = "circuit_open"


class Shed(Unavailable):
    """No turn came in time under the provider's limits; nothing was sent."""

    kind = "shed"


class CacheMiss(SynapseError):
    """`--cache-only`, and nothing is kept."""

    exit_code = Exit.UNANSWERED
    kind = "cache_miss"


class DoctorFailed(SynapseError):
    """A check of `synapse doctor` failed."""

    exit_code = Exit.UNANSWERED
    kind = "doctor"


class Refused(SynapseError):
    """May not."""

    exit_code = Exit.REFUSED
    kind = "refused"


class KeyMissing(Refused):
    """No key for this provider."""

    kind = "key_missing"


class KeyRejected(Refused):
    """The provider does not take the key."""

    kind = "auth"


class NotAllowed(Refused):
    """A policy, a guard or a flag such as `--local-only` forbids it."""

    kind = "not_allowed"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a profile: where, what was found, what was expected, and the nearest name."""

    file: str
    where: str
    """Key path such as `models.small.context`, or `line 3, column 7` where TOML itself failed."""
    found: str
    expected: str
    hint: str = ""

    def __str__(self) -> str:
        line = f"{self.file}: {self.where}: found {self.found}, expected {self.expected}"
        return f"{line} ({self.hint})" if self.hint else line


class ProfileError(SynapseError):
    """The profile is wrong; `problems` holds everything that was found, in file order."""

    exit_code = Exit.PROFILE
    kind = "profile"

    def __init__(self, problems: tuple[Problem, ...], hint: str = "") -> None:
        super().__init__("\n".join(str(problem) for problem in problems), hint)
        self.problems = problems


class NotRegistered(SynapseError):
    """A profile names a backend or a check that nobody provides (any more)."""

    exit_code = Exit.PROFILE
    kind = "profile"


class PluginBroken(SynapseError):
    """A plugin is registered under this name but cannot be imported, or is nothing of its kind."""

    exit_code = Exit.PROFILE
    kind = "plugin"


class BudgetSpent(SynapseError):
    """A limit in money, tokens, seconds or steps is reached."""

    exit_code = Exit.BUDGET
    kind = "budget"


class ThresholdMissed(SynapseError):
    """A bench is slower, dearer or worse than it may be."""

    exit_code = Exit.THRESHOLD
    kind = "threshold"


class Interrupted(SynapseError):
    """Ctrl-C."""

    exit_code = Exit.INTERRUPTED
    kind = "interrupted"


class Withdrawn(Interrupted):
    """Ctrl-C while a call still waited to be sent: it cost nothing."""


class ClosedPipe(SynapseError):
    """The reader of stdout went away."""

    exit_code = Exit.CLOSED_PIPE
    kind = "closed_pipe"


UNSENT = (CircuitOpen, Shed)
"""Failures that were found out before anything was sent: the tier was skipped, not asked."""
UNBILLED = (
    *UNSENT,
    BadRequest,
    ModelMissing,
    ModelUnusable,
    EngineMissing,
    Unsuited,
    RateLimited,
    Refused,
    ServerFailed,
    Withdrawn,
)
"""Failures that no provider bills. After any other (a timeout, a cut stream) what it cost is not known."""
