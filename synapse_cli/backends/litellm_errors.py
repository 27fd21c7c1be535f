"""What a foreign exception means: every class that can come out of LiteLLM, as one of our errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from synapse_cli.core.errors import (
    BackendError,
    BadAnswer,
    BadRequest,
    CutStream,
    EngineMissing,
    KeyRejected,
    NotAllowed,
    RateLimited,
    ServerFailed,
    SynapseError,
    TimedOut,
    Unavailable,
)
from synapse_cli.core.redact import one_line

CLASSES: dict[str, type[SynapseError]] = {
    "litellm.APIConnectionError": ServerFailed,
    "litellm.APIError": BackendError,
    "litellm.APIResponseValidationError": BadAnswer,
    "litellm.AuthenticationError": KeyRejected,
    "litellm.BadGatewayError": ServerFailed,
    "litellm.BadRequestError": BadRequest,
    "litellm.BlockedPiiEntityError": NotAllowed,
    "litellm.BudgetExceededError": NotAllowed,
    "litellm.ContentPolicyViolationError": BadRequest,
    "litellm.ContextWindowExceededError": BadRequest,
    "litellm.GuardrailRaisedException": NotAllowed,
    "litellm.ImageFetchError": BadRequest,
    "litellm.InternalServerError": ServerFailed,
    "litellm.InvalidRequestError": BadRequest,
    "litellm.JSONSchemaValidationError": BadAnswer,
    "litellm.LiteLLMUnknownProvider": BadRequest,
    "litellm.MidStreamFallbackError": CutStream,
    "litellm.MockException": BackendError,
    "litellm.ModelNotMappedError": BadRequest,
    "litellm.ModifyResponseException": NotAllowed,
    "litellm.NotFoundError": BadRequest,
    "litellm.OpenAIError": BackendError,
    "litellm.PaymentRequiredError": KeyRejected,
    "litellm.PermissionDeniedError": KeyRejected,
    "litellm.RateLimitError": RateLimited,
    "litellm.RejectedRequestError": BadRequest,
    "litellm.RouterRateLimitError": RateLimited,
    "litellm.RouterRateLimitErrorBasic": RateLimited,
    "litellm.SensitiveDataRouteException": NotAllowed,
    "litellm.ServiceUnavailableError": ServerFailed,
    "litellm.Timeout": TimedOut,
    "litellm.ToolLoopMaxRoundsExceeded": BadAnswer,
    "litellm.UnprocessableEntityError": BadRequest,
    "litellm.UnsupportedParamsError": BadRequest,
    "litellm.VectorStoreSearchError": BadRequest,
    "openai.APIConnectionError": ServerFailed,
    "openai.APIError": BackendError,
    "openai.APIResponseValidationError": BadAnswer,
    "openai.APIStatusError": BackendError,
    "openai.APITimeoutError": TimedOut,
    "openai.AuthenticationError": KeyRejected,
    "openai.BadRequestError": BadRequest,
    "openai.ConflictError": ServerFailed,
    "openai.ContentFilterFinishReasonError": BadRequest,
    "openai.InternalServerError": ServerFailed,
    "openai.InvalidWebhookSignatureError": BadAnswer,
    "openai.LengthFinishReasonError": BadAnswer,
    "openai.NotFoundError": BadRequest,
    "openai.OpenAIError": BackendError,
    "openai.PermissionDeniedError": KeyRejected,
    "openai.RateLimitError": RateLimited,
    "openai.UnprocessableEntityError": BadRequest,
    "httpx.CookieConflict": BadAnswer,
    "httpx.DecodingError": BadAnswer,
    "httpx.HTTPError": ServerFailed,
    "httpx.InvalidURL": BadRequest,
    "httpx.StreamError": CutStream,
    "httpx.TimeoutException": TimedOut,
    "httpx.TooManyRedirects": BadRequest,
    "httpx.UnsupportedProtocol": BadRequest,
    "httpcore.TimeoutException": TimedOut,
    "httpcore.UnsupportedProtocol": BadRequest,
    "httpcore.ConnectionNotAvailable": ServerFailed,
    "httpcore.NetworkError": ServerFailed,
    "httpcore.ProtocolError": ServerFailed,
    "httpcore.ProxyError": ServerFailed,
    "builtins.ImportError": EngineMissing,
    "builtins.OSError": ServerFailed,
    "builtins.TimeoutError": TimedOut,
    "json.JSONDecodeError": BadAnswer,
    "pydantic_core.ValidationError": BadAnswer,
    "builtins.Exception": BackendError,
}
"""By the package's name and the class's; a class that is not named here is what its nearest ancestor is."""

STATUS: dict[int, type[SynapseError]] = {
    401: KeyRejected,
    402: KeyRejected,
    403: KeyRejected,
    408: TimedOut,
    409: ServerFailed,
    425: ServerFailed,
    429: RateLimited,
    499: ServerFailed,
    504: ServerFailed,
}
"""The provider's own status says more than the class where LiteLLM has only a general one (a 403 of Gemini comes
as BadRequestError, one of OpenAI as APIError)."""

_GENERAL = (BackendError, BadRequest, ServerFailed)
_GARBAGE = (
    "Expecting value",
    "Unable to get json response",
    "Error converting to valid response",
    "Expecting property",
)
_BAD_KEY = ("API key not valid", "API_KEY_INVALID", "insufficient_quota", "exceeded your current quota, please check")
WHAT: dict[type[SynapseError], str] = {
    KeyRejected: "does not take the key",
    RateLimited: "says that there are too many requests",
    TimedOut: "gave no answer in time",
    ServerFailed: "failed",
    CutStream: "ended the stream before the answer was finished",
    BadRequest: "will not take this request",
    BadAnswer: "answered with nothing usable",
    EngineMissing: "needs a package that is not installed",
    NotAllowed: "was stopped by a guard of LiteLLM",
    BackendError: "failed",
}


class Foreign(Exception):
    """Stands for a foreign exception in a chain of causes: its name and text, without any key it quoted."""


def translate(error: BaseException, who: str, secrets: Iterable[str]) -> SynapseError:
    """Return our error for a foreign one, its text on one line and without secrets, chained to a clean copy.

    For what never was an HTTP response, or came where nobody listened to one; `litellm_refused` reads the others.
    """
    secrets = tuple(secrets)
    root = _root(error)
    if _is_distrust(root):
        return _distrusted(who, error, secrets)
    kind = _kind(root)
    said = one_line(_said(root), secrets)
    status = status_of(root)
    message = f"{who} {WHAT[kind]}" + (f" ({status})" if _is_telling(status, kind) else "")
    message = f"{message}: {said}" if said else message
    hint = _hint(kind, root, said)
    ours = (
        kind(message, hint, retry_after_s=retry_after(error)) if issubclass(kind, Unavailable) else kind(message, hint)
    )
    ours.__cause__ = foreign(error, secrets)
    return ours


def _is_distrust(error: BaseException | None) -> bool:
    """Whether the other side's certificate was refused; LiteLLM says only that the connection failed."""
    seen = 0
    while error is not None and seen < 12:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


