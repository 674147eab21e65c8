"""The landscape in a real Chromium, without JupyterLab: arithmetic as in Python, controls, pictures."""

import json
from functools import partial

import numpy as np
import pytest
import static_page
from static_page import deliver, setting, showing

from jointopt.live.landscape import Landscape
from jointopt.toys.landscape import CHECKS, COMPARED, PLANS, minima, objective, path

show = showing(Landscape)
drawn = partial(static_page.drawn, answer="ends")  # the ends of the paths: {plan: [θ, φ, J]}


def expected_ends(view):
    paths = view.paths()
    return {plan: [*points[-1], objective(*points[-1], view.weight)] for plan, points in paths.items()}


@pytest.mark.parametrize("plan", PLANS)
def test_both_sides_take_the_same_path(show, plan):
    page = show()
    for frozen in ((), ("theta",), ("phi",), ("theta", "phi")):
        for weight, steps, lr in ((0.1, 60, 0.1), ((0.1, 0.6), 61, 0.2), (0, 1, 0.05)):
            given = dict(start=(2, -0.5), lr=lr, steps=steps, weight=weight, frozen=frozen)
            computed = page.evaluate("([given, plan]) => front.path(given, plan)", [given, plan])
            expected = path((2, -0.5), plan, lr, steps, weight, frozen)
            np.testing.assert_allclose(computed, expected, rtol=0, atol=1e-12)


def test_both_sides_know_the_same_j_and_minima(show):
    page = show()
    for weight in (0, 0.1, 1, 3, (0.1, 0.6), (0, 0.5), (0.5, 0), (2, 0.6)):
        assert page.evaluate("(w) => front.objective(1.3, -0.7, w)", weight) == pytest.approx(
            objective(1.3, -0.7, weight)
        )
        computed = np.array(page.evaluate("(w) => front.minima(w)", weight)).reshape(-1, 2)
        np.testing.assert_allclose(computed, minima(weight), atol=1e-12)


@pytest.mark.parametrize("plan", [*PLANS, "all"])
def test_what_is_drawn_is_what_python_computes(show, plan):
    view = Landscape(weight=(0.1, 0.4), start=(-2, 1), plan=plan, frozen=(), lr=0.15, steps=75)
    page = show(view)
    ends = json.loads(page.evaluate("document.querySelector('.jo').dataset.ends"))
    assert list(ends) == (list(COMPARED) if plan == "all" else [plan])
    for name, end in expected_ends(view).items():
        assert ends[name] == pytest.approx(end, abs=1e-12)


def test_controls_change_the_picture_and_reach_python(show):
    view = Landscape()
    page = show(view)
    number = page.locator("[name='weight both']")
    drawn(page, lambda: page.locator("[name='weight both slider']").press("ArrowRight"))
    assert setting(page, "weight") == 0.112
    drawn(page, lambda: page.locator("[name='weight both slider']").press("Home"))
    assert setting(page, "weight") == 0
    drawn(page, lambda: number.fill("0.25"))
    drawn(page, lambda: page.get_by_role("combobox", name="plan").select_option("all"))
    drawn(page, lambda: page.get_by_label("freeze θ", exact=True).check())
    drawn(page, lambda: page.locator("[name='start phi']").fill("1.5"))
    drawn(page, lambda: page.locator("[name='lr']").fill("0.05"))
    ends = drawn(page, lambda: page.locator("[name='steps']").fill("90"))
    deliver(page, view, "steps", 90)
    assert view.weight == 0.25
    assert (view.start, view.plan, view.frozen) == ((2.0, 1.5), "all", ("theta",))
    assert (view.lr, view.steps) == (0.05, 90)
    for name, end in expected_ends(view).items():
        assert ends[name] == pytest.approx(end, abs=1e-12)
        assert end[0] == 2  # θ is frozen: the path is vertical


def test_two_weights(show):
    page = show()
    drawn(page, lambda: page.get_by_label("separate λ").check())
    assert setting(page, "weight") == [0.1, 0.1]
    drawn(page, lambda: page.locator("[name='weight phi']").fill("0.6"))
    assert setting(page, "weight") == [0.1, 0.6]
    assert "±(1.36, 0.56)" in page.locator(".note").text_content()
    drawn(page, lambda: page.get_by_label("separate λ").uncheck())
    assert setting(page, "weight") == 0.1


def test_the_start_moves_by_keyboard_and_no_key_leaks(show):
    page = show()
    handle = page.get_by_role("slider", name="start point")
    drawn(page, lambda: handle.press("ArrowLeft"))
    drawn(page, lambda: handle.press("Shift+ArrowUp"))
    assert setting(page, "start") == [1.95, 0]
    assert handle.get_attribute("aria-valuetext") == "theta 1.95, phi 0.00"
    handle.press("a")
    assert page.evaluate("leaked") == []


def test_the_start_moves_by_mouse(show):
    page = show()
    box = page.locator(".handle").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    unit = page.evaluate("document.querySelector('canvas').clientWidth") / 5.5  # nearly: pixels for 1
    page.mouse.move(x + 3, y + 3)
    page.mouse.down()
    drawn(page, lambda: page.mouse.move(x + 3 - unit, y + 3 - unit, steps=4))
    page.mouse.up()
    theta, phi = setting(page, "start")
    assert theta == pytest.approx(1, abs=0.15)
    assert phi == pytest.approx(0.5, abs=0.15)
    drawn(page, lambda: page.locator("canvas").click(position={"x": 150, "y": 150}))
    theta, phi = setting(page, "start")
    assert theta < 0 < phi


