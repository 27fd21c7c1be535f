"""May an answer to nearly the same prompt serve here? The profile's `[cache.semantic]`, wired to one model's chain.

What may differ in words is what the user typed; all else is part of the scope: files and stdin beside it, a template's
own text, earlier turns. A prompt that the encoder would cut is kept exactly only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from hashlib import blake2b

from synapse_cli.cache.answers import Store
from synapse_cli.cache.cached import Mode
from synapse_cli.cache.semantic import Place, SemanticallyCached
from synapse_cli.cache.semantic_rows import Rows
from synapse_cli.core.completion import Facts
from synapse_cli.core.errors import BackendError, InputError, Problem, ProfileError, Refused
from synapse_cli.core.ports import Backend
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.vectors import Vectors
from synapse_cli.flows.ask import Ask
from synapse_cli.learned.similarity import Similarity, load
from synapse_cli.profile.model import Model, Profile

_LONGEST = 1000
"""Characters of a prompt: MiniLM reads 256 word pieces, and sees nothing of what comes after."""
_SHARE = 2
"""The file of prompts may take half of what the cache may."""
Encode = Callable[[Sequence[str], Model], Vectors]


class Nearly:
    """What all chains of one session share."""

    def __init__(
        self, profile: Profile, ask: Ask, *, folder: str, encode: Encode, mode: Mode, warn: Callable[[str], None]
    ) -> None:
        self._profile = profile
        self._ask = ask
        self._encode = encode
        self._mode = mode
        self._warn = warn
        self._rows = Rows(folder, most_bytes=profile.cache.max_size // _SHARE, warn=warn)
        self.similarity = cache(lambda: similarity(profile, self.encoder()))
        self.encoder = cache(lambda: encoder_of(profile))

    def chain(
        self,
        backend: Callable[[], Backend],
        request_key: Callable[[Request], str],
        store: Store,
        *,
        facts: Callable[[], Facts],
        ttl_s: float | None,
    ) -> Backend:
        """The backend behind a look at what prompts like this one were answered."""
        ends = [each for each in (ttl_s, self._profile.cache.semantic.ttl_s) if each is not None]
        return SemanticallyCached(
            backend,
            lambda request: self._place(request, request_key),
            self.similarity,
            self._vector,
            rows=self._rows,
            store=store,
            facts=facts,
            mode=self._mode,
            ttl_s=min(ends, default=None),
        )

    def _place(self, request: Request, request_key: Callable[[Request], str]) -> Place | None:
        from synapse_cli.learned.encoder import identity

        try:
            encoder = identity(self.encoder())
        except OSError as error:
            self._not_asked(f"{self.encoder().name}: {error.strerror or error}")
            return None
        return place_of(request, self._ask, request_key, encoder)

    def _vector(self, prompt: str) -> Sequence[float] | None:
        """The prompt's vector; None, and a warning, where the encoder gives none."""
        try:
            return self._encode([prompt], self.encoder()).row(0)
        except (BackendError, Refused) as error:
            self._not_asked(error.message)
            return None

    def _not_asked(self, why: str) -> None:
        self._warn(f"the semantic cache is not asked: {why}")


def place_of(request: Request, ask: Ask, request_key: Callable[[Request], str], encoder: str) -> Place | None:
    """Where a request belongs; None where it is only ever kept exactly."""
    if request.sample or not request.messages or request.messages[-1].role != "user":
        return None
    *before, last = request.messages
    typed = ask.words if ask.words.strip() else ask.prompt
    is_plain = bool(ask.words.strip()) or (not ask.files and last.content == ask.prompt)
    if not is_plain or len(typed) > _LONGEST or last.content.count(typed) != 1:
        return None
    rest = Message("user", last.content.replace(typed, "\0"))
    try:
        key = request_key(request)
        around = request_key(replace(request, messages=(*before, rest)))
    except OSError:
        return None
    return Place(blake2b(f"{around}\0{encoder}".encode(), digest_size=16).digest(), key, typed)


def encoder_of(profile: Profile) -> Model:
    """The encoder whose vectors are compared."""
    from synapse_cli.flows.encoding import find_model

    return find_model(profile.cache.semantic.encoder, profile)


def similarity(profile: Profile, encoder: Model) -> Similarity:
    """Who judges likeness. Raises ProfileError for a file that is missing, damaged or made with another encoder."""
    from synapse_cli.learned.encoder import identity

    settings = profile.cache.semantic
    if settings.similarity is None:
        return Similarity(encoder=identity(encoder), threshold=settings.unsafe_threshold or 2.0)
    try:
        found = load(settings.similarity)
    except InputError as error:
        raise _problem(profile, "cache.semantic.similarity", error.message, "a similarity", error.hint) from error
    if found.encoder != identity(encoder):
        hint = "name that encoder, or calibrate again with this one"
        raise _problem(profile, "cache.semantic.encoder", identity(encoder), f"{found.encoder}, as calibrated", hint)
    return found


def _problem(profile: Profile, where: str, found: str, expected: str, hint: str) -> ProfileError:
    return ProfileError((Problem(file=profile.path, where=where, found=found, expected=expected, hint=hint),))
