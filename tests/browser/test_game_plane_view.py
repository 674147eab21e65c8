"""The plane of the game in a real Chromium, without JupyterLab: arithmetic as in Python, its clock, its controls."""

from functools import partial

import numpy as np
import pytest
import static_page
from static_page import deliver, setting, showing

from jointopt.live.game import CHECKS, GamePlane, radius_range, reach_of
from jointopt.toys import game

show = showing(GamePlane)
drawn = partial(static_page.drawn, answer="points")  # where the three then are: {method: [x, y]}


def now(page):
    return int(page.locator(".jo").get_attribute("data-now"))


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def clock_of(page):
    """The view's clock in the test's hands: set(ms, step) waits until that step is shown."""
    page.evaluate("window.clock = 0; performance.now = () => clock")

    def set_clock(ms, step):
        page.evaluate("(ms) => { clock = ms; }", ms)
        page.wait_for_function("(step) => document.querySelector('.jo').dataset.now === step", arg=str(step))

    return set_clock


@pytest.mark.parametrize("method", game.METHODS)
def test_both_sides_take_the_same_path(show, method):
    page = show()
    for start, lr, steps in (((1, 1), 0.1, 500), ((2, -0.5), 0.7, 60), ((-3, 4), 0.01, 2000)):
        computed = page.evaluate(
            "([given, m]) => front.path(given, m)", [dict(start=start, lr=lr, steps=steps), method]
        )
        np.testing.assert_allclose(computed, game.path(start, method, lr, steps), rtol=1e-12)


def test_it_waits_for_a_person_and_then_takes_single_steps(show):
    view = GamePlane((2, -1), 0.2, 9)
    page = show(view)
    assert now(page) == 0
    for step in (1, 2, 3):
        points = drawn(page, lambda: press(page, "One step"))
        assert now(page) == step
        for method, path in view.paths().items():
            assert points[method] == pytest.approx(path[step].tolist(), abs=1e-12)
    drawn(page, lambda: press(page, "Reset"))
    assert now(page) == 0 and page.locator("output").text_content() == "step 0 of 9"


def test_it_plays_to_the_end_and_then_from_the_start(show):
    page = show(GamePlane(steps=40))
    set_clock = clock_of(page)
    press(page, "Play")
    set_clock(399, 19)
    set_clock(5000, 40)
    step = page.get_by_role("button", name="One step")
    assert step.get_attribute("aria-disabled") == "true"
    step.click(force=True)
    assert now(page) == 40
    press(page, "Play")
    set_clock(5000, 0)
    set_clock(5399, 19)
    set_clock(9000, 40)


def test_pause_holds_it_and_play_goes_on_from_there(show):
    page = show(GamePlane(steps=2000))
    press(page, "Play")
    page.wait_for_function("Number(document.querySelector('.jo').dataset.now) > 5")
    drawn(page, lambda: press(page, "Pause"))
    at = now(page)
    page.wait_for_timeout(200)
    assert now(page) == at < 2000
    drawn(page, lambda: press(page, "Play"))
    assert now(page) >= at
    assert page.get_by_role("button", name="Play").get_attribute("aria-disabled") == "true"


def test_the_buttons_work_by_keyboard(show):
    page = show()
    page.get_by_role("button", name="One step").focus()
    drawn(page, lambda: page.keyboard.press("Enter"))
    drawn(page, lambda: page.keyboard.press(" "))
    assert now(page) == 2 and page.evaluate("leaked") == []


def test_controls_change_the_picture_and_reach_python(show):
    view = GamePlane()
    page = show(view)
    drawn(page, lambda: page.locator("[name='lr slider']").press("ArrowRight"))
    assert setting(page, "lr") == 0.112
    drawn(page, lambda: page.locator("[name='lr slider']").press("Home"))
    assert setting(page, "lr") == 0.01
    drawn(page, lambda: page.locator("[name='lr']").fill("0.25"))
    drawn(page, lambda: page.locator("[name='start y']").fill("-1.5"))
    drawn(page, lambda: page.locator("[name='steps']").fill("90"))
    deliver(page, view, "steps", 90)
    assert (view.start, view.lr, view.steps) == ((1.0, -1.5), 0.25, 90)
    points = drawn(page, lambda: press(page, "One step"))
    for method, path in view.paths().items():
        assert points[method] == pytest.approx(path[1].tolist(), abs=1e-12)


def test_a_change_shows_the_same_step_of_the_other_game(show):
    page = show()
    drawn(page, lambda: press(page, "One step"))
    points = drawn(page, lambda: page.locator("[name='lr']").fill("0.5"))
    assert now(page) == 1 and points["alternating"] == pytest.approx(
        game.path(method="alternating", lr=0.5)[1].tolist()
    )


def test_fewer_steps_than_were_taken_end_there(show):
    page = show()
    for _ in range(4):
        drawn(page, lambda: press(page, "One step"))
    drawn(page, lambda: page.locator("[name='steps']").fill("2"))
    assert now(page) == 2


def test_the_start_moves_by_keyboard_and_no_key_leaks(show):
    page = show()
    handle = page.get_by_role("slider", name="start point")
    drawn(page, lambda: handle.press("ArrowLeft"))
    drawn(page, lambda: handle.press("Shift+ArrowUp"))
    assert setting(page, "start") == [0.95, 1.5]
    assert handle.get_attribute("aria-valuetext") == "x 0.95, y 1.50"
    handle.press("a")
    assert page.evaluate("leaked") == []


