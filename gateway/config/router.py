"""Endpoints and routes as a tree of path segments, in the order in which they are tried."""

from collections.abc import Iterable

from gateway.config.snapshot import Endpoint, Node, Route, Router
from gateway.config.template import PathTemplate

type State = tuple[int, int]
"""A target's number in the order of trying, and how many segments of its template have been walked."""


def compile_router(endpoints: Iterable[Endpoint], routes: tuple[Route, ...]) -> Router:
    """Compile the tree: endpoints are tried most specific first, then routes in file order."""
    ordered = sorted(endpoints, key=lambda endpoint: specificity(endpoint.template))
    return Router(_Forest((*ordered, *routes)).root())


def specificity(template: PathTemplate) -> tuple[int, ...]:
    """Return the sort key: at the first segment that differs, a literal beats a parameter beats a `{rest*}`."""
    ranks = tuple(0 if segment is not None else 1 for segment in template.segments)
    return ranks if template.rest is None else (*ranks, 2)


class _Forest:
    """Lays all templates over one another, so that walking a path never has to turn back.

    A node stands for the set of templates that a path may still fit (the subset construction of a finite automaton).
    Their number stays near the templates' own, unless many of them have parameters where others have literals.
    """

    def __init__(self, targets: tuple[Endpoint | Route, ...]) -> None:
        self._targets = targets
        self._nodes: dict[frozenset[State], Node] = {}

    def root(self) -> Node:
        """Return the node before a path's first slash."""
        return Node(literals={"": self._node(frozenset((number, 0) for number in range(len(self._targets))))})

    def _node(self, states: frozenset[State]) -> Node | None:
        if not states:
            return None
        known = self._nodes.get(states)
        if known is not None:
            return known
        # Known before it is filled in: what follows `{rest*}` is the same node again.
        node = self._nodes[states] = self._arrive(states)
        for word in self._words(states):
            node.literals[word] = self._node(self._follow(states, word))
        node.other = self._node(self._follow(states, None))
        return node

    def _words(self, states: frozenset[State]) -> set[str]:
        """Return the literals that make a difference here, and the empty segment, which no parameter takes."""
        templates = [(self._targets[number].template, depth) for number, depth in states]
        words = {template.segments[depth] for template, depth in templates if depth < len(template.segments)}
        return {"", *(word for word in words if word is not None)}

    def _follow(self, states: frozenset[State], word: str | None) -> frozenset[State]:
        """Return where a segment leads; None stands for one that is no template's literal, and is not empty."""
        found: set[State] = set()
        for number, depth in states:
            template = self._targets[number].template
            if depth == len(template.segments):
                if template.rest is not None:
                    found.add((number, depth))
            elif word == template.segments[depth] or (template.segments[depth] is None and word != ""):
                found.add((number, depth + 1))
        return frozenset(found)

    def _arrive(self, states: frozenset[State]) -> Node:
        """Return a node with the targets of a path that ends there."""
        node = Node()
        allow: set[str] = set()
        for number, depth in sorted(states):
            target = self._targets[number]
            if depth < len(target.template.segments):
                continue
            if target.method is None:
                node.otherwise = target
                break
            allow.add(target.method)
            node.targets.setdefault(target.method, target)
        if "GET" in node.targets:
            node.targets["HEAD"] = node.targets["GET"]
            allow.add("HEAD")
        node.allow = tuple(sorted(allow))
        return node
