"""The shape of a piece of code, whatever its names, comments and layout: what is left when two people wrote it apart.

Numbers that stand for short runs of its syntax tree, in order; two texts are alike as far as they share such runs.
"""

import ast
import zlib
from collections.abc import Iterator, Sequence

RUN = 8  # nodes; shorter runs stand in any two loops
MOST = 600  # numbers that are kept of one text


def shape_of(source: str) -> list[int]:
    """Return the numbers of a text, each once and in order; none where it is no Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    try:
        words = list(_words(tree))
    except RecursionError:
        return []
    runs = (" ".join(words[k : k + RUN]) for k in range(len(words) - RUN + 1))
    return sorted({zlib.crc32(run.encode()) for run in runs})[:MOST]


def alike(one: Sequence[int], other: Sequence[int]) -> float:
    """Return the share of the runs of both that they have in common, from 0 to 1."""
    a, b = set(one), set(other)
    return len(a & b) / len(a | b) if a or b else 0.0


def _words(node: ast.AST) -> Iterator[str]:
    """Walk over a tree: the kinds of its nodes, operators and numbers, without names, texts and annotations."""
    kind = type(node).__name__
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return  # a docstring, or a comment in quotes
    if isinstance(node, ast.Constant):
        yield f"{kind} {node.value!r}" if isinstance(node.value, int | float) else kind
        return
    if isinstance(node, ast.Load | ast.Store | ast.Del | ast.Pass | ast.Import | ast.ImportFrom):
        return
    yield kind
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_comment", "decorator_list", "ctx"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _words(child)
