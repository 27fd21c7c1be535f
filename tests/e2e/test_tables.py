"""Tables at a terminal of eighty columns, the width that most people have."""

from __future__ import annotations

from synapse_cli.cli.listing import _widths

HEADER = ("run", "started", "status", "route", "model", "tokens", "cost", "took")
ROW = ("1m7znwhg9c2edtp7ymaw", "6 min ago", "accepted (memo)", "default", "cheap", "10+5", "$0.000030", "0.1 s")


def test_a_table_that_is_too_wide_breaks_lines_and_cuts_no_word() -> None:
    widths = _widths(HEADER, [ROW], 80)

    assert sum(widths) + 2 * (len(widths) - 1) <= 80
    assert all(
        max(map(len, cell.split())) <= width
        for cells in (HEADER[1:], ROW[1:])
        for cell, width in zip(cells, widths[1:], strict=True)
    )
    assert widths[0] == len(ROW[0]), "an id is there to be copied"


def test_a_table_that_fits_is_left_as_it_is() -> None:
    assert _widths(HEADER, [ROW], 200) == [max(len(name), len(cell)) for name, cell in zip(HEADER, ROW, strict=True)]
