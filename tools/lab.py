"""A JupyterLab server of its own. Whatever is started here is stopped here, by its process id."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.error import URLError

import nbformat

FIGURES = Path(__file__).resolve().parent.parent / "figures"
SECONDS_TO_START = 60

OPEN_AS_READERS = """
import sys
from pathlib import Path
from course_utils.workbook.__main__ import open_lab
open_lab(Path("notebooks").absolute(), sys.argv[1:])
"""


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
        self.package = {} if course is None else {"PYTHONPATH": str(course)}
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
