"""Where torch is not installed: a notebook leaves out the cells that need it, says so in a line, and runs on.

A cell needs torch if it imports it, or uses a name that an earlier cell of this kind would have given a value. So the
cells themselves stay as a reader wants to read them. Their other imports and their functions are still there for what follows.
"""

import ast
import dis
from collections.abc import Iterator
from importlib.util import find_spec
from types import CodeType

from IPython import get_ipython

SAYS = "This cell needs torch, which is not installed: it was left out."
NEED_TORCH = ("torch", "course_utils.strip_reader")
READS = {"LOAD_NAME", "LOAD_GLOBAL", "DELETE_NAME"}
GIVES = {"STORE_NAME", "STORE_GLOBAL"}


class WithoutTorch:
    """What IPython calls with the syntax tree of each cell, before it runs it.

    Attributes
    ----------
    missing
        Names of the notebook without a value, because what would have given them one was left out.
    """

    def __init__(self):
        self.missing: set[str] = set()

    def visit(self, cell: ast.Module) -> ast.Module:
        """Return the cell as it is or, if it needs torch, print a line and return only what can do without."""
        needs, given = self.asks_of(cell)
        if not needs:
            self.missing -= given
            return cell
        print(SAYS)
        self.missing |= given
        kept = ast.Module([], [])
        for statement in cell.body:
            if isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef):
                needs, given = self.asks_of(ast.Module([statement], []))
                if not needs:
                    self.missing -= given
                    kept.body.append(statement)
        return kept

    def asks_of(self, tree: ast.Module) -> tuple[bool, set[str]]:
        """Tell whether statements need torch, and to which names they give a value."""
        try:
            code = compile(tree, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        except SyntaxError:  # such as a return outside a function: IPython says what is wrong with it
            return False, set()
        needs, given = False, set()
        for instruction in instructions(code):
            what, name = instruction.opname, instruction.argval
            if what in GIVES:
                given.add(name)
            elif what in READS:
                needs |= name in self.missing - given
            elif what == "IMPORT_NAME":
                needs |= any(f"{name}.".startswith(f"{module}.") for module in NEED_TORCH)
        return needs, given


def instructions(code: CodeType) -> Iterator[dis.Instruction]:
    """All instructions of a piece of code, and after them those of the functions in it."""
    yield from dis.get_instructions(code)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from instructions(constant)


def run_on_without_torch() -> None:
    """Let the notebook that calls this run on without torch, if that is not installed; elsewhere nothing changes."""
    shell = get_ipython()
    if shell is None or find_spec("torch") is not None:
        return
    if not any(isinstance(transformer, WithoutTorch) for transformer in shell.ast_transformers):
        shell.ast_transformers.append(WithoutTorch())
