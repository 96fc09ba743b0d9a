"""Which cells of a notebook an answer needs, and running them."""

import ast
import contextlib
import linecache
import re
import symtable
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

_RUN_ANYWAY = re.compile(r"\s*%%(?:time|timeit|capture|prun|debug)\b[^\n]*\n?")  # magics whose cell is to be run
_PLACES = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Cell:
    """A code cell: its text, what it defines for others and which names it uses, and whether it is Python at all."""

    source: str
    defines: frozenset[str]
    uses: frozenset[str]
    valid: bool


@cache
def read(source: str) -> Cell:
    """Read the text of a cell; lines for the shell become calls that do nothing here."""
    text = _plain(source)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Cell(text, frozenset(_DEF.findall(text)), frozenset(), False)
    try:
        uses = set(_looked_up(symtable.symtable(text, "<cell>", "exec")))
    except (SyntaxError, RecursionError, ValueError):  # what only the compiler finds, such as a return outside
        return Cell(text, frozenset(_defined(tree.body)), frozenset(), False)
    return Cell(text, frozenset(_defined(tree.body)), frozenset(uses), True)


_DEF = re.compile(r"^(?:async )?def (\w+)\(", re.M)


PROGRAM = ("function", "pieces", "at", "before", "after", "given")


def program(
    function: str, pieces: Sequence[str], at: int, before: Sequence[str], after: Sequence[str], given: Sequence[str]
) -> list[str]:
    """Choose the cells that define a function, and all that these need, in the order in which they stand.

    Parameters
    ----------
    pieces
        The cell for the answer, or all that was made of it where it was split.
    at
        How many of ``before`` stand above it.
    before, after
        The other code cells that stand above the check of the answer, and below; those above are looked at first.
    given
        The cells of the course's own notebook, for what the student has removed.

    Returns
    -------
    list of str
        Empty where nothing defines the function.
    """
    answer = _together(pieces)
    places = given, before, after
    own = {name for cell in answer for name in cell.defines}
    chosen = {(1, n) for n in _defining(function, before) if n >= at}  # the last one counts
    if function not in own and not _defining(function, before) and not _defining(function, after):
        return []
    wanted = [function, *(name for cell in answer for name in cell.uses)]
    wanted += [name for _, n in chosen for name in read(before[n]).uses]
    seen = set(own) if function in own else own - {function}
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        for where in (1, 2, 0):
            found = _defining(name, places[where])
            chosen |= {(where, n) for n in found}
            wanted += [used for n in found for used in read(places[where][n]).uses]
            if found:
                break
    first = [read(places[where][n]).source for where, n in sorted(chosen) if (where, n) < (1, at)]
    last = [read(places[where][n]).source for where, n in sorted(chosen) if (where, n) >= (1, at)]
    return [*first, *(cell.source for cell in answer), *last]


def _defining(name: str, sources: Sequence[str]) -> list[int]:
    """Say which cells define a name; only those are read in which it stands at all."""
    return [n for n, source in enumerate(sources) if name in source and name in read(source).defines]


def run(sources: Sequence[str], namespace: dict) -> BaseException | None:
    """Run cells statement by statement, whatever fails; return the first error.

    What follows on a failure is run as well: in a notebook, too, an answer may stand below a cell that does not work.
    """
    first: BaseException | None = None
    for number, source in enumerate(sources, start=1):
        name = f"<cell {number}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        try:
            statements = ast.parse(source, name).body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            first = first or error
            continue
        for statement in statements:
            try:
                exec(compile(ast.Module([statement], []), name, "exec"), namespace)
            except (Exception, SystemExit) as error:
                first = first or error
    return first


class Shell:
    """In place of IPython's: takes all commands and does nothing."""

    def __getattr__(self, name: str):
        return lambda *args, **kwargs: None


def fresh_namespace() -> dict:
    """Make what a notebook's code finds before its first cell."""
    module = types.ModuleType("__main__")
    module.__dict__.update(get_ipython=Shell, display=lambda *args, **kwargs: None)
    return module.__dict__


def _plain(source: str) -> str:
    text = _RUN_ANYWAY.sub("", source, count=1) if source.lstrip().startswith("%%") else source
    if not re.search(r"^\s*[%!?]|\?\s*$|=\s*[%!]", text, re.M):
        return text
    with contextlib.suppress(Exception):
        from IPython.core.inputtransformer2 import TransformerManager

        return TransformerManager().transform_cell(text)
    return text


def _together(pieces: Sequence[str]) -> list[Cell]:
    """Read the pieces of an answer; those that are no Python by themselves are put together with what comes before."""
    cells = [read(piece) for piece in pieces]
    if all(cell.valid for cell in cells):
        return cells
    whole = read("\n".join(pieces))
    return [whole] if whole.valid else [cell for cell in cells if cell.valid] or [whole]


def _looked_up(table: symtable.SymbolTable) -> Iterator[str]:
    """Names that a cell looks up outside of itself: those of its own functions' variables are none of them."""
    top = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (top or symbol.is_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _looked_up(inner)


def _defined(statements: Sequence[ast.stmt]) -> Iterator[str]:
    """Names that statements bind, in branches and loops too, but not within functions and classes."""
    for statement in statements:
        if isinstance(statement, _PLACES):
            yield statement.name
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            for alias in statement.names:
                yield alias.asname or alias.name.partition(".")[0]
        else:
            for field in ("body", "orelse", "finalbody"):
                yield from _defined(getattr(statement, field, ()))
            for handler in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
                yield from _defined(handler.body)
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id
