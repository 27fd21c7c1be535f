"""How a bench is told: tables, bars, a picture."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from decimal import Decimal

import pytest

from synapse_cli.core.interval import Interval
from synapse_cli.report.bench import Comparison, Figures, Told
from synapse_cli.report.bench_bars import bars
from synapse_cli.report.bench_table import csv, lines, markdown, times
from synapse_cli.report.plot import chart
from synapse_cli.report.plot_svg import HEIGHT, WIDTH, svg

SVG = "{http://www.w3.org/2000/svg}"


def _figures(label: str, time_s: float | None, quality: float | None, thousand: str | None, **more: object) -> Figures:
    return Figures(
        label=label,
        kind="model",
        calls=100,
        warm=100,
        total_s=None if time_s is None else Interval(time_s, time_s * 0.9, time_s * 1.1),
        p90_s=None if time_s is None else Interval(time_s * 1.5, time_s, math.inf),
        quality=None if quality is None else Interval(quality, quality - 0.1, min(1.0, quality + 0.05)),
        cost=None if thousand is None else Decimal(thousand) / 10,
        input=1200,
        output=300,
        **more,  # type: ignore[arg-type]
    )


NANO = _figures("nano", 0.0063, 0.67, "0")
MINI = _figures("mini", 1.42, 0.91, "0.62", errors=2, error_kinds={"timeout": 2})
LARGE = _figures("large|pipe", 2.3, 0.95, "6.1")
MYSTERY = _figures("mystery", 2.3, 0.9, None)
DEAD = _figures("dead", None, 0.2, "0")
AGAINST = Comparison(label="mini", against="nano", is_before=False, pairs=100, total=Interval(225.0, 198.5, 260.25))
TOLD = Told(figures=(NANO, MINI), comparisons=(AGAINST,), prompts=50, repeats=2, elapsed_s=12.34, cost=Decimal("0.07"))


def test_the_table_for_a_pipe_is_aligned_and_leaves_out_what_is_not_known() -> None:
    told = replace(TOLD, figures=(replace(NANO, quality=None), replace(MINI, quality=None)))

    assert lines(told) == [
        "candidate  calls     errors                  p50  against the first      p90  tokens  $ per 1,000",
        "nano         100          -  6.30 ms (5.67-6.93)                1 x  9.45 ms  12 → 3           $0",
        "mini         100  2 timeout   1.42 s (1.28-1.56)    225 x (198-260)   2.13 s  12 → 3        $0.62",
        "",
        "50 prompts x 2 · one at a time · 12.3 s · $0.070 in all",
    ]


def test_a_table_wider_than_the_terminal_is_turned() -> None:
    turned = lines(TOLD, 60)

    assert max(map(len, turned[:8])) <= 60
    assert turned[0].split() == ["candidate", "nano", "mini"]
    assert turned[1].split() == ["calls", "100", "100"]


def test_candidates_that_do_not_fit_beside_each_other_stand_below() -> None:
    many = Told(figures=tuple(_figures(f"candidate-{at}", 1.0, 0.5, "1") for at in range(5)))

    turned = lines(many, 70)

    assert max(map(len, turned[:-1])) <= 70
    heads = [line for line in turned if line.startswith("candidate ")]
    assert " ".join(heads).count("candidate-") == 5


def test_what_has_not_changed_since_before_is_said_in_words() -> None:
    same, loose = Interval(1.0, 1.0, 1.0), Interval(-0.25, -0.5, -0.125)
    before = Comparison(label="nano", against="nano", is_before=True, pairs=8, total=Interval(1.5, 1.25, 2), cost=same)

    kept = lines(Told(figures=(NANO,), comparisons=(replace(before, quality=Interval(0.0, 0.0, 0.0)),)))[3]
    worse = lines(Told(figures=(NANO,), comparisons=(replace(before, quality=loose),)))[3]

    assert kept == "nano against before (8 pairs): 1.50 x (1.25-2.00) as long, as dear, as good"
    assert worse.endswith("as dear, quality -25% (-50% to -12%)")


def test_an_interval_that_says_nothing_is_not_shown() -> None:
    assert times(Interval(118.0, 0.0, math.inf)) == "118 x"
    assert times(Interval(118.0, 2.0, math.inf)) == "118 x (2.00-)"


def test_markdown_keeps_a_pipe_in_a_name() -> None:
    row = markdown(Told(figures=(LARGE,))).splitlines()[2]

    assert row.startswith("| large\\|pipe | 100 |")


def test_csv_has_plain_numbers_and_empty_cells_for_what_is_unknown() -> None:
    head, first, *_ = csv(Told(figures=(NANO, DEAD))).splitlines()

    cells = dict(zip(head.split(","), first.split(","), strict=True))

    assert (cells["p50_s"], cells["p90_s_high"], cells["cost_usd"], cells["first_s"]) == ("0.0063", "", "0", "")


def test_bars_are_as_long_as_what_they_show() -> None:
    shown = bars(Told(figures=(_figures("a", 1.0, 0.5, "1"), _figures("b", 2.0, 1.0, "4"))), 100)

    time_a, time_b = (line for line in shown if "p90" in line and "solid" not in line)
    assert (time_a.count("█"), time_b.count("█")) == (20, 40)
    assert (time_a + time_b).count("░") == 10 + 20
    money = shown[shown.index("dollars per 1,000 calls") + 1 :][:2]
    assert [line.count("█") for line in money] == [15, 60]


def test_what_takes_almost_nothing_still_has_a_bar() -> None:
    shown = bars(Told(figures=(_figures("a", 0.001, None, "0"), _figures("b", 60.0, None, "0"))), 80)

    assert "▏" in next(line for line in shown if line.startswith("a "))


@pytest.mark.parametrize(
    "figures", [(NANO,), (NANO, MINI, LARGE, MYSTERY, DEAD), (NANO, NANO, NANO), (MYSTERY,), (DEAD,)]
)
def test_a_picture_is_well_formed_and_everything_is_inside(figures: tuple[Figures, ...]) -> None:
    root = ET.fromstring(svg(chart(figures), "A title", "how"))  # our own text

    for text in root.iter(f"{SVG}text"):
        assert -1 <= float(text.attrib["x"]) <= WIDTH
        assert 0 <= float(text.attrib["y"]) <= HEIGHT
    circles = [circle for circle in root.iter(f"{SVG}circle") if circle.find(f"{SVG}title") is not None]
    assert len(circles) == sum(each.total_s is not None for each in figures)


def test_a_picture_names_every_candidate_and_who_gave_no_answer() -> None:
    text = svg(chart((NANO, MINI, LARGE, MYSTERY, DEAD)), "A title", "how")

    assert all(f">{name}<" in text for name in ("nano", "mini", "large|pipe", "mystery"))
    assert "no answer: dead" in text


def test_labels_do_not_lie_on_each_other() -> None:
    crowd = tuple(_figures(f"model-{at}", 1.0 + at / 50, 0.8 + at / 200, "1") for at in range(8))

    root = ET.fromstring(svg(chart(crowd), "", ""))
    bold = [text for text in root.iter(f"{SVG}text") if text.attrib["font-weight"] == "600" and text.text]
    places = [(float(text.attrib["x"]), float(text.attrib["y"]), text.attrib["text-anchor"]) for text in bold]

    rows: dict[str, list[float]] = {}
    for x, y, anchor in places:
        rows.setdefault(f"{anchor} {x:.0f}", []).append(y)
    assert len(places) == 8
    for column in rows.values():
        assert all(below - above >= 24 for above, below in zip(sorted(column), sorted(column)[1:], strict=False))


def test_faster_is_left_better_is_up_and_dearer_is_redder() -> None:
    drawn = {point.label: point for point in chart((NANO, MINI, LARGE)).points}

    assert drawn["nano"].x < drawn["mini"].x < drawn["large|pipe"].x
    assert drawn["nano"].y < drawn["mini"].y < drawn["large|pipe"].y
    assert drawn["nano"].is_free
    cheap, dear = drawn["mini"].money, drawn["large|pipe"].money
    assert cheap is not None
    assert dear is not None
    assert cheap < dear


def test_whom_another_beats_in_everything_has_no_ring() -> None:
    worse = _figures("worse", 3.0, 0.9, "7")

    drawn = {point.label: point.is_best for point in chart((NANO, LARGE, worse)).points}

    assert drawn == {"nano": True, "large|pipe": True, "worse": False}


def test_without_grades_money_goes_upwards_and_free_is_at_the_bottom() -> None:
    plain = [_figures("free", 1.0, None, "0"), _figures("cheap", 1.0, None, "1"), _figures("unknown", 1.0, None, None)]

    drawn = chart(plain)

    assert drawn.upwards == "money"
    assert [point.label for point in sorted(drawn.points, key=lambda point: point.y)] == ["free", "cheap", "unknown"]


def test_names_from_a_profile_cannot_break_the_picture() -> None:
    text = svg(chart((_figures('<script>"&', 1.0, 0.5, "1"),)), "<&>", "")

    assert ET.fromstring(text) is not None
    assert not re.search(r"<script", text)
