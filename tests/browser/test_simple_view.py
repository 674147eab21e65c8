"""What `simpleView` brings to every view, in a real Chromium, by the widget that CONTRIBUTING.md prints."""

import re
import tempfile
from functools import partial
from pathlib import Path

import pytest
import static_page
from static_page import deliver, setting, showing

from jointopt.live.shared import view

RECIPE = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Adding a widget")[1]
PYTHON, JAVASCRIPT = (re.search(rf"```{kind}\n(.*?)```", RECIPE, re.DOTALL)[1] for kind in ("python", "js"))


def printed(javascript=JAVASCRIPT):
    """The class of CONTRIBUTING.md, its front end in a folder beside `shared`."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        file = Path(folder, "descent", "descent.js")
        file.parent.mkdir()
        file.write_text(javascript, encoding="utf-8")
        Path(folder, "shared").symlink_to(view.LIVE / "shared")
        patch.setattr(view, "LIVE", Path(folder))
        names = {"__name__": "descent"}
        exec(compile(PYTHON, "CONTRIBUTING.md", "exec"), names)
        return names["Descent"]


Descent = printed()
show = showing(Descent)
drawn = partial(static_page.drawn, answer="end")  # J after the last step


def test_a_change_is_drawn_said_and_reaches_python(show):
    lab = Descent()
    page = show(lab)
    assert drawn(page, lambda: page.locator("[name=lr]").fill("0.5")) == pytest.approx(0.5**41)
    drawn(page, lambda: page.locator("[name='lr slider']").press("Home"))
    end = drawn(page, lambda: page.locator("[name='lr slider']").press("ArrowRight"))
    lr = setting(page, "lr")
    assert lr == 0.0112 and end == pytest.approx((1 - lr) ** 40 / 2)
    page.get_by_text("after 20 steps: J 0.319").wait_for()
    deliver(page, lab, "lr", lr)
    assert lab.lr == lr and repr(lab) == "Descent(lr=0.0112)"
    name = page.get_by_role("img").get_attribute("aria-label")
    assert name == "Gradient descent: after 20 steps: J 0.319"
    assert page.get_by_role("group", name="Gradient descent").count() == 1


def test_a_wrong_number_is_named_and_changes_nothing(show):
    page = show()
    page.locator("[name=lr]").fill("-1")
    drawn(page, lambda: page.evaluate("model.set('lr', 0.1)"))  # a picture more does not take back what is said
    page.get_by_text("Expected learning rate: a number > 0. Nothing was changed.").wait_for()
    assert setting(page, "lr") == 0.1 and page.evaluate("sent") == []


def test_it_follows_the_theme_and_closing_leaves_nothing_behind(show):
    page = show()
    drawn(page, lambda: page.evaluate("document.body.dataset.jpThemeName = 'JupyterLab Dark'"))
    page.evaluate("end()")
    assert page.evaluate("Object.values(model.listeners).flat().length") == 0
    draws = page.evaluate("document.querySelector('.jo').dataset.draws")
    page.evaluate("document.body.dataset.jpThemeName = 'JupyterLab Light'")
    page.wait_for_timeout(200)
    assert page.evaluate("document.querySelector('.jo').dataset.draws") == draws
