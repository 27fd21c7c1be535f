"""The picture of what was spent: nothing left out, nothing on top of anything else, the same on every machine."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.ledger.totals import Row
from synapse_cli.report.cost_bars import bars
from synapse_cli.report.cost_chart import MOST, Chart, chart
from synapse_cli.report.cost_svg import HEIGHT, WIDTH, svg
from synapse_cli.report.plot_png import png
from synapse_cli.report.svg import LETTER

SVG = "{http://www.w3.org/2000/svg}"


def _row(day: str, model: str, cost: str, tokens: int = 100) -> Row:
    return Row(of={"day": day, "model": model}, cost=cost, input=tokens, runs=1, calls=1)


@st.composite
def spent(draw: st.DrawFn) -> list[Row]:
    days = draw(st.lists(st.dates(), min_size=1, max_size=5, unique=True))
    names = draw(st.lists(st.text("abcdefgh-/", min_size=1, max_size=24), min_size=1, max_size=12, unique=True))
    days = [
        day.replace(year=2026) if not (day.month == 2 and day.day == 29) else day.replace(2026, 2, 28) for day in days
    ]
    cents = st.integers(0, 10**9)
    return [_row(f"{day}", name, f"{draw(cents) / 10**6:.6f}") for day in sorted({*days}) for name in names]


def _texts(picture: str) -> list[tuple[float, float, float, float]]:
    """The room of every line of text that is not turned."""
    boxes = []
    for each in ET.fromstring(picture).iter(f"{SVG}text"):
        if each.get("transform"):
            continue
        x, y, size = (float(each.get(name) or 0) for name in ("x", "y", "font-size"))
        width = len(each.text or "") * LETTER * size / 13 * 0.9
        left = {"start": x, "middle": x - width / 2, "end": x - width}[each.get("text-anchor") or "start"]
        boxes.append((left, y - size * 0.8, left + width, y + size * 0.2))
    return boxes


@given(spent())
@settings(max_examples=60, deadline=None)
def test_all_that_was_spent_is_drawn_and_stays_within_the_axis(rows: list[Row]) -> None:
    drawn = chart(rows, "day", "model")

    if drawn.unit == "dollars":
        assert sum(c.size for c in drawn.columns) == pytest.approx(sum(float(row.cost) for row in rows))
    assert sum(s.size for s in drawn.series) == pytest.approx(sum(c.size for c in drawn.columns))
    assert max(c.size for c in drawn.columns) <= drawn.top
    assert len(drawn.series) <= MOST
    assert [c.label for c in drawn.columns] == sorted(c.label for c in drawn.columns)


@given(spent())
@settings(max_examples=60, deadline=None)
def test_no_text_lies_on_another_or_beyond_the_edge(rows: list[Row]) -> None:
    boxes = _texts(svg(chart(rows, "day", "model"), "What was spent", "the last 30 days", ["a note", "another"]))

    assert [b for b in boxes if b[0] < 0 or b[1] < 0 or b[2] > WIDTH or b[3] > HEIGHT] == []
    meet = [(a, b) for a, b in combinations(boxes, 2) if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]]
    assert meet == []


def test_days_without_a_run_are_seen_as_such() -> None:
    drawn = chart([_row("2026-02-27", "a", "1"), _row("2026-03-02", "a", "2")], "day", "model")

    assert [(c.label, c.size) for c in drawn.columns] == [
        ("2026-02-27", 1.0),
        ("2026-02-28", 0.0),
        ("2026-03-01", 0.0),
        ("2026-03-02", 2.0),
    ]


def test_months_and_hours_go_on_past_their_ends() -> None:
    months = [Row(of={"month": m, "model": "a"}, cost="1") for m in ("2025-11", "2026-02")]
    hours = [Row(of={"hour": f"2026-01-01T{h}:00+0000", "model": "a"}, cost="1") for h in ("22", "23")]

    assert [c.label for c in chart(months, "month", "model").columns] == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert len(chart(hours, "hour", "model").columns) == 2


def test_where_nothing_cost_anything_tokens_are_drawn() -> None:
    drawn = chart([_row("2026-01-01", "nano", "0", 1234)], "day", "model")

    assert (drawn.unit, drawn.columns[0].total) == ("tokens", "1.23k")
    assert "tokens (nothing cost anything) per day" in svg(drawn, "t", "s", [])


def test_the_dearest_come_first_and_the_rest_together() -> None:
    rows = [_row("2026-01-01", f"m{number}", f"{number}") for number in range(1, 11)]

    drawn = chart(rows, "day", "model")

    assert [s.name for s in drawn.series] == ["m10", "m9", "m8", "m7", "m6", "m5", "others"]
    assert drawn.series[-1].size == 1 + 2 + 3 + 4


@pytest.mark.parametrize(
    ("cost", "said"), [("0.00123456", "$0.0012"), ("3.555", "$3.56"), ("99.99", "$99.99"), ("3553.27", "$3,553")]
)
def test_sums_are_said_as_exactly_as_they_can_be_seen(cost: str, said: str) -> None:
    drawn = chart([_row("2026-01-01", "m", cost)], "day", "model")

    assert (drawn.series[0].total, drawn.columns[0].total) == (said, said)


def test_nothing_at_all_is_an_empty_picture() -> None:
    drawn = chart([], "day", "model")

    assert bars(drawn, 80, colour=True) == []
    ET.fromstring(svg(drawn, "t", "s", []))


@given(spent(), st.integers(20, 200))
@settings(max_examples=60, deadline=None)
def test_bars_fit_the_terminal(rows: list[Row], width: int) -> None:
    drawn = chart(rows, "day", "model")

    plain = bars(drawn, width, colour=False)
    coloured = [re.sub(r"\033\[\d*m", "", line) for line in bars(drawn, width, colour=True)]

    assert plain == coloured
    longest = max(len(c.label) + len(c.total) for c in drawn.columns)
    assert all(len(line) <= max(width, longest + 18) for line in plain[: len(drawn.columns)])


def _picture(name: str) -> tuple[Chart, str]:
    drawn = chart([_row("2026-01-01", name, "1")], "day", "model")
    return drawn, svg(drawn, "What was spent", "one day", [])


def test_a_png_is_twice_as_large_and_the_same_every_time() -> None:
    _, picture = _picture("mini")

    first, second = png(picture), png(picture)

    assert first == second
    assert first[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(first[16:20], "big"), int.from_bytes(first[20:24], "big")) == (2 * WIDTH, 2 * HEIGHT)
    assert first != png(_picture("nano")[1])  # letters are drawn, with the font that came along


def test_names_in_any_script_are_drawn() -> None:
    assert png(_picture("modèle-жд-模型")[1])[:4] == b"\x89PNG"


def test_without_the_extra_a_png_is_refused_with_its_name() -> None:
    code = """
import sys
sys.modules["resvg_py"] = None
from synapse_cli.core.errors import EngineMissing
from synapse_cli.report.plot_png import png
try:
    png("<svg/>")
except EngineMissing as error:
    print(error.message, "|", error.hint)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "PNG pictures need the extra png | pip install 'synapse-llm[png]', or name a FILE.svg\n"
