"""A JupyterLab and a browser of their own, what goes wrong in them, and how soon a key changes what is seen.

The tests and the benchmarks share this. Whatever is started here is stopped here, by its process id.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit

import nbformat
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tools.browser import find

FIGURES = Path(__file__).resolve().parent.parent / "figures"
SECONDS_TO_START = 60
SECONDS_TO_RUN = 60
GOLDEN_RATIO = 0.6180339887

VIEWPORT = {"width": 1280, "height": 1000}

LEFT_BEHIND = "exception: Disposed"  # JupyterLab's, of a notebook that was closed before it had drawn everything

OPEN_AS_READERS = """
import sys
from pathlib import Path
from course_utils.workbook.__main__ import open_lab
open_lab(Path("notebooks").absolute(), sys.argv[1:])
"""

BROWSER_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """Start a headless browser with a fresh profile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=list(BROWSER_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Lab:
    """A JupyterLab server over one folder, with a home of its own, as after a first installation.

    Parameters
    ----------
    folder
        Empty; gets the server's home and the folder with the notebooks that it serves.
    as_readers
        Open it as the course's command does, with the course's settings.
    course
        Serve this tree in place of a folder of its own, and run its notebooks with its own package.
    """

    def __init__(self, folder: Path, as_readers: bool = False, course: Path | None = None):
        self.program = ["-c", OPEN_AS_READERS]
        if not as_readers:
            self.program = ["-m", "jupyterlab", "--LabApp.default_url=/lab/tree/notebooks"]
            self.program += ["--allow-root"] if hasattr(os, "getuid") and os.getuid() == 0 else []
        self.home, self.root = folder / "home", course or folder / "course"
        self.package = {} if course is None else {"PYTHONPATH": str(course), "PYTHONDONTWRITEBYTECODE": "1"}
        self.log = folder / "server.log"
        self.token = secrets.token_hex(16)
        if course is None:
            (self.root / "notebooks").mkdir(parents=True)
            shutil.copytree(FIGURES, self.root / "figures")  # the notebooks show them
        config = self.home / ".jupyter" / "labconfig"
        config.mkdir(parents=True)
        # Whether its extensions are to be built again takes a second of every page that is loaded; there are none to build.
        (config / "page_config.json").write_text('{"buildCheck": false}')

    def __enter__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [
            *(sys.executable, *self.program, "--no-browser", f"--port={port}", "--ip=127.0.0.1"),
            *("--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.root}", f"--IdentityProvider.token={self.token}"),
            "--LabApp.expose_app_in_browser=True",
        ]  # fmt: skip
        env = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON", "MPL"))}
        env |= {"HOME": str(self.home), "USERPROFILE": str(self.home)} | self.package
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=self.root, env=env, stdout=log, stderr=log)
        self._wait_until_it_answers()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _wait_until_it_answers(self) -> None:
        end = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.ask("GET", "status")
                return
            except (URLError, OSError):
                time.sleep(0.2)
        self.__exit__()
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text('utf-8', 'replace')[-3000:]}")

    def ask(self, method: str, what: str):
        """Ask the server's REST API; returns what it answers."""
        request = urllib.request.Request(f"{self.url}/api/{what}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=30) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def shut_down_kernel(self, name: str) -> None:
        """Shut down the kernel of one notebook, as a reader does from the list of running kernels."""
        for session in self.ask("GET", "sessions"):
            if session["path"] == f"notebooks/{name}":
                self.ask("DELETE", f"kernels/{session['kernel']['id']}")

    def write(self, name: str, *cells: str) -> Path:
        """Write a notebook of these code cells."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell, id=f"cell-{n}") for n, cell in enumerate(cells)],
            metadata={
                "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"},
                "language_info": {"name": "python"},
            },
        )
        path = self.root / "notebooks" / name
        nbformat.write(notebook, path)
        return path


class Watch:
    """Writes down everything a page should not do: errors, and requests that leave this computer."""

    def __init__(self, page: Page):
        self.problems: list[str] = []
        page.on("console", lambda m: m.type == "error" and self.problems.append(f"console: {m.text} {m.location}"))
        page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        page.on("crash", lambda _: self.problems.append("the page crashed"))
        page.on("request", lambda request: self._look_at(request.url))
        page.on("websocket", lambda websocket: self._look_at(websocket.url))

    def _look_at(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1":
            self.problems.append(f"request: {url}")


class Notebook:
    """One notebook in a new page of JupyterLab.

    A page of a browser has a profile of its own, a page of a context what other pages of it have read and compiled.
    Keyword arguments are those of ``see``.
    """

    def __init__(self, lab: Lab, browser: Browser | BrowserContext, name: str, **seen):
        self.lab, self.name, self.turned = lab, name, False
        self.page = browser.new_page()
        self.see(**seen)
        self.watch = Watch(self.page)
        workspace = secrets.token_hex(4)  # a new one has nothing to restore
        self.page.goto(f"{lab.url}/lab/workspaces/{workspace}/tree/notebooks/{name}?token={lab.token}")
        self.wait_until_open()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def unrest(self) -> list[str]:
        """Return everything that should not have happened on the page so far."""
        seen = [f"dialog: {text}" for text in self.page.locator(".jp-Dialog").all_inner_texts()]
        seen += [f"toast: {text}" for text in self.page.locator(".Toastify__toast").all_inner_texts()]
        return seen + [problem for problem in self.watch.problems if not (self.turned and problem == LEFT_BEHIND)]

    def close(self) -> None:
        """Close the page and stop the notebook's kernel."""
        self.page.close()
        if self.name is not None:
            self.lab.shut_down_kernel(self.name)

    def see(self, viewport: dict[str, int] = VIEWPORT, reduced_motion: str = "reduce") -> None:
        """Look at it through a window of this size, as a reader with this wish.

        Motion is reduced at first: whoever looks at colours shall not look while one turns into another.
        """
        self.page.set_viewport_size(viewport)
        self.page.emulate_media(reduced_motion=reduced_motion)

    def wait_until_open(self) -> None:
        """Wait until the page, which is being loaded, shows the notebook."""
        self.page.wait_for_function(
            "name => window.jupyterapp?.shell.currentWidget?.context?.path === name", arg=f"notebooks/{self.name}"
        )
        self.page.evaluate(
            "async () => { const p = jupyterapp.shell.currentWidget; await p.revealed; await p.context.ready; }"
        )
        self.wait_for_the_splash()

    def wait_for_the_splash(self) -> None:
        """Wait until what JupyterLab draws over everything, when it starts or changes its theme, has faded."""
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0, timeout=1000 * SECONDS_TO_START)

    def turn_to(self, name: str) -> "Notebook":
        """Leave this notebook and open another one on the same page, as a reader of chapters does."""
        self.leave()  # before the next one opens, which may be the same notebook
        self.page.evaluate(
            """async (path) => {
              const next = await jupyterapp.commands.execute('docmanager:open', { path });
              await next.revealed;
              await next.context.ready;
            }""",
            f"notebooks/{name}",
        )
        self.name, self.turned = name, True
        return self

    def leave(self) -> None:
        """Close this notebook, stop its kernel, and keep the page.

        What the page has said until then is forgotten: a kernel that is stopped may leave a question unanswered.
        """
        if self.name is None:
            return
        self.page.evaluate(
            """() => {
              const panel = jupyterapp.shell.currentWidget;
              panel.context.model.dirty = false;  // what it has changed is not asked for
              panel.close();
            }"""
        )
        self.lab.shut_down_kernel(self.name)
        self.page.wait_for_function("() => !document.querySelector('.jp-NotebookPanel')")
        self.watch.problems.clear()
        self.name = None

    def command(self, name: str, **arguments):
        """Execute one of JupyterLab's commands, as its menus do."""
        return self.page.evaluate(
            "async ([name, args]) => { await jupyterapp.commands.execute(name, args); }", [name, arguments]
        )

    def run(self) -> "Notebook":
        """Run every cell and wait for all of them."""
        self.page.evaluate(
            """async () => {
              const panel = jupyterapp.shell.currentWidget;
              await panel.sessionContext.ready;
              await jupyterapp.commands.execute('notebook:run-all-cells');
            }"""
        )
        return self

    def cell(self, index: int) -> Locator:
        """Return a cell, counted from 0."""
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{index}"]')

    def scroll_to(self, index: int) -> None:
        """Bring a cell into sight; JupyterLab draws those far away only then."""
        self.page.evaluate("async (n) => { await jupyterapp.shell.currentWidget.content.scrollToItem(n); }", index)

    def errors(self) -> list[str]:
        """Return the names of the errors that the cells have ended with."""
        return [
            f"{output['ename']}: {output['evalue']}"
            for cell in self.contents()["cells"]
            for output in cell.get("outputs", [])
            if output["output_type"] == "error"
        ]

    def contents(self) -> dict:
        """Return the notebook as the page holds it, saved or not."""
        return self.page.evaluate("() => jupyterapp.shell.currentWidget.content.model.toJSON()")

    def stepper(self, which: int = 0) -> "Player":
        """Return one of the steppers, after checking that it is there."""
        return Player(self.page, self.page.locator(".rc-stepper").nth(which))


