"""A lab of four modules and three losses, one of a long name: all of it is shown, and no word lies on another."""

from itertools import combinations

import pytest
from lab_page import LAB_CELL, shown
from lab_server import until

FOUR = """from jointopt import tasks
from jointopt.live import LiveLab
lab = LiveLab(tasks.load("pretext"), name="start")
lab"""
RUN = """
move = lab.controls
lab.run(12); move.freeze("feature_extractor", "rotation")
lab.run(12); move.freeze("decoder", "classifier"); move.thaw("feature_extractor")
lab.run(12); move.thaw("decoder", "classifier", "rotation"); move.set(weight={"task": 1.25e-4, "reconstruction": 5e-4})
lab.run(12)
"""
# Each canvas keeps what is written on it: [text, left, top, right, bottom].
RECORD = """(() => {
  const { clearRect, fillText } = CanvasRenderingContext2D.prototype;
  Object.assign(CanvasRenderingContext2D.prototype, {
    clearRect(...where) { this.canvas.words = []; clearRect.apply(this, where); },
    fillText(text, x, y, most = Infinity) {
      const box = this.measureText(text), width = Math.min(most, box.width);
      const left = x - { left: 0, center: width / 2, right: width }[this.textAlign];
      this.canvas.words.push(
        [text, left, y - box.actualBoundingBoxAscent, left + width, y + box.actualBoundingBoxDescent]);
      fillText.call(this, text, x, y, most);
    },
  });
})()"""
WORDS = "all => all.map(canvas => [canvas.words, canvas.clientWidth, canvas.clientHeight])"  # of one moment
# Of each kind of element: [name, left, right] of all, and left and right of the panel at whose edges they are cut.
PLACES = """() => {
  const range = document.createRange();
  const ends = (box) => [box.left, box.right];
  const inside = (e) => { range.selectNodeContents(e); return ends(range.getBoundingClientRect()); };
  const all = (selector, of) => [...document.querySelectorAll(selector)].map((e) => [e.textContent || e.id, ...of(e)]);
  const box = (selector) => ends(document.querySelector(selector).getBoundingClientRect());
  const whole = (e) => ends(e.getBoundingClientRect());
  return {
    cells: [all(".jo-influence th, .jo-influence td:not(:empty)", inside), box(".jo-influence-box")],
    fields: [all(".jo-weight *:not(svg *, [hidden], .jo-folded .jo-rate *, .jo-folded .jo-rate)", whole),
      box(".jo-controls")],
    picture: [all(".jo-picture", whole), box(".jo-grid")],
  };
}"""


@pytest.fixture
def recorded(context):
    """Before the page is opened: what is written on its canvases is kept."""
    context.add_init_script(RECORD)


@pytest.fixture
def page(recorded, notebook):
    """The lab after 48 steps, in which every module stood still for a while and the rotation won all of J."""
    notebook.rewrite_cell(LAB_CELL, FOUR)
    lab = shown(notebook)
    notebook.kernel(RUN)
    until(lambda: lab.step() == 48, what="the last step to be drawn")
    return notebook.page


def at_width(page, width):
    """The page of another width, drawn again."""
    page.set_viewport_size({"width": width, "height": 1000})
    drawn = (
        "(w) => innerWidth === w && [...document.querySelectorAll('.jo canvas')].every("
        "c => c.width === c.clientWidth && c.height === c.clientHeight)"
    )
    page.wait_for_function(drawn, arg=width)


def overlapping(words):
    """The pairs of texts that lie on each other."""
    return [
        (a[0], b[0]) for a, b in combinations(words, 2) if a[1] < b[3] and b[1] < a[3] and a[2] < b[4] and b[2] < a[4]
    ]


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_no_cell_and_no_field_is_cut_off(page, notebook, theme, errors):
    notebook.command("apputils:change-theme", {"theme": theme})
    rates = page.get_by_role("button", name="learning rate per module")
    for width in (1600, 1100, 800):
        rates.click()
        at_width(page, width)
        places = page.evaluate(PLACES)
        for kind, (texts, (left, right)) in places.items():
            cut = [name for name, *ends in texts if ends[0] < left - 0.5 or ends[1] > right + 0.5]
            assert texts and cut == [], f"{kind} at {width} px"
        cells = places["cells"][0]
        assert len(cells) == 4 + 3 * 5  # a column for each module, a row for each loss
        for row in (cells[:4], cells[4:9], cells[9:14], cells[14:]):
            for before, after in zip(row, row[1:], strict=False):
                assert before[2] <= after[1], f"{before[0]} reaches {after[0]} at {width} px"
    assert errors == []


def test_the_rates_of_many_modules_come_when_asked_for_and_are_said_in_words(page, notebook, errors):
    rates = page.get_by_role("button", name="learning rate per module")
    own = page.get_by_role("textbox", name="learning rate of decoder, exact; empty: that of all")
    assert rates.get_attribute("aria-expanded") == "false" and own.is_hidden()
    rates.focus()
    page.keyboard.press("Enter")
    assert rates.get_attribute("aria-expanded") == "true"
    own.fill("0.02")
    own.press("Enter")
    until(lambda: notebook.kernel("print(lab.controls.lrs)") == "{'decoder': 0.02}", "the rate in the controls")
    words = page.locator("[data-deeper]")
    assert words.inner_text() == ""
    rates.focus()
    page.keyboard.press("Space")
    until(lambda: words.inner_text() == "lr decoder 0.02", "the rate in words")
    assert rates.get_attribute("aria-expanded") == "false" and own.is_hidden()
    assert errors == []


def misplaced(page):
    """The words that reach out of their panel, and the pairs that lie on each other."""
    panels = page.eval_on_selector_all(".jo-curves canvas", WORDS)
    out = [w for words, most, high in panels for w in words if w[1] < 0 or w[2] < 0 or w[3] > most or w[4] > high]
    return out + [pair for words, _, _ in panels for pair in overlapping(words)]


def test_every_word_on_the_curves_can_be_read(page, errors):
    for width in (1600, 800):
        at_width(page, width)
        until(lambda: misplaced(page) == [], "each word to have room of its own")  # a page of a new width settles
        canvases = [words for words, _, _ in page.eval_on_selector_all(".jo-curves canvas", WORDS)]
        _, shares, gradient, change, _ = ([word[0] for word in words] for words in canvases)
        assert {"rotation 100 %", "task < 0.1 %", "reconstruction < 0.1 %", "75 %"} <= set(shares)
        for panel in (gradient, change):
            named = panel[panel.index("frozen") + 1 :]  # a lane for each, all under one word
            assert named == ["feature_extractor", "classifier", "rotation", "decoder"]
            assert panel.count("frozen") == 1
    assert errors == []
