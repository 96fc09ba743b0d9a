"""A browser, pages of JupyterLab in it, what is shown on them, and what goes wrong there.

The tests and the benchmarks share this.
"""

import contextlib
import re
import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tools.browser import find
from tools.lab import SECONDS_TO_START, Lab

SECONDS_TO_RUN = 60
VIEWPORT = {"width": 1280, "height": 1000}

LEFT_BEHIND = "^exception: Disposed$"  # JupyterLab's, of a notebook that was closed before it had drawn everything

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
    """Start a headless browser; every page that is opened in it below has a fresh profile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=list(BROWSER_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


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


def notices(page: Page) -> list[str]:
    """Return what JupyterLab puts in front of a reader unasked; of what has gone again its status bar keeps the count."""
    count = page.locator(".jp-Notification-Status-Text", has_text=re.compile("[1-9]"))
    return [
        f"{kind}: {text}"
        for kind, shown in (
            ("dialog", page.locator(".jp-Dialog")),
            ("toast", page.locator(".Toastify__toast")),
            ("notifications", count),
        )
        for text in shown.all_inner_texts()
    ]


class Notebook:
    """One notebook in a new page of JupyterLab with a fresh profile.

    Keyword arguments are those of ``see``.

    Attributes
    ----------
    expected
        Patterns of what JupyterLab says in the console of this notebook, which is no unrest.
    """

    def __init__(self, lab: Lab, browser: Browser, name: str, **seen):
        self.lab, self.name, self.expected = lab, name, []
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
        return notices(self.page) + [
            problem for problem in self.watch.problems if not any(re.search(said, problem) for said in self.expected)
        ]

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
        self.name, self.expected = name, [LEFT_BEHIND]
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
