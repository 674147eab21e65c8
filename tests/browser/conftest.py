"""One server and one browser for all browser tests; each test gets a page that must end without console errors."""

import pytest
from lab_page import NOTEBOOK, NOTEBOOKS, shown
from lab_server import PATIENCE, Notebook, Server, launch
from playwright.sync_api import sync_playwright


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("home"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def context(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(1000 * PATIENCE)
    yield context
    context.close()


@pytest.fixture
def errors():
    """What the browser's console reports as an error, from every page that `new_page` opens."""
    return []


@pytest.fixture
def new_page(context, errors):
    def new_page():
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(f"{error} {error.stack}"))
        return page

    return new_page


@pytest.fixture
def notebook(new_page, server):
    """A copy of its own: what one test saves, another must not open."""
    notebook = Notebook(new_page(), server, server.copy_of(NOTEBOOKS / NOTEBOOK))
    yield notebook
    for kernel in server.api("/api/kernels"):
        server.api(f"/api/kernels/{kernel['id']}", "DELETE")


@pytest.fixture
def lab(notebook):
    """The lab's cell run, and the lab shown: paused before its first step."""
    return shown(notebook)
