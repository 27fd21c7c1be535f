"""More models than the limit holds: memory stays within it, and flat, through hundreds of mixed requests."""

from __future__ import annotations

from pathlib import Path

from synapse_cli.backends.llamacpp_pool import pool
from tests.bench import memory


def test_memory_stays_within_the_limit_and_flat(tmp_path: Path) -> None:
    pool().close()

    course = memory.run(120, tmp_path, every=15)

    assert course.most <= course.limit
    assert course.growth <= 2 * memory.SPREAD * course.limit  # fewer requests, and so fewer peaks to compare
    assert course.loads > 10
    assert course.answered + course.given_up == 120
    assert course.given_up > 0
    assert pool().snapshot() == ()
