"""How are latencies kept so that percentiles come without reading rows? In buckets that each are 9 % wider.

A bucket's middle is within 4.5 % of all that is in it, from a tenth of a millisecond to an hour and a half. A histogram
is one whole number with 32 bits a bucket, so that adding two histograms is adding two numbers; on disk it is the number
of its first bucket and the bytes from there on: a single latency takes two bytes.
"""

from __future__ import annotations

from math import log

LEAST_S = 1e-4
RATIO = 1.09
BUCKETS = 206
_BITS = 32
_MOST = (1 << _BITS) - 1
_LOG = log(RATIO)


def bucket_of(seconds: float) -> int:
    """The bucket that a latency falls into; what is too short or too long falls into the first or the last."""
    if not seconds > LEAST_S:
        return 0
    return min(BUCKETS - 1, 1 + int(log(min(seconds, 1e9) / LEAST_S) / _LOG))


def middle_of(bucket: int) -> float:
    """Seconds in the middle of a bucket."""
    return LEAST_S if bucket == 0 else LEAST_S * float(RATIO ** (bucket - 0.5))


def one(seconds: float | None) -> int:
    """The histogram of one latency; of none where it is not known."""
    return 0 if seconds is None else 1 << (_BITS * bucket_of(seconds))


def packed(histogram: int) -> bytes:
    """A histogram as it is kept."""
    if histogram <= 0:
        return b""
    first = ((histogram & -histogram).bit_length() - 1) // _BITS
    shifted = histogram >> (_BITS * first)
    return bytes((first,)) + shifted.to_bytes((shifted.bit_length() + 7) // 8, "little")


def unpacked(blob: bytes) -> int:
    """A histogram that was kept."""
    return int.from_bytes(blob[1:], "little") << (_BITS * blob[0]) if blob else 0


def counts(histogram: int) -> dict[int, int]:
    """How many latencies each bucket holds, buckets without any left out."""
    found: dict[int, int] = {}
    bucket = 0
    while histogram > 0:
        here = histogram & _MOST
        if here:
            found[bucket] = here
        histogram >>= _BITS
        bucket += 1
    return found


def percentile(histogram: int, share: float) -> float | None:
    """Seconds that this share of the latencies did not exceed (0.5 is the median); None where there is none."""
    held = counts(histogram)
    wanted = share * sum(held.values())
    passed = 0
    last: int | None = None
    for bucket, here in held.items():
        passed += here
        last = bucket
        if passed >= wanted:
            break
    return None if last is None else middle_of(last)
