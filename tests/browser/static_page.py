"""A view of settings on a page of its own, without JupyterLab: a model in place of ipywidgets', and no server."""

import json
from collections.abc import Callable

import pytest
from lab_server import PATIENCE
from playwright.sync_api import Browser, Page

from jointopt.live.shared.view import View

# A page with the view and a model in place of ipywidgets': it keeps what is set and records what is sent.
PAGE = """<!doctype html><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><link rel="stylesheet" href="style.css"><body><div id="here"></div>
<script type="module">
  import * as front from "./front.js";
  const state = JSON.parse(new URLSearchParams(location.search).get("state"));
  const listeners = {};
  const fire = (name, value) => (listeners[name] || []).forEach((f) => f(value));
  window.sent = [];
  window.model = {
    get: (name) => state[name], set: (name, value) => { state[name] = value; fire("change:" + name); },
    send: (message) => sent.push(structuredClone(message)),
    save_changes: () => { throw Error("not to be used"); },
    on: (name, f) => (listeners[name] ||= []).push(f),
    off: (name, f) => listeners[name] = listeners[name].filter((g) => g !== f),
    fire, listeners,
  };
  window.asked = () => sent.filter(({ kind }) => kind === "set"); // without the beats, which come by the clock
  window.answer = (message, outcome) => fire("msg:custom", { outcomes: { [message.id]: outcome } });
  window.front = front;
  window.leaked = [];
  document.addEventListener("keydown", (event) => leaked.push(event.key));
  window.end = front.default.render({ model, el: document.getElementById("here") });
</script>"""


def open_view(browser: Browser, view: View, width: int, errors: list[str], **options) -> Page:
    """The page on which the view is drawn; what its console reports as an error goes to `errors`."""
    page = browser.new_page(viewport={"width": width, "height": 900}, **options)
    page.set_default_timeout(1000 * PATIENCE)
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    files = {"": ("text/html", PAGE), "front.js": ("text/javascript", view._esm), "style.css": ("text/css", view._css)}

    def answer(route):
        kind, body = files[route.request.url.split("?")[0].removeprefix("http://view.test/")]
        route.fulfill(body=body, content_type=f"{kind}; charset=utf-8")

    page.route("http://view.test/**", answer)
    state = json.dumps({name: getattr(view, name) for name in view.trait_names(in_force=True)})
    page.goto(f"http://view.test/?state={state}")
    page.wait_for_selector("[data-draws]")
    return page


def showing(make: Callable[[], View]):
    """A fixture: show(view, width=…) -> the page on which the view (None: a new one) is drawn.

    An error in its console fails the test.
    """

    @pytest.fixture
    def show(browser):
        pages, errors = [], []

        def show(view=None, width=900, **options):
            pages.append(open_view(browser, view or make(), width, errors, **options))
            return pages[-1]

        yield show
        for page in pages:
            page.close()
        assert errors == []

    return show


def setting(page: Page, name: str) -> object:
    """A setting as the browser has it."""
    return page.evaluate("(name) => model.get(name)", name)


def deliver(page: Page, view: View, name: str, value: object) -> None:
    """Once the browser has sent this change, Python hears all that it has sent."""
    page.wait_for_function(
        "([name, value]) => asked().some((message) => message.value[name] === value)", arg=[name, value]
    )
    for message in page.evaluate("sent"):
        view._handle_custom_msg(message, [])


def drawn(page: Page, action: Callable[[], object], answer: str) -> object:
    """Do it, wait for the picture that shows it, and answer what the view says of it in its data-<answer>.

    The first picture after it may have been asked for before, by a beat or a new size. The callbacks of a frame come in
    their order: ours after the view's, which the action asked for.
    """
    before = page.evaluate("document.querySelector('.jo').dataset.draws")
    action()
    page.wait_for_function("(n) => document.querySelector('.jo').dataset.draws > Number(n)", arg=before)
    page.evaluate("() => new Promise(requestAnimationFrame)")
    return json.loads(page.locator(".jo").get_attribute(f"data-{answer}"))
