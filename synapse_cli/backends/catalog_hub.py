"""What does the Hugging Face hub have, and how are its bytes read? The one door to `huggingface_hub`.

Its client brings tokens (HF_TOKEN, `hf auth login`), mirrors (HF_ENDPOINT), the offline switch (HF_HUB_OFFLINE),
proxies and CA bundles. Bytes are read with its client but gathered by `catalog_fetch`: since 1.0 the library
deletes what has arrived when a download is cut off, and begins anew.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from synapse_cli.core.errors import (
    BackendError,
    BadAnswer,
    CutStream,
    KeyRejected,
    ModelMissing,
    NotAllowed,
    RateLimited,
    ServerFailed,
    SynapseError,
    TimedOut,
    UsageError,
)
from synapse_cli.core.redact import one_line

if TYPE_CHECKING:
    import httpx

    from synapse_cli.backends.gguf import Header

TIMEOUT_S = 30.0
"""Silence after which a connection counts as cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file of a repository at one commit."""

    name: str
    size: int | None
    sha256: str | None
    """None for a small file that git itself holds; `git_oid` proves it then."""
    git_oid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository of the hub at one commit."""

    repo: str
    commit: str
    files: tuple[RemoteFile, ...]
    licence: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The beginning of an answer: where its bytes start, how many there are in all, and the bytes."""

    start: int
    total: int | None
    chunks: Iterator[bytes]


def look(repo: str, revision: str | None) -> Repository:
    """Ask the hub what a repository holds. Raises SynapseError, one clear line for each way it can fail."""
    with _translated(repo, revision):
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError

        api = HfApi(endpoint=_endpoint())
        try:
            info = api.model_info(repo, revision=revision, files_metadata=True, timeout=TIMEOUT_S)
        except (
            ValueError,
            TypeError,
            LookupError,
            AttributeError,
        ) as error:  # what the library makes of JSON that is none, or odd
            if isinstance(error, HfHubHTTPError | HFValidationError):
                raise
            raise _no_hub(repo) from error
    if not info.sha or info.siblings is None:
        raise _no_hub(repo)
    files = [
        RemoteFile(
            name=each.rfilename,
            size=each.size,
            sha256=each.lfs.sha256 if each.lfs else None,
            git_oid=None if each.lfs else each.blob_id,
        )
        for each in info.siblings
        if each.rfilename.isprintable()  # a name is shown at terminals, and becomes one of a file
    ]
    return Repository(repo=repo, commit=info.sha, files=tuple(files), licence=_licence(info.tags or []))


def address(repo: str, file: str, commit: str) -> str:
    """Where the bytes of a hub's file are."""
    from huggingface_hub import hf_hub_url

    return hf_hub_url(repo, file, revision=commit, endpoint=_endpoint())


def peek(repo: str, file: RemoteFile, commit: str) -> Header:
    """Read the header of a file that stays where it is. Raises SynapseError."""
    from synapse_cli.backends.gguf import read_beginning

    with opened(address(repo, file.name, commit), 0, of_hub=True) as answer:
        return read_beginning(file.name, file.size or answer.total or 0, answer.chunks)


@contextmanager
def opened(url: str, start: int, *, of_hub: bool) -> Iterator[Answer]:
    """Read an address from a byte on; the user's token is sent to the hub and to nobody else.

    Raises SynapseError: CutStream where the connection ended early, which is worth another try.
    """
    repo, _, rest = url.partition("://")[2].partition("/")[2].partition("/resolve/") if of_hub else (url, "", "")
    with _translated(repo, rest.partition("/")[0] or None):
        from huggingface_hub.utils import (  # type: ignore[attr-defined]  # documented there, without an __all__
            build_hf_headers,
            get_session,
            hf_raise_for_status,
        )

        headers = build_hf_headers(token=None if of_hub else False) | {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT_S) as response:
            if start and response.status_code == 416:  # nothing is left, or the file is another one now
                yield Answer(start, _after_slash(response.headers), iter(()))
                return
            hf_raise_for_status(response)
            # no chunk size: httpx would gather bytes, and lose them where the connection is cut
            yield Answer(*_extent(response), response.iter_raw())


def distrusted(who: str) -> BackendError:
    """Say that nobody vouches for an address; trying again would not help."""
    return BackendError(
        f"the certificate of {who} is signed by nobody that is trusted here",
        "name the file of your own authority in SSL_CERT_FILE or REQUESTS_CA_BUNDLE",
    )


def _no_hub(repo: str) -> BadAnswer:
    return BadAnswer(f"what came back for {repo} is not what a hub answers", "check HF_ENDPOINT: it may be no hub")


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT") or None


def _licence(tags: list[str]) -> str | None:
    return next((tag.removeprefix("license:") for tag in tags if tag.startswith("license:")), None)


