"""A walk through a picture that the reader draws: a tree of steps, each of which is reached by choosing a mark.

Whoever plays it knows no rules: the tree holds whatever may be chosen, and the sentences say why something else may not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from course_utils.scenes.step import Step

KEYS = ("ArrowRight", "ArrowDown", "ArrowUp")  # the left arrow takes the last choice back


@dataclass(frozen=True)
class Node:
    """A place in the tree.

    Attributes
    ----------
    step
        What is said and shown when the walk has come here.
    mark
        What was chosen to come here; empty for the beginning.
    next
        The number of the node that each mark leads to, by mark.
    """

    step: Step
    mark: str = ""
    next: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Walk:
    """All walks through a picture.

    Attributes
    ----------
    nodes
        The first is the beginning.
    moves
        For the mark where one is (empty at the beginning) and a key of :data:`KEYS`, the mark that it chooses.
    refusals
        For the mark where one is, a sentence for each mark that cannot be chosen there, and for each key that
        leads to none.

    Raises
    ------
    ValueError
        A node leads outside of the tree or to another mark than it says, or a mark that a key chooses is neither
        allowed nor refused.
    """

    nodes: tuple[Node, ...]
    moves: Mapping[str, Mapping[str, str]]
    refusals: Mapping[str, Mapping[str, str]]

    def __post_init__(self):
        for n, node in enumerate(self.nodes):
            for mark, to in node.next.items():
                if not n < to < len(self.nodes) or self.nodes[to].mark != mark:
                    raise ValueError(f"node {n} leads to node {to} by {mark!r}, and that is not there")
            for key, mark in self.moves.get(node.mark, {}).items():
                if mark not in node.next and mark not in self.refusals.get(node.mark, {}):
                    raise ValueError(
                        f"at node {n} the key {key} chooses {mark!r}, which is neither allowed nor refused"
                    )

    @property
    def depth(self) -> int:
        """How many marks the longest walk chooses."""
        depths = [0] * len(self.nodes)
        for n, node in enumerate(self.nodes):  # each node stands before those that it leads to
            for to in node.next.values():
                depths[to] = depths[n] + 1
        return max(depths)

    @property
    def marks(self) -> frozenset[str]:
        """All marks that can be chosen or are refused somewhere."""
        allowed = {mark for node in self.nodes for mark in node.next}
        return frozenset(allowed | {mark for refused in self.refusals.values() for mark in refused} - set(KEYS))

    def along(self, *marks: str) -> tuple[Step, ...]:
        """Return the steps of one walk.

        Raises
        ------
        ValueError
            One of the marks cannot be chosen where it is chosen; the error says why.
        """
        return tuple(node.step for node in self._follow(marks))

    def _follow(self, marks: tuple[str, ...]) -> Iterator[Node]:
        node = self.nodes[0]
        yield node
        for mark in marks:
            if mark not in node.next:
                raise ValueError(self.refusals.get(node.mark, {}).get(mark, f"{mark!r} cannot be chosen here"))
            node = self.nodes[node.next[mark]]
            yield node

    def to_json(self) -> dict:
        """Return what a player needs; sentences that are said at many places are sent once."""
        sentences = list(dict.fromkeys(says for refused in self.refusals.values() for says in refused.values()))
        number = {says: n for n, says in enumerate(sentences)}
        return {
            "nodes": [node.step.to_json() for node in self.nodes],
            "at": [node.mark for node in self.nodes],
            "next": [dict(node.next) for node in self.nodes],
            "moves": {mark: dict(keys) for mark, keys in self.moves.items()},
            "refused": {
                mark: {what: number[says] for what, says in refused.items()} for mark, refused in self.refusals.items()
            },
            "sentences": sentences,
        }
