"""A connection that swallows all for a while, both ways and without a word, as after a laptop's lid was closed."""

import pytest
import static_page
from lab_page import NOTEBOOK, NOTEBOOKS, shown
from lab_server import Notebook, until
from static_page import setting

from jointopt.live import GamePlane, Landscape

# `swallow` is what every connection of the page does while it is true.
CONNECTION = """
window.swallow = false;
window.WebSocket = class extends window.WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", (event) => window.swallow && event.stopImmediatePropagation());
  }
  send(data) { window.swallow || super.send(data); }
};"""
IN_FORCE = "print(lab.controls.weights.get('reg'), sorted(lab.controls.frozen), lab.playing)"


@pytest.fixture
def lab(new_page, server):
    page = new_page()
    page.add_init_script(CONNECTION)
    lab = shown(Notebook(page, server, server.copy_of(NOTEBOOKS / NOTEBOOK)))
    yield lab
    for kernel in server.api("/api/kernels"):
        server.api(f"/api/kernels/{kernel['id']}", "DELETE")


def test_the_lab_says_what_was_lost_and_shows_what_is_in_force(lab, errors):
    page, line = lab.page, lab.page.locator(".jo-waits")
    lab.one_step.click()
    until(lambda: lab.step() == 1, "a step")
    page.evaluate("swallow = true")
    lab.exact.fill("0.5")
    lab.exact.press("Enter")  # and the cursor stays in this field
    lab.freeze("classifier").focus()
    page.keyboard.press("Space")
    until(lambda: line.inner_text() == "Waiting for the kernel: λ of reg 0.5, freeze classifier", "the mark in words")
    for control in (lab.exact, lab.freeze("classifier")):
        assert page.locator(f"#{control.get_attribute('aria-describedby')}").inner_text() == line.inner_text()
    assert "…" in lab.exact.evaluate("e => getComputedStyle(e.parentElement, '::after').content")
    lab.exact.focus()
    page.evaluate("swallow = false")
    until(lambda: lab.alert.inner_text(), "what was lost")
    assert lab.alert.inner_text() == ("Not received: λ of reg 0.5, freeze classifier. Shown is what is in force.")
    assert line.inner_text() == "" and page.locator("[data-waiting]").count() == 0
    assert lab.exact.input_value() == "0.0001" and not lab.freeze("classifier").is_checked()
    lab.exact.fill("0.25")
    lab.exact.press("Enter")
    until(lambda: lab.notebook.kernel(IN_FORCE) == "0.25 [] False", "the next change")
    until(lambda: lab.alert.inner_text() == "", "the words to go")
    assert line.inner_text() == "At the next step: λ reg 0.25"
    lab.one_step.click()
    until(lambda: line.inner_text() == "" and lab.step() == 2, "the step that it waited for")
    assert errors == []


def test_the_lab_shows_what_the_kernel_did_meanwhile(lab, errors):
    lab.play.click()
    lab.steps_on()
    lab.page.evaluate(
        """() => { const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        kernel.requestExecute({code: "lab.pause(); lab.controls.freeze('feature_extractor')"});
        window.swallow = true; }"""
    )
    until(lambda: lab.page.get_by_text("No answer from the kernel").is_visible(), "the line on the silence")
    lab.page.evaluate("swallow = false")
    until(lambda: lab.play.is_enabled() and lab.freeze("feature_extractor").is_checked(), "what is in force")
    until(lambda: str(lab.step()) == lab.notebook.kernel("print(lab.engine.number)"), "the last step")
    assert errors == []


@pytest.mark.parametrize("make", [Landscape, GamePlane])
def test_a_view_of_settings_says_what_was_lost(make, browser):
    """Against Python's side, by a connection that loses the second of three changes."""
    errors, view = [], make()
    page = static_page.open_view(browser, view, 900, errors)
    status = page.locator("[role=status]")
    view.send = lambda content, buffers=None: page.evaluate("(a) => model.fire('msg:custom', a)", content)
    view.send_state = lambda key=None: page.evaluate(
        "(state) => { for (const name in state) model.set(name, state[name]); }",
        {name: getattr(view, name) for name in ([key] if isinstance(key, str) else key)},
    )

    def deliver():
        for message in page.evaluate("sent.splice(0)"):
            view.hear(message)

    def change(name, value):
        page.locator(f"[name='{name}']").fill(value)
        page.wait_for_function("asked().length > 0")

    change("steps", "50")
    deliver()
    change("lr", "0.2")
    page.evaluate("sent.splice(0)")  # it is lost, and so is a beat that was quick
    until(lambda: status.inner_text().endswith("Waiting for the kernel: lr 0.2."), "the mark in words")
    lost = "Not received: lr 0.2. Shown is what is in force. "
    until(lambda: deliver() or status.inner_text().startswith(lost), "what was lost")  # by the next beat
    assert setting(page, "lr") == view.lr == 0.1 and view.steps == 50
    assert page.locator("[name='lr']").input_value() == "0.1"
    change("lr", "0.3")
    deliver()
    until(lambda: "Not received" not in status.inner_text(), "its own words again")
    assert view.lr == 0.3 and errors == []
    page.close()
