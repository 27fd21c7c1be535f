"""The storm of 10,000 runs, and what every trouble of a machine adds to a run.

python -m tests.chaos [RUNS]
"""

from __future__ import annotations

import sys

from tests.chaos import storm, trouble

TIMES = 7
"""Runs under each trouble, and as many without: medians are compared."""


def main(argv: list[str]) -> int:
    """Print both tables; return 1 where a promise is not kept."""
    missed = storm.main(argv)
    sys.stdout.write("\n")
    return trouble.main(TIMES) or missed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