def test_the_start_moves_by_mouse(show):
    page = show()
    box = page.locator(".handle").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x + 3, y + 3)
    page.mouse.down()
    drawn(page, lambda: page.mouse.move(x - 27, y + 33, steps=4))
    page.mouse.up()
    moved_x, moved_y = setting(page, "start")
    assert moved_x == pytest.approx(moved_y, abs=0.02) and 0.3 < moved_x < 0.9  # as far to the left as down
    drawn(page, lambda: page.locator("canvas").first.click(position={"x": 90, "y": 60}))
    moved_x, moved_y = setting(page, "start")
    assert moved_x < -1 and moved_y > 1


def test_the_start_moves_by_touch(show):
    page = show(width=360, has_touch=True, is_mobile=True)
    box = page.locator(".handle").bounding_box()
    x, y = box["x"] + 22, box["y"] + 22
    touch = page.context.new_cdp_session(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for i in range(1, 6):
        points = [{"x": x - 12 * i, "y": y + 4 * i}]
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("model.get('start')[0] < 0.7")
    assert page.evaluate("scrollY") == 0


@pytest.mark.parametrize(
    ("name", "text"), [("lr", "0"), ("lr", ""), ("start x", "11"), ("steps", "2001"), ("steps", "1.5")]
)
def test_a_wrong_number_is_named_and_changes_nothing(show, name, text):
    page = show()
    field = page.locator(f"[name='{name}']")
    before = {name: setting(page, name) for name in CHECKS}
    field.fill(text)
    assert field.get_attribute("aria-invalid") == "true"
    page.wait_for_function("document.querySelector('[role=status]').textContent.includes('Nothing was changed')")
    assert {name: setting(page, name) for name in CHECKS} == before and page.evaluate("sent") == []
    field.blur()
    page.wait_for_function("!document.querySelector('[role=status]').textContent.includes('Expected')")
    assert float(field.input_value()) in (0.1, 1, 500) and field.get_attribute("aria-invalid") is None


def test_python_changes_what_is_shown_but_its_echo_does_not(show):
    page = show()
    drawn(page, lambda: page.evaluate("model.set('steps', 10)"))
    assert page.locator("[name='steps']").input_value() == "10"
    drawn(page, lambda: page.locator("[name='start x']").fill("1.5"))
    page.wait_for_function("asked().length === 1")
    drawn(page, lambda: page.locator("[name='start x']").fill("2"))
    page.evaluate("model.set('start', [1.5, 1]); answer(asked()[0], '')")  # news of the past
    assert page.get_by_role("slider", name="start point").get_attribute("aria-valuenow") == "2"


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
        drawn(page, lambda steps=steps: page.locator("[name='steps']").fill(str(steps)))
        page.wait_for_timeout(150)
    assert page.locator("output").text_content() == "step 0 of 30"


def test_words_for_those_who_do_not_see_it(show):
    page = show()
    drawn(page, lambda: press(page, "One step"))
    status = page.get_by_role("status").last
    page.wait_for_function("document.querySelector('p[role=status]').textContent.startsWith('step 1')")
    assert status.text_content() == "step 1, η 0.1: radius simultaneous 1.42, alternating 1.41, extragradient 1.41"
    assert status.get_attribute("aria-live") == "polite"
    for picture in page.locator("canvas").all():
        assert "simultaneous 1.42" in picture.get_attribute("aria-label")
    for control in page.locator("input").all():
        assert control.evaluate("e => e.labels.length > 0 || e.ariaLabel")


@pytest.mark.parametrize("settings", [{"lr": 3.0}, {"start": (0, 0)}, {"lr": 100.0, "steps": 2000}])
def test_what_runs_off_or_stands_still_is_drawn(show, settings):
    page = show(GamePlane(**settings))
    set_clock = clock_of(page)
    press(page, "Play")
    set_clock(200, 10)
    drawn(page, lambda: press(page, "Pause"))
    assert "radius simultaneous" in page.locator("canvas").first.get_attribute("aria-label")


@pytest.mark.parametrize("width", [360, 800, 1600])
@pytest.mark.parametrize("ratio", [1, 2])
def test_it_fits_and_is_sharp(show, width, ratio):
    page = show(width=width, device_scale_factor=ratio)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for canvas in page.locator("canvas").all():
        dots, pixels = canvas.evaluate("c => [c.width, c.clientWidth]")
        assert dots == pytest.approx(pixels * ratio, abs=2)


def test_closing_the_view_leaves_nothing_behind(show):
    page = show()
    press(page, "Play")
    page.locator("[name='lr']").fill("0.2")
    page.evaluate("end()")
    assert page.evaluate("asked().at(-1).value") == {"lr": 0.2}  # what was still to be sent is sent
    assert page.evaluate("Object.values(model.listeners).flat().length") == 0
    draws = page.evaluate("document.querySelector('.jo').dataset.draws")
    page.wait_for_timeout(200)
    assert page.evaluate("document.querySelector('.jo').dataset.draws") == draws


def test_both_pictures_have_the_same_ranges(show):
    page = show()
    view = GamePlane((3, -1), 0.3, 50)
    distances = [game.radius(points) for points in view.paths().values()]
    low, high = radius_range(distances, float(np.hypot(3, -1)))
    shown = page.evaluate("([r, first]) => front.radiusRange(r, first)", [[d.tolist() for d in distances], 10**0.5])
    assert shown == pytest.approx([low, high])
    assert page.evaluate("front.reachOf([3, -1])") == pytest.approx(reach_of(np.array([3.0, -1.0])))
