"""Is the other side who it should be? Both prove that they know the host's key, before anything else is said.

    host    → client   who we are, and a random challenge
    client  → host     a challenge of its own, and the proof for the first one
    host    → client   the proof for the second one, and what the host says of itself

Nothing of a request, and no provider's key, is sent before the host has proved itself; the proofs of the two
sides are made differently, so that neither can be sent back to who made it.
"""

from __future__ import annotations

import hmac
import json
import os

from synapse_cli.backends.host.wire import BadFrame, Patience, Wire
from synapse_cli.core.prompt import Json

_NAME = b"synapse host 1\n"
_CHALLENGE = 32
_PROOF = 32
_GREETING_BYTES = 4096
KEY_BYTES = 32


class Stranger(Exception):
    """The other side does not know the key, or is no host of ours."""


def welcome(wire: Wire, key: bytes, about: dict[str, Json], patience: Patience) -> None:
    """The host's side. Raises Stranger for a client that does not know the key."""
    ours = os.urandom(_CHALLENGE)
    wire.send(_NAME + ours)
    answer = wire.receive(_CHALLENGE + _PROOF, patience)
    theirs, proof = answer[:_CHALLENGE], answer[_CHALLENGE:]
    if not hmac.compare_digest(proof, _proof(key, b"client", ours, theirs)):
        raise Stranger("a client does not know the key")
    said = json.dumps(about).encode()
    wire.send(_proof(key, b"host", theirs, ours + said) + said)


def greet(wire: Wire, key: bytes, patience: Patience) -> dict[str, Json]:
    """The client's side: what the host says of itself. Raises Stranger where it is none, or another's."""
    hello = _received(wire, patience)
    if not hello.startswith(_NAME) or len(hello) != len(_NAME) + _CHALLENGE:
        raise Stranger("what listens there is no host of this version")
    theirs, ours = hello[len(_NAME) :], os.urandom(_CHALLENGE)
    wire.send(ours + _proof(key, b"client", theirs, ours))
    answer = _received(wire, patience)
    proof, said = answer[:_PROOF], answer[_PROOF:]
    if not hmac.compare_digest(proof, _proof(key, b"host", ours, theirs + said)):
        raise Stranger("what listens there does not know the key")
    about: dict[str, Json] = json.loads(said)
    return about


def _received(wire: Wire, patience: Patience) -> bytes:
    try:
        return wire.receive(_GREETING_BYTES, patience)
    except BadFrame as error:
        raise Stranger("what listens there is no host") from error


def _proof(key: bytes, who: bytes, challenge: bytes, answer: bytes) -> bytes:
    return hmac.digest(key, who + b"\0" + challenge + answer, "sha256")