class Player:
    """A stepper on a page, wherever that is."""

    def __init__(self, page: Page, root: Locator):
        self.page, self.root = page, root
        check_mounted(root)

    def find(self, css: str) -> Locator:
        """Look for something inside."""
        return self.root.locator(css)

    def mark(self, name: str) -> Locator:
        """Return a mark of the drawing."""
        return self.root.locator(f'[data-mark="{name}"]')

    @property
    def step(self) -> int:
        """The step that is shown."""
        return int(self.root.get_attribute("data-step"))

    @property
    def says(self) -> str:
        """The sentence that is shown."""
        return self.find(".rc-says").text_content()

    def focus(self) -> "Player":
        """Give it the focus, as a click on its frame does."""
        self.root.focus()
        return self

    def press(self, *keys: str) -> "Player":
        """Press keys wherever the focus is."""
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def expect_step(self, step: int) -> "Player":
        """Wait until a step is shown."""
        expect(self.root).to_have_attribute("data-step", str(step))
        return self


def check_mounted(root: Locator, seconds: float = SECONDS_TO_RUN) -> None:
    """Assert that the player has drawn its scene and shows a step."""
    expect(root, "the stepper has not been mounted").to_have_attribute(
        "data-step", re.compile(r"\d+"), timeout=1000 * seconds
    )
    expect(root.locator(".rc-stage > svg"), "the stepper has no drawing").to_have_count(1)