def _distrusted(who: str, error: BaseException, secrets: tuple[str, ...]) -> SynapseError:
    ours = BackendError(
        f"{who} failed: the certificate at its address is signed by nobody that is trusted here",
        "name the file of your own authority in SSL_CERT_FILE or REQUESTS_CA_BUNDLE",
    )
    ours.__cause__ = foreign(error, secrets)
    return ours


def foreign(error: BaseException, secrets: Iterable[str]) -> Foreign:
    """A clean copy of a foreign exception, fit for a chain of causes."""
    said = f"{type(error).__module__}.{type(error).__name__}: {error}"
    return Foreign(one_line(said, tuple(secrets), at_most=2000))


def class_of(kind: type[BaseException]) -> type[SynapseError]:
    """Return what a foreign class means by itself."""
    for ancestor in kind.__mro__:
        found = CLASSES.get(f"{ancestor.__module__.partition('.')[0]}.{ancestor.__name__}")
        if found is not None:
            return found
    return BackendError


def status_of(error: BaseException) -> int | None:
    """The HTTP status that came with an error, where one did."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def retry_after(error: BaseException) -> float | None:
    """Seconds that the provider asked to wait, from any of the places it says so, or None."""
    for one in _chain(error):
        for headers in (
            getattr(one, "litellm_response_headers", None),
            _response_headers(one),
            getattr(one, "headers", None),
        ):
            seconds = delay(headers)
            if seconds is not None:
                return seconds
        found = re.search(r'"retryDelay":\s*"([\d.]+)s"', str(one))  # Google says it in the body
        if found:
            return float(found.group(1))
    return None


def has_bad_key(text: str) -> bool:
    """Whether a refusal means the key or its account, whatever status it came with."""
    return any(mark in text for mark in _BAD_KEY)


def _root(error: BaseException) -> BaseException:
    """What a MidStreamFallbackError was made from; any other error itself."""
    *_, last = _chain(error)
    return last


def _chain(error: BaseException) -> Iterator[BaseException]:
    yield error
    inner = getattr(error, "original_exception", None)
    if isinstance(inner, BaseException) and inner is not error:
        yield from _chain(inner)


def _kind(error: BaseException) -> type[SynapseError]:
    kind = class_of(type(error))
    text = str(error)
    if has_bad_key(text):
        return KeyRejected
    if "No module named" in text:
        return EngineMissing
    if kind in _GENERAL:
        if any(mark in text for mark in _GARBAGE):
            return BadAnswer
        status = status_of(error)
        if status is not None and status != 400:
            by_status = STATUS.get(status, ServerFailed if status >= 500 else BadRequest)
            return by_status if by_status is not ServerFailed or kind is not BadRequest else kind
    return kind


def _said(error: BaseException) -> str:
    """The provider's own sentence, out of LiteLLM's wrapping."""
    text = str(getattr(error, "message", None) or error)
    quoted = re.search(r'"message"\s*:\s*("(?:[^"\\]|\\.)*")', text)
    if quoted:
        try:
            return str(json.loads(quoted.group(1)))
        except ValueError:
            pass
    text = re.sub(r"^(?:\s*(?:litellm\.)?\w*(?:Error|Exception|Timeout)(?:\s\w+Error)?\s*[:-]\s*)+", "", text)
    for ending in (
        " Handle with `litellm",
        " To drop these",
        ", Received response",
        " Error_str:",
        "Traceback (most recent call last)",
        "Attempted to read or stream some content",  # httpx's advice to who wrote the client
    ):
        text = text.partition(ending)[0]
    return text


def _is_telling(status: int | None, kind: type[SynapseError]) -> bool:
    """Whether the status is the provider's: LiteLLM gives 500 to a refused connection and 408 to its own timeout."""
    return status is not None and kind in {KeyRejected, RateLimited, BadRequest}


