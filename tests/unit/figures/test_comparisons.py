"""Figures of a comparison and of a sweep: what they show was measured, and what they cannot show they refuse."""

import struct
from itertools import pairwise

import numpy as np
import pytest
from comparetools import GRID, decay, quiet, swept
from matplotlib import colormaps
from matplotlib.text import Text

from jointopt import plans
from jointopt.compare import Budget, sweep
from jointopt.figures.comparisons import COLORS, comparison, ink, powers_of_ten, zero_position
from jointopt.statistics import interval


def test_the_curve_has_a_point_per_seed_and_the_mean_with_its_interval(line):
    picture = line.curve("up")
    (axes,) = picture.figure.axes
    drawn = {}
    for points in axes.get_lines():
        if points.get_linestyle() == "None" and len(points.get_xdata()) == 3:
            drawn[points.get_xdata()[0]] = points.get_ydata()
    over = line.over("up")
    assert list(drawn) == pytest.approx([0.001, 0.02, 1, 30])  # 0 below the decade of 0.02
    assert [list(values) for values in drawn.values()] == [list(values) for values in over.values()]
    bars = [bar.lines[2][0].get_segments()[0] for bar in axes.containers]
    for (low, high), values in zip(bars, over.values(), strict=True):
        mean, half = interval(values)
        assert (low[1], high[1]) == pytest.approx((mean - half, mean + half))
    ticks = dict(zip(axes.get_xticks(), [text.get_text() for text in axes.get_xticklabels()], strict=True))
    assert ticks == {0.001: "0", 0.1: "0.1", 1: "1", 10: "10"} and axes.get_xscale() == "log"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("λ of up", "w (1)")
    assert "4 values from 0 to 30: one point for each of 3 seeds" in picture.alt


@pytest.mark.parametrize(
    ("joint", "staged"),
    [(widest, widest * np.array([0.02, 0.5, 0.9])) for widest in (0.019, 0.7, 17.6, 240.0, 17600.0)]
    + [
        (93.0, np.array([48.7, 50.4, 49.6])),
        (62.7, np.array([35.1, 41.2, 48.8])),
        (97.5, np.array([96.9, 97.3, 97.2])),
    ],
)
def test_the_numbers_below_a_comparison_are_three_at_least_and_do_not_run_together(joint, staged):
    values = {"joint": np.full(3, joint), "staged": staged}
    picture = comparison(values, "w (1)", "joint")
    picture.figure.canvas.draw()
    for panel in picture.figure.axes:
        low, high = sorted(panel.get_xlim())
        texts = [text for x, text in zip(panel.get_xticks(), panel.get_xticklabels(), strict=True) if low <= x <= high]
        boxes = [text.get_window_extent() for text in texts]
        assert len(boxes) > 2 and all(box.x1 + 4 < other.x0 for box, other in pairwise(boxes))


def test_a_curve_of_the_metric_that_is_asked_for(line):
    assert line.curve("up", "w (%)").figure.axes[0].get_ylabel() == "w (%)"


def test_each_cell_of_the_heat_map_has_its_mean_and_interval(grid):
    picture = grid.heat_map("up", "along")
    axes, bar = picture.figure.axes
    texts = {text.get_position(): text for text in axes.texts}
    assert len(texts) == 6
    for y, up in enumerate((0.0, 0.1, 2.0)):
        for x, along in enumerate((0.0, 1.0)):
            by_hand = np.array([1, 2, 3]) * (1 - 0.01 * (up + 10 * along))
            mean, half = interval(by_hand)
            assert texts[x, y].get_text() == f"{mean:.1f}\n± {half:.1f}"
            assert axes.images[0].get_array()[y, x] == pytest.approx(mean, rel=1e-5)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["0", "0.1", "2"]  # upward: the origin is below
    assert axes.images[0].origin == "lower" and bar.get_ylabel() == "w (1)"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("λ of along", "λ of up")
    assert "3 by 2 values; in each cell the mean of 3 seeds" in picture.alt


def test_rows_and_columns_can_be_exchanged(grid):
    one = grid.heat_map("up", "along").figure.axes[0].images[0].get_array()
    other = grid.heat_map("along", "up").figure.axes[0].images[0].get_array()
    assert (one == other.T).all() and one.shape == (3, 2)


@pytest.mark.parametrize("draw", ["line", "grid"])
def test_pictures_are_720_pixels_wide_with_type_of_11_points(draw, line, grid):
    picture = line.curve("up") if draw == "line" else grid.heat_map("up", "along")
    png = picture.png()
    assert struct.unpack(">I", png[16:20]) == (720,) and len(png) < 60_000
    assert min(text.get_fontsize() for text in picture.figure.findobj(Text) if text.get_text().strip()) >= 11


def test_ink_is_readable_on_every_color():
    for color in colormaps[COLORS](np.linspace(0, 1, 256)):
        assert contrast(color, ink(color)) >= 4.5
    assert ink((1, 1, 1, 1)) == "black" and ink((0, 0, 0, 1)) == "white"


def contrast(background, ink):
    """WCAG's contrast ratio, by its definition."""

    def luminance(color):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(background[:3]), {"black": 0.0, "white": 1.0}[ink]), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_positions_on_the_axis():
    assert zero_position([0, 1e-3, 0.1]) == pytest.approx(1e-4) and zero_position([3e-3]) == pytest.approx(1e-4)
    assert powers_of_ten([0, 1e-3, 0.5]) == pytest.approx([1e-3, 1e-2, 1e-1])
    assert powers_of_ten([1e-5, 1e4]) == pytest.approx([1e-5, 1e-3, 1e-1, 1e1, 1e3])
    assert powers_of_ten([0]) == [1] and powers_of_ten([2, 5]) == []


def test_a_heat_map_needs_every_cell(grid):
    with pytest.raises(ValueError, match="lacks 2 cells, the first of them up 0.1, along 0"):
        swept([GRID[i] for i in (0, 1, 3, 4)]).heat_map("up", "along")
    with pytest.raises(ValueError, match="two different λ's, got 'up' twice"):
        grid.heat_map("up", "up")
    with pytest.raises(ValueError, match="named 'reg'"):
        grid.heat_map("up", "reg")
    with pytest.raises(ValueError, match="no metric is named 'accuracy'"):
        grid.heat_map("up", "along", "accuracy")


def test_one_seed_has_no_interval():
    for draw in (lambda result: result.curve("up"), lambda result: result.heat_map("up", "task")):
        with pytest.raises(ValueError, match="two finite values at least"):
            draw(swept([{"task": 1.0, "up": 1.0}], seeds=1))


def test_sweep_names_its_arms_so_that_both_figures_read_them():
    result = sweep(decay, GRID, plans.joint, Budget(steps=1), "SGD", seeds=range(2), **quiet)
    assert set(result.choices("up", "along")) == {(c["up"], c["along"]) for c in GRID}
    assert result.heat_map("up", "along").png().startswith(b"\x89PNG")
