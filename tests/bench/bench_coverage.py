"""How often do the intervals of a bench hold the truth, and how often is a model called slower than itself?

    python -m tests.bench.bench_coverage [BENCHES]

Each bench is a whole one, through sessions, routes and the climb, of two scripted models on an injected clock, whose
latencies are drawn from seeded log-normal distributions: b takes 1.2 times as long as a. The 95 % interval of the
paired ratio must hold 1.2 in 93.5 to 96.5 % of them; and of benches of a against a, at most 6 % may exclude 1.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from synapse_cli.core.clock import FixedClock
from synapse_cli.core.interval import Interval
from synapse_cli.lab.bench.compare import compare
from synapse_cli.profile.model import Profile
from tests.lab_bench.drawn import Drawn, lognormal, of_models, plan_of, profile_of, run

PROMPTS = 40
SIGMA = 0.3
"""Of the logarithm: the slowest of twenty calls takes about 1.6 times the median, as is usual of hosted models."""
TRUTH = 1.2
FEWEST_HELD, MOST_HELD = 0.935, 0.965
MOST_FLAGGED = 0.06


@dataclass(frozen=True)
class Coverage:
    """Shares of benches."""

    held: float
    flagged: float


def coverage(benches: int, folder: Path, *, prompts: int = PROMPTS, repeats: int = 1, first_seed: int = 0) -> Coverage:
    """Run that many benches of each kind."""
    profile = profile_of(folder)
    seeds = range(first_seed, first_seed + benches)
    apart = [_ratio(profile, TRUTH, seed, prompts, repeats) for seed in seeds]
    alike = [_ratio(profile, 1.0, seed + 1_000_000, prompts, repeats) for seed in seeds]
    return Coverage(
        held=sum(found.holds(TRUTH) for found in apart) / benches,
        flagged=sum(not found.holds(1.0) for found in alike) / benches,
    )


def _ratio(profile: Profile, truth: float, seed: int, prompts: int, repeats: int) -> Interval:
    clock = FixedClock(0.0)
    a = Drawn(clock, lognormal(0.1, SIGMA, 2 * seed))
    b = Drawn(clock, lognormal(0.1 * truth, SIGMA, 2 * seed + 1))
    plan = plan_of(of_models(profile, {"a": a, "b": b}), prompts, repeats=repeats, seed=seed)
    calls = run(plan, clock).calls
    found = compare("b", calls, "a", calls, is_before=False, seed=seed).total
    assert found is not None
    return found


def main(benches: int) -> int:
    """Print the table; return 1 where a bound is missed."""
    began = time.process_time()
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        for prompts, repeats in ((PROMPTS, 1), (12, 3), (1, 20)):
            few = benches if (prompts, repeats) == (PROMPTS, 1) else max(1, benches // 4)
            found = coverage(few, Path(folder), prompts=prompts, repeats=repeats)
            is_held = FEWEST_HELD <= found.held <= MOST_HELD and found.flagged <= MOST_FLAGGED
            missed += not is_held and few == benches
            print(  # noqa: T201
                f"{few} benches of {prompts} prompts x {repeats}: {found.held:.2%} hold {TRUTH}, "
                f"{found.flagged:.2%} of a against a are flagged{'' if is_held else '  OUT OF BOUNDS'}",
                flush=True,
            )
    print(f"{time.process_time() - began:.0f} s of CPU, on {os.cpu_count()} cores")  # noqa: T201
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))
