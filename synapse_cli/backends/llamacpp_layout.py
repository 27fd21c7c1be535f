"""How large do we let llama.cpp make its tables? Numbers that the engine and the estimate of its memory share."""

from __future__ import annotations

from synapse_cli.backends.gguf import Header

BATCH = 512
"""Tokens computed at once, llama.cpp's own default: Ctrl-C and deadline are honoured between two batches."""
SEATS, SEATS_RECURRENT = 32, 8
"""Sequences side by side; a recurrent model keeps a whole state for each."""
OUTPUTS = 64
"""Positions of a batch whose logits are wanted at most; room for all 512 would cost 600 MB with a large vocabulary."""
SHARE = 3
"""One in so many of a context's sequences may be kept, as many are for answers, and the rest for labels."""
PARKED_EACH, PARKED = 32_000_000, 64_000_000
"""Bytes of prompts kept outside the KV cache, of each and of all; a larger one belongs to a large model, which hardly
feels what it passes by."""
STEP = 256
"""llama.cpp rounds a window up to a multiple of this."""

_REPACKED_X86 = frozenset({2, 10, 12, 20, 39})
_REPACKED_ARM = frozenset({2, 8, 12, 13, 14, 20, 39})
"""ggml types whose matrices are kept in another order for this kind of processor: Q4_0, Q4_K, …"""


def seats_of(header: Header) -> int:
    """How many requests a model answers side by side."""
    return SEATS_RECURRENT if is_recurrent(header) else SEATS


def is_recurrent(header: Header) -> bool:
    """Whether some of its layers carry a state from token to token, which cannot be cut to a shorter prompt."""
    return any(header.shape(key) for key in ("ssm.state_size", "wkv.head_size", "shortconv.l_cache"))


def is_repacked(kind: int) -> bool:
    """Whether llama.cpp copies matrices of this type into another order as it loads them."""
    import platform

    return kind in (_REPACKED_ARM if platform.machine().lower() in {"arm64", "aarch64"} else _REPACKED_X86)