def test_the_start_moves_by_touch(show):
    page = show(width=360, has_touch=True, is_mobile=True)
    box = page.locator(".handle").bounding_box()
    x, y = box["x"] + 22, box["y"] + 22
    touch = page.context.new_cdp_session(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for i in range(1, 6):
        touch.send(
            "Input.dispatchTouchEvent",
            {"type": "touchMove", "touchPoints": [{"x": x - 20 * i, "y": y + 4 * i}]},
        )
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("model.get('start')[0] < 1")
    assert page.evaluate("scrollY") == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("weight both", "-1"),
        ("weight both", "1e-400"),
        ("start phi", "11"),
        ("lr", "0"),
        ("steps", "2001"),
        ("steps", "1.5"),
        ("lr", ""),
    ],
)
def test_a_wrong_number_is_named_and_changes_nothing(show, name, text):
    page = show()
    field = page.locator(f"[name='{name}']")
    before = {name: setting(page, name) for name in CHECKS}
    field.fill(text)
    assert field.get_attribute("aria-invalid") == "true"
    page.wait_for_function("document.querySelector('[role=status]').textContent.includes('Nothing was changed')")
    assert {name: setting(page, name) for name in CHECKS} == before
    assert page.evaluate("sent") == []
    field.blur()
    page.wait_for_function("!document.querySelector('[role=status]').textContent.includes('Expected')")
    assert float(field.input_value()) in (0.1, -0.5, 60)
    assert field.get_attribute("aria-invalid") is None


def test_python_changes_what_is_shown_but_its_echo_does_not(show):
    page = show()
    ends = drawn(page, lambda: page.evaluate("model.set('steps', 10)"))
    assert page.locator("[name='steps']").input_value() == "10"
    assert ends["joint"][:2] == pytest.approx(path(steps=10)[-1], abs=1e-12)
    drawn(page, lambda: page.locator("[name='start theta']").fill("1"))
    page.wait_for_function("asked().length === 1")
    drawn(page, lambda: page.locator("[name='start theta']").fill("1.5"))
    page.evaluate("model.set('start', [1, -0.5]); answer(asked()[0], '')")  # news of the past
    assert page.get_by_role("slider", name="start point").get_attribute("aria-valuenow") == "1.5"
    page.wait_for_function("asked().length === 2")
    page.evaluate("model.set('start', [1.5, -0.5]); answer(asked()[1], '')")
    drawn(page, lambda: page.evaluate("model.set('start', [0.5, 0.5])"))
    assert page.get_by_role("slider", name="start point").get_attribute("aria-valuenow") == "0.5"


def test_a_refusal_is_shown(show):
    page = show()
    page.locator("[name='lr']").fill("0.2")
    page.wait_for_function("asked().length === 1")
    page.evaluate("model.set('lr', 0.1); answer(asked()[0], 'refused: why')")
    page.wait_for_function("document.querySelector('[role=status]').textContent.startsWith('refused: why ')")
    assert setting(page, "lr") == 0.1


def test_it_works_without_a_kernel(show):
    page = show()
    page.evaluate("() => { model.send = () => { throw Error('the comm is closed') } }")
    for steps in (20, 30):
        ends = drawn(page, lambda steps=steps: page.locator("[name='steps']").fill(str(steps)))
        assert ends["joint"][:2] == pytest.approx(path(steps=steps)[-1], abs=1e-12)
        page.wait_for_timeout(150)


def test_two_views_of_one_model_agree(show):
    page = show()
    page.evaluate("() => { front.default.render({ model, el: document.body }) }")
    page.locator("[name='steps']").first.fill("25")
    assert page.locator("[name='steps']").last.input_value() == "25"


def test_words_for_those_who_do_not_see_it(show):
    page = show(Landscape(frozen="phi"))
    status = page.get_by_role("status")
    page.wait_for_function("document.querySelector('[role=status]').textContent")
    assert status.text_content().startswith("after 60 joint steps, phi frozen: theta ")
    assert status.get_attribute("aria-live") == "polite"
    assert "Contours of J over theta and phi" in page.get_by_role("img").get_attribute("aria-label")
    for control in page.locator("input, select").all():
        assert control.evaluate("e => e.labels.length > 0 || e.ariaLabel")


@pytest.mark.parametrize("width", [360, 800, 1600])
@pytest.mark.parametrize("ratio", [1, 2])
def test_it_fits_and_is_sharp(show, width, ratio):
    page = show(Landscape(plan="all"), width=width, device_scale_factor=ratio)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dots, pixels = page.evaluate(
        "[document.querySelector('canvas').width, document.querySelector('canvas').clientWidth]"
    )
    assert dots == pytest.approx(pixels * ratio, abs=2)


def test_closing_the_view_leaves_nothing_behind(show):
    page = show()
    page.locator("[name='lr']").fill("0.2")
    page.evaluate("end()")
    assert page.evaluate("asked().at(-1).value") == {"lr": 0.2}  # what was still to be sent is sent
    assert page.evaluate("Object.values(model.listeners).flat().length") == 0
    draws = page.evaluate("document.querySelector('.jo').dataset.draws")
    page.set_viewport_size({"width": 500, "height": 900})
    page.wait_for_timeout(200)
    assert page.evaluate("document.querySelector('.jo').dataset.draws") == draws
