"""The lab of chapter 0 where readers open it too: Notebook, on two tabs with one kernel, and Voilà, without code."""

import json
import socket
import subprocess
import sys
from contextlib import suppress
from types import SimpleNamespace

import pytest
from lab_page import CELLS, LAB_CELL, NOTEBOOK, NOTEBOOKS, Lab, restored
from lab_server import Server, end, environment, free_port, until

from tools.execute import METADATA, WIDGET_VIEW


def opened(new_page, address) -> Lab:
    """The lab as it will stand on this page."""
    page = new_page()
    page.goto(address, wait_until="commit")
    return Lab(SimpleNamespace(page=page))


# What these programs report by themselves: Notebook of its settings, Voilà of its modules, of what is not at hand, and
# of the slides, which are JupyterLab's alone.
KNOWN = ("(reading 'schema')", "The getter for the shared module is not a function", "Failed to load resource")
KNOWN += ("labextensions/jupyterlab-slideshow", "Plugin '@deathbeds/jupyterlab-font", "Plugin 'jupyterlab-slideshow")


def ours(errors):
    """The rest of what a page reports as an error."""
    return [error for error in errors if not any(known in error for known in KNOWN)]


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path, tmp_path / "home", app="notebook")
    yield server
    server.close()


def test_notebook_on_two_tabs_with_one_kernel(new_page, server, errors):
    copy = server.copy_of(NOTEBOOKS / NOTEBOOK)
    address = f"http://127.0.0.1:{server.port}/notebooks/{copy}?token={server.token}"
    lab = opened(new_page, address)
    pictures = lab.page.locator(".jp-OutputArea-output img")
    pictures.first.wait_for()
    assert pictures.evaluate_all("all => all.every((picture) => picture.alt)")

    def idle():
        states = {each["path"]: each["kernel"]["execution_state"] for each in server.api("/api/sessions")}
        return states.get(copy) == "idle"

    until(idle, "the kernel")
    lab.page.locator(".jp-CodeCell .cm-content").first.click()
    lab.page.keyboard.press("Shift+Enter")
    lab.play.click()
    lab.steps_on()
    lab.page.keyboard.press("Control+s")
    until(
        lambda: WIDGET_VIEW in (server.root / copy).read_text(encoding="utf-8", errors="ignore"),
        "the notebook to be saved",
    )
    other = opened(new_page, address)
    restored(other.page, other.page.locator(".jo-curves"))
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
    assert ours(errors) == []


@pytest.fixture
def voila(tmp_path):
    """The address at which Voilà shows chapter 0 as far as its lab. A server of its own, as its users start it."""
    cells, port = CELLS[: LAB_CELL + 1], free_port()
    path, log = tmp_path / NOTEBOOK, tmp_path / "log"
    path.write_text(json.dumps({"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}))
    command = [sys.executable, "-m", "voila", path.name, "--no-browser", f"--port={port}"]
    command += ["--Voila.ip=127.0.0.1", "--Voila.port_retries=0"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment(tmp_path), stdout=output, stderr=output)

    def answers():
        if process.poll() is not None:
            raise RuntimeError(f"Voilà ended: {log.read_text()[-3000:]}")
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    until(answers, "Voilà to start")
    yield f"http://127.0.0.1:{port}/"
    end(process)


def test_voila(new_page, voila, errors):
    lab = opened(new_page, voila)
    lab.play.click()
    lab.steps_on()
    lab.freeze("classifier").check()
    until(lambda: "classifier" in lab.status(), "the change to be said")
    lab.steps_on()
    assert lab.freeze("classifier").is_checked() and lab.page.locator(".jo-picture").is_visible()
    assert ours(errors) == []
