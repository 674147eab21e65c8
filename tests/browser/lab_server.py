"""A real JupyterLab on a free port, with settings of its own, and what a person does in it."""

import contextlib
import json
import os
import random
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
from nbformat.sign import NotebookNotary
from playwright.sync_api import Page, Playwright

PATIENCE = 300  # seconds, for what hangs: a machine under load is slow, not wrong
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
).split()
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/apputils-extension/themes": {"theme": "JupyterLab Light"},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}


def launch(playwright: Playwright):
    """The Chromium of this machine. Without one this fails, with a sentence on what to do: it never skips."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        raise RuntimeError(
            f"no browser on the PATH ({', '.join(CHROMIUM)}): install Chromium or Chrome, see docs/install.md"
        )
    return playwright.chromium.launch(executable_path=path, args=FLAGS, headless=True)


def free_port() -> int:
    """A port on which nobody listens, and below those that systems give to connections, which might take it first."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as free, contextlib.suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free among a hundred from 20000 to 32000")


def environment(home: Path) -> dict[str, str]:
    """This process's environment, but all that Jupyter keeps of a person is in `home`; one thread."""
    folders = {"CONFIG": "config", "RUNTIME": "runtime", "DATA": "data"}
    return {
        **os.environ,
        **{f"JUPYTER_{key}_DIR": str(home / name) for key, name in folders.items()},
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "OMP_NUM_THREADS": "1",
    }


class Server:
    """A server that shows `root`. Nothing of the person's own Jupyter settings is read or written.

    app: "jupyterlab", or "notebook", which needs a server of its own: JupyterLab lacks its fonts on one that showed it.
    """

    def __init__(self, root: Path, home: Path, app: str = "jupyterlab"):
        self.token, self.port = secrets.token_hex(16), free_port()
        for plugin, values in SETTINGS.items():
            file = home / "settings" / f"{plugin}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))
        self.app, self.root = app, root
        (home / "data").mkdir(parents=True, exist_ok=True)  # without it the notary remembers nothing
        self._notary = NotebookNotary(data_dir=str(home / "data"))
        self.log = home / "server.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", app, "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"]
                + [f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}"]
                + [f"--IdentityProvider.token={self.token}", "--LabApp.expose_app_in_browser=True"],
                env=environment(home),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(self._answers, f"{app} to start")

    def copy_of(self, notebook: Path) -> str:
        """A copy in the server's folder, trusted as `make lab` does it: else a reopened tab shows no saved widget."""
        copy = self.root / f"{notebook.stem}-{secrets.token_hex(4)}.ipynb"
        shutil.copy(notebook, copy)
        self._notary.sign(nbformat.read(copy, nbformat.NO_CONVERT))
        return copy.name

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.app} ended: {self.log.read_text()[-3000:]}")
        with contextlib.suppress(OSError):
            self.api("/api/status")
            return True
        return False

    def api(self, path: str, method: str = "GET") -> object:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.loads(answer.read() or "null")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            for kernel in self.api("/api/kernels"):
                self.api(f"/api/kernels/{kernel['id']}", "DELETE")
        end(self.process)


def end(process: subprocess.Popen) -> None:
    """Ask a server to end, and insist after a minute."""
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Notebook:
    """An open notebook: run cells, ask the kernel, read what is shown."""

    def __init__(self, page: Page, server: Server, path: str):
        self.page, self.path = page, path
        page.goto(f"http://127.0.0.1:{server.port}/lab/tree/{path}?token={server.token}&reset", wait_until="commit")
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Until the kernel is connected and idle: the page is there long before."""
        until(lambda: self._status() == "connected/idle", f"the kernel of {self.path}")
        self.page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for()

    def _status(self) -> str:
        script = """async (path) => {
          const app = window.jupyterapp; if (!app) return 'no app'; await app.restored;
          for (const w of app.shell.widgets('main')) if (w.context && w.context.path === path) {
            await w.context.ready; await w.sessionContext.ready;
            const kernel = w.sessionContext.session && w.sessionContext.session.kernel; if (!kernel) return 'no kernel';
            await kernel.info; return kernel.connectionStatus + '/' + kernel.status; }
          return 'no panel'; }"""
        try:
            return self.page.evaluate(script, self.path)
        except Exception as error:  # the page is on its way
            return repr(error)

    def run_all(self) -> None:
        """As a person does: Run > Run All Cells."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.locator(".lm-Menu-item[data-command='runmenu:run-all']").click()

    def command(self, name: str, arguments: dict | None = None) -> None:
        """A command of JupyterLab, where the click itself is not under test."""
        self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => true)", [name, arguments or {}]
        )

    def run_cell(self, index: int) -> None:
        """Queue a cell, without waiting for its end."""
        self.page.evaluate(
            """(index) => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = index;
               window.jupyterapp.commands.execute('notebook:run-cell'); }""",
            index,
        )

    def rewrite_cell(self, index: int, source: str) -> None:
        """Put other code into a cell."""
        self.page.evaluate(
            """([index, source]) =>
               window.jupyterapp.shell.currentWidget.content.widgets[index].model.sharedModel.setSource(source)""",
            [index, source],
        )

    def output(self, index: int) -> str:
        """The text beneath a cell."""
        return self.page.evaluate(
            """(i) => { const outputs = window.jupyterapp.shell.currentWidget.content.widgets[i].model.outputs.toJSON();
               const text = (o) => [o.text || (o.data && o.data['text/plain']) || o.evalue].flat().join('');
               return outputs.map(text).join(''); }""",
            index,
        )

    def busy(self) -> bool:
        return self._status() != "connected/idle"

    def kernel(self, code: str) -> str:
        """Run code in the notebook's kernel, as a cell would, and answer what it prints."""
        script = """async (code) => { const k = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
          let out = ''; const f = k.requestExecute({code, silent: false, store_history: false, stop_on_error: false});
          f.onIOPub = (m) => { if (m.header.msg_type === 'stream') out += m.content.text;
                               if (m.header.msg_type === 'error') out += 'ERROR ' + m.content.evalue; };
          await f.done; return out; }"""
        return self.page.evaluate(script, code).strip()


def until(holds, what: str = "") -> object:
    """Wait until holds() is true, and answer it."""
    end = time.monotonic() + PATIENCE
    while not (value := holds()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {PATIENCE} s in vain for {what or holds}; the last value was {value!r}")
        time.sleep(0.05)
    return value