def _extent(response: httpx.Response) -> tuple[int, int | None]:
    """Where the bytes of an answer start, and how many the whole file has."""
    if response.status_code == 206:
        begin = response.headers.get("content-range", "").removeprefix("bytes ").partition("-")[0]
        return int(begin) if begin.isdigit() else 0, _after_slash(response.headers)
    length = response.headers.get("content-length", "")
    return 0, int(length) if length.isdigit() else None


def _after_slash(headers: Mapping[str, str]) -> int | None:
    total = headers.get("content-range", "").rpartition("/")[2]
    return int(total) if total.isdigit() else None


@contextmanager
def _translated(what: str, revision: str | None) -> Iterator[None]:
    """Turn what the library and its HTTP client raise into our own errors."""
    _prepare()
    import httpx
    from huggingface_hub import errors

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # what it would warn of, the error below says
    try:
        yield
    except errors.OfflineModeIsEnabled as error:
        raise NotAllowed("HF_HUB_OFFLINE is set, so nothing is fetched", "unset HF_HUB_OFFLINE") from error
    except errors.HFValidationError as error:
        raise UsageError(f"{what!r} is no repository's name: {one_line(str(error), at_most=120)}") from error
    except errors.RevisionNotFoundError as error:
        raise ModelMissing(f"{what} has no revision {revision!r}", "leave @REVISION out for the newest") from error
    except errors.HfHubHTTPError as error:
        _refuse(error, what)
    except httpx.TimeoutException as error:
        raise TimedOut(f"no answer from {_host(error)} within {TIMEOUT_S:g} s", "try again later") from error
    except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
        raise CutStream(f"the connection to {_host(error)} was cut", "run the same command again") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise distrusted(_host(error)) from error
        hint = "check the network, HTTPS_PROXY and HF_ENDPOINT"
        raise ServerFailed(f"cannot reach {_host(error)}: {one_line(str(error), at_most=120)}", hint) from error


def _prepare() -> None:
    """Say to the library and its HTTP client what they read from the environment when they are imported."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # else it asks the hub who is asking
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if bundle and os.path.exists(bundle):  # httpx knows only the first of the three names
        os.environ.setdefault("SSL_CERT_FILE", bundle)


def _refuse(error: httpx.HTTPError, what: str) -> NoReturn:
    """Say what a status means. `error` is an HfHubHTTPError, which holds the response."""
    from huggingface_hub import errors, get_token

    assert isinstance(error, errors.HfHubHTTPError)
    status, has_token = error.response.status_code, get_token() is not None
    asked = error.response.request
    host, has_sent = asked.url.host, "authorization" in asked.headers
    token = "check the token in HF_TOKEN" if has_token else "if it is private or gated: set HF_TOKEN"
    of_hub = "/api/models/" in asked.url.path or "/resolve/" in asked.url.path
    # without a token the hub answers 401 for what is private and for what is not there alike
    is_unknown = isinstance(error, errors.RepositoryNotFoundError) or (status == 401 and of_hub and not has_sent)
    refused: SynapseError
    if isinstance(error, errors.GatedRepoError):
        hint = f"accept its terms at https://huggingface.co/{what}, then set HF_TOKEN"
        refused = NotAllowed(f"{what} is gated: its owner wants to know who uses it", hint)
    elif status == 401 and has_sent and not is_unknown:
        refused = KeyRejected("the hub does not take the token", "make a new one and set HF_TOKEN")
    elif isinstance(error, errors.RemoteEntryNotFoundError):
        refused = ModelMissing(f"{what} has no such file any more", "look at its files on the hub")
    elif status in {404, 410} or is_unknown:
        refused = ModelMissing(f"there is nothing at {what}", f"check the name; {token}")
    elif status in {401, 403}:
        refused = NotAllowed(f"{host} refuses {what} ({status})", token)
    elif status == 429:
        refused = _limited(error.response)
    elif status >= 500:
        refused = ServerFailed(f"{host} failed ({status})", "try again later")
    else:
        refused = BadAnswer(f"{host} answered {status} for {what}", "check the name and HF_ENDPOINT")
    raise refused from error


def _limited(response: httpx.Response) -> RateLimited:
    from huggingface_hub.utils import parse_ratelimit_headers  # type: ignore[attr-defined]  # as above

    told = parse_ratelimit_headers(response.headers)
    after = response.headers.get("retry-after", "")
    seconds = float(after) if after.isdigit() else told.reset_in_seconds if told else None
    when = f"in {seconds:.0f} s" if seconds is not None else "later"
    hint = "what arrived is kept; with a token in HF_TOKEN the hub allows more"
    return RateLimited(f"the hub takes no more requests for now (429); try again {when}", hint, retry_after_s=seconds)


def _host(error: Exception) -> str:
    try:
        request: httpx.Request = error.request  # type: ignore[attr-defined]  # httpx raises RuntimeError where it has none
        return request.url.host
    except (AttributeError, RuntimeError):
        return "the hub"
