"""Where is what was learned of the examples? In the cache folder, under a name that says from what; else it is learned.

The file is safe to lose. It is written whole or not at all, so that many runs at once may all make it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING

from synapse_cli.core import places
from synapse_cli.core.completion import NO_USAGE, Usage
from synapse_cli.core.errors import InputError, Interrupted, SynapseError
from synapse_cli.core.events import Learning
from synapse_cli.learned.file import Learned, from_bytes, to_bytes, write
from synapse_cli.routing.examples import Examples
from synapse_cli.routing.router import VERSION, Router, from_learned, load

if TYPE_CHECKING:
    from synapse_cli.core.vectors import Vectors
    from synapse_cli.flows.session import Session
    from synapse_cli.profile.model import Model

FOLDER = "routers"
_NOTHING: tuple[Usage, Decimal | None] = (NO_USAGE, Decimal(0))
_MOST_KEPT = 32
_HINT = "synapse models pull minilm"


class Routers:
    """The router of one run's examples, and the encoder that it wants; each is looked for when it is asked."""

    def __init__(
        self,
        session: Session,
        examples: Examples,
        *,
        wants_meaning: bool,
        encode: Callable[[Sequence[str]], Vectors] | None = None,
    ) -> None:
        self._session = session
        self._examples = examples
        self._wants_meaning = wants_meaning
        self._encode = encode
        self._spent: tuple[Usage, Decimal | None] = _NOTHING

    def find(self) -> Router | None:
        """The router; None where there are no examples. It is learned where it is not kept."""
        if not len(self._examples):
            return None
        encoder = self._encoder()
        path = self._path(None if encoder is None else encoder[1])
        if path is not None and os.path.isfile(path):
            try:
                found = load(path)
            except InputError:
                pass  # it is made anew below
            else:
                self._session.witness.read(path)
                return found
        return self._learned(encoder)

    def vector(self, prompt: str) -> tuple[Sequence[float], Usage, Decimal | None] | None:
        """The prompt's vector, of length 1, and what it took; None, and said, where the encoder fails."""
        try:
            found = (self._encode or self._session.encode)([prompt])
        except Interrupted:
            raise
        except SynapseError as error:
            self._session.warn(f"the route is chosen by words alone: {error.message}")
            return None
        row = found.row(0)
        length = sum(number * number for number in row) ** 0.5 or 1.0
        return tuple(number / length for number in row), found.usage, found.cost

    def spent(self) -> tuple[Usage, Decimal | None]:
        """What encoding the examples took, told once."""
        spent, self._spent = self._spent, _NOTHING
        return spent

    def _encoder(self) -> tuple[Model, str] | None:
        """The encoder, and its identity; None where nobody wants it, or it is not on this machine."""
        if not self._wants_meaning:
            return None
        from synapse_cli.flows.encoding import MINILM, find_model
        from synapse_cli.learned.encoder import identity

        model = find_model(self._session.profile.routing.encoder, self._session.profile)
        if self._session.obstacle(model) is not None:
            return None
        if model.source == MINILM.source:
            from synapse_cli.backends import minilm

            there = minilm.path(os.environ)
            if not os.path.isfile(there):
                self._session.witness.looked_for(there)
                return None
        try:
            return model, identity(model)
        except OSError as error:
            self._session.warn(f"the encoder {model.name} cannot be read: {error.strerror or error}")
            return None

    def _path(self, encoder: str | None) -> str | None:
        """The file of these examples and this encoder; None where there is no folder to keep it in."""
        reject = self._session.profile.routing.out_of_scope
        named = sha256(json.dumps([VERSION, self._examples.sha256, encoder, reject]).encode()).hexdigest()
        try:
            return os.path.join(places.folder("cache", os.environ), FOLDER, f"{named[:32]}.safetensors")
        except OSError:
            return None

    def _learned(self, encoder: tuple[Model, str] | None) -> Router:
        """Learn it, and keep it where that can be done."""
        vectors = None if encoder is None else self._vectors(encoder[0])
        identity = None if encoder is None or vectors is None else encoder[1]
        self._advise(has_encoder=identity is not None)
        from synapse_cli.routing.compile import learn
        from synapse_cli.routing.logistic import unit_rows

        learned = learn(
            self._examples,
            reject=self._session.profile.routing.out_of_scope,
            vectors=None if vectors is None else unit_rows(vectors),
            encoder=identity,
            tell=self._tell,
        )
        path = self._path(identity)
        if path is not None and self._is_kept(path, learned):
            self._session.witness.read(path)
        return from_learned(from_bytes(to_bytes(learned), path or "the router", "router"))

    def _tell(self, done: int, total: int) -> None:
        """Tell how far learning is. Raises Interrupted where somebody does not want to wait for it."""
        if self._session.control.stopped:
            raise Interrupted("interrupted while the routes were learned", "the same command begins anew")
        self._session.calls.listen(Learning("learning the routes", done, total))

    def _vectors(self, model: Model) -> Vectors | None:
        """The examples' vectors; None, and said, where the encoder fails."""
        from synapse_cli.flows.encoding import all_vectors, open_encoder

        session, texts = self._session, self._examples.texts

        def tell(done: int) -> None:
            session.calls.listen(Learning(f"{model.name} · encoding examples", done, len(texts)))

        if self._encode is not None:
            return self._encode(texts)
        tell(0)
        try:
            encoder = open_encoder(model, session.profile, warn=session.warn, hosts=session.ask.hosts)
            found = all_vectors(encoder, texts, session.control, tell)
        except Interrupted:
            raise
        except SynapseError as error:
            session.warn(f"routes are learned by words alone: {error.message}")
            return None
        self._spent = found.usage, found.cost
        return found

    def _advise(self, *, has_encoder: bool) -> None:
        """Say once, when the routes are learned, what is wrong with the examples or would make more of them."""
        for text, routes in self._examples.unclear:
            self._session.warn(f"the example {text[:60]!r} stands for {' and '.join(routes)}: it is left out")
        if self._wants_meaning and not has_encoder:
            self._session.warn(f"routes are told by words alone; with an encoder also by meaning ({_HINT})")

    def _is_kept(self, path: str, learned: Learned) -> bool:
        try:
            places.make_private(os.path.dirname(path))
            write(path, learned)
            _forget(os.path.dirname(path))
        except (OSError, InputError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            self._session.warn(f"what was learned of the examples cannot be kept: {why}")
            return False
        return True


def _forget(folder: str) -> None:
    """Let go of the oldest routers where there are many: each change of examples leaves one behind. Raises OSError."""
    with os.scandir(folder) as entries:
        kept = sorted(entries, key=lambda entry: -entry.stat().st_mtime)
    for entry in kept[_MOST_KEPT:]:
        os.unlink(entry.path)