# From a key press to the first frame after the change: an animation frame is asked for once the change is in the
# DOM (and, for a picture, its data are decoded), and a message sent from it arrives when that frame has been handed
# to the screen.
PROBE = """
([root, changed]) => {
  let pressed = null;
  const waiting = [];
  root.rcTimes = [];
  root.rcSeen = (count) => new Promise((resolve, reject) => {
    if (root.rcTimes.length >= count) return resolve();
    waiting.push(resolve);
    setTimeout(() => reject(new Error(`key ${count} changed nothing; waiting for it: ${pressed}`)), 10_000);
  });
  const done = (start) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      root.rcTimes.push(performance.now() - start);
      waiting.splice(0).forEach((resolve) => resolve());
    };
    channel.port2.postMessage(0);
  };
  const seen = (ready) => {
    if (pressed === null) return;
    const start = pressed;
    pressed = null;
    const look = () => (ready() ? done(start) : requestAnimationFrame(look));
    requestAnimationFrame(look);
  };
  root.addEventListener("keydown", (event) => (pressed = event.timeStamp), true);
  const drawn = () => {
    const image = root.querySelector("img");
    return image !== null && image.complete && image.naturalWidth > 0;
  };
  const painted = (records) => {
    const nodes = records.flatMap(({ target, addedNodes }) => [target, ...addedNodes]).filter((node) => node.nodeType === 1);
    if (nodes.some((node) => node.matches("img") || node.querySelector("img"))) seen(drawn);
  };
  if (changed === "data-step") new MutationObserver(() => seen(() => true)).observe(root, { attributeFilter: [changed] });
  else new MutationObserver(painted).observe(root, { childList: true, subtree: true, attributeFilter: ["src"] });
}
"""


class Stopwatch:
    """Times keys: from the press to the frame that shows what it changed.

    Parameters
    ----------
    page
        Where to press them.
    root
        What the keys go to, or an element around it.
    changed
        "data-step": the attribute of ``root`` that tells of the change; "img": a new image inside ``root``.
    rest
        Milliseconds to wait before each key.
    """

    def __init__(self, page: Page, root: Locator, changed: str = "data-step", rest: float = 50):
        self.page, self.handle, self.pressed, self.rest = page, root.element_handle(), 0, rest
        page.evaluate(PROBE, [self.handle, changed])

    def press(self, key: str) -> None:
        """Press a key and wait for the frame."""
        self.pressed += 1
        # Readers do not press keys in time with the screen: spread the presses evenly over its interval.
        self.page.wait_for_timeout(self.rest + 1000 / 60 * (self.pressed * GOLDEN_RATIO % 1))
        self.page.keyboard.press(key)
        self.page.evaluate("([root, n]) => root.rcSeen(n)", [self.handle, self.pressed])

    def milliseconds(self) -> list[float]:
        """Return one time for each key pressed so far."""
        return self.page.evaluate("root => root.rcTimes", self.handle)
