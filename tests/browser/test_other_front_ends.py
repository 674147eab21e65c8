"""The lab of chapter 0 where readers open it too: Notebook, on two tabs with one kernel, and Voilà, without code."""

import json
import subprocess
import sys
from contextlib import suppress
from types import SimpleNamespace

import pytest
from lab_page import CELLS, LAB_CELL, NOTEBOOK, NOTEBOOKS, Lab
from lab_server import JupyterLab, end, environment, free_port, until
from playwright.sync_api import Error

from tools.execute import METADATA


def opened(new_page, address) -> Lab:
    """The lab as it will stand on this page."""
    page = new_page()

    def answers() -> bool:
        with suppress(Error):  # the server is on its way
            page.goto(address, wait_until="commit")
            return True
        return False

    until(answers, f"{address} to answer")
    return Lab(SimpleNamespace(page=page))


def session(answer: dict) -> dict:
    """The notebook of a session and what its kernel does."""
    return {"path": answer["path"], "state": answer["kernel"]["execution_state"]}


@pytest.fixture
def server(tmp_path):
    server = JupyterLab(tmp_path, tmp_path / "home", app="notebook")
    yield server
    server.close()


def test_notebook_on_two_tabs_with_one_kernel(new_page, server):
    copy = server.copy_of(NOTEBOOKS / NOTEBOOK)
    address = f"http://127.0.0.1:{server.port}/notebooks/{copy}?token={server.token}"
    lab = opened(new_page, address)
    assert lab.page.locator(".jp-OutputArea-output img").evaluate_all("all => all.every((image) => image.alt)")
    lab.page.locator(".jp-CodeCell .cm-content").first.click()
    idle = {"path": copy, "state": "idle"}
    until(lambda: idle in [session(each) for each in server.api("/api/sessions")], "the kernel")
    lab.page.keyboard.press("Shift+Enter")
    lab.play.click()
    lab.steps_on()
    lab.page.keyboard.press("Control+s")
    other = opened(new_page, address)
    other.steps_on()
    other.freeze("feature_extractor").check()
    until(lab.freeze("feature_extractor").is_checked, "the first tab to show what the second froze")
    lab.exact.fill("0.05")
    lab.exact.press("Enter")
    until(lambda: other.exact.input_value() == "0.05", "the second tab to show the λ that the first set")
    said = "λ of reg 0.0001 → 0.05"
    until(lambda: said in lab.status() and said in other.status(), "both to say so")
    other.pause.click()
    until(lab.play.is_enabled, "the first to be paused too")
    until(lambda: lab.step() == other.step(), "both to show the last step")


@pytest.fixture
def voila(tmp_path):
    """The address at which Voilà shows chapter 0 as far as its lab. A server of its own, as its users start it."""
    cells, port = CELLS[: LAB_CELL + 1], free_port()
    path = tmp_path / NOTEBOOK
    path.write_text(json.dumps({"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}))
    command = [sys.executable, "-m", "voila", path.name, "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment(tmp_path), stdout=log, stderr=log)
        yield f"http://127.0.0.1:{port}/"
        end(process)


def test_voila(new_page, voila):
    lab = opened(new_page, voila)
    lab.play.click()
    lab.steps_on()
    lab.freeze("classifier").check()
    until(lambda: "classifier" in lab.status(), "the change to be said")
    lab.steps_on()
    assert lab.freeze("classifier").is_checked() and lab.page.locator(".jo-picture").is_visible()
