"""The storm of 10,000 runs, and what every trouble of a machine adds to a run.

python -m tests.chaos [RUNS]
"""

from __future__ import annotations

import sys

from tests.chaos import storm


def main(argv: list[str]) -> int:
    """Print the tables; return 1 where a promise is not kept."""
    return storm.main(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