def _hint(kind: type[SynapseError], error: BaseException, said: str) -> str:
    name = type(error).__name__
    if name == "ContextWindowExceededError" or "context length" in said:
        return "shorten the input, or use a model with a larger window"
    if name == "UnsupportedParamsError":
        return "take that parameter out of params, or use another model"
    if name == "LiteLLMUnknownProvider":
        return hint_for(BadRequest, 404)
    if kind is ServerFailed and ("Connection error" in said or "refused" in said or "resolve" in said):
        return "check the network, the proxy and the model's base_url"
    return hint_for(kind, status_of(error))


def hint_for(kind: type[SynapseError], status: int | None) -> str:
    """What to try after an error of this kind."""
    if kind is KeyRejected:
        return "check the key and the account; `synapse doctor` says where the key comes from"
    if kind is TimedOut:
        return "raise --timeout, or timeout_s of the model"
    if kind is BadRequest and status == 404:
        return "check the model's name and its base_url"
    if kind is EngineMissing:
        return "install that package beside synapse-llm"
    return "try again later" if issubclass(kind, Unavailable) else ""


def _response_headers(error: BaseException) -> object:
    return getattr(getattr(error, "response", None), "headers", None)


def delay(headers: object) -> float | None:
    """Seconds that response headers ask to wait."""
    get = getattr(headers, "get", None)
    if get is None:
        return None
    told: float | None = None
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0), ("Retry-After", 1.0)):
        value = get(name)
        seconds = _seconds(value) if isinstance(value, str) else None
        if seconds is not None:
            told = max(0.0, seconds / scale)
            if told > 0:  # Azure says "retry-after-ms: 0" beside "retry-after: 1"
                return told
    return told


def _seconds(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        pass
    import time
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(value).timestamp() - time.time()
    except ValueError:
        return None
