"""What a PromQL expression names: its metrics, and which labels it counts on; read by `promql-parser`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import promql_parser as promql

# What Prometheus itself adds to each series of a target, or an admin for a fleet of clusters.
OF_TARGETS = frozenset({"job", "instance", "cluster", "node", "namespace", "pod", "k8s_app", "name"})
Labels = Mapping[str, frozenset[str]]  # by metric


def metrics_of(expression: str) -> set[str]:
    """Name the metrics."""
    return {selector.name for selector in _selectors(promql.parse(expression))}


def _selectors(tree: Any) -> Iterator[Any]:  # noqa: ANN401 - the parser's nodes have no common type
    if isinstance(tree, promql.MatrixSelector):
        yield tree.vector_selector
    elif isinstance(tree, promql.VectorSelector):
        yield tree
    for part in _parts(tree):
        yield from _selectors(part)


def _parts(tree: Any) -> list[Any]:  # noqa: ANN401 - the parser's nodes have no common type
    if isinstance(tree, promql.BinaryExpr):
        return [tree.lhs, tree.rhs]
    if isinstance(tree, promql.Call):
        return list(tree.args)
    return [tree.expr] if isinstance(tree, promql.AggregateExpr | promql.ParenExpr | promql.UnaryExpr) else []


def labels_of(expression: str, known: Labels) -> frozenset[str]:
    """Give the labels that its result has; LookupError names one that it counts on and no series has."""
    return _labels(promql.parse(expression), known)


def _labels(tree: Any, known: Labels) -> frozenset[str]:  # noqa: ANN401 - the parser's nodes have no common type
    if isinstance(tree, promql.MatrixSelector):
        return _labels(tree.vector_selector, known)
    if isinstance(tree, promql.VectorSelector):
        # What a rule recorded has the labels that the rule left, and no others.
        there = known[tree.name] | (frozenset() if ":" in tree.name else OF_TARGETS)
        _check((matcher.name for matcher in tree.matchers.matchers), there, tree.name)
        return there
    inner = [_labels(part, known) for part in _parts(tree)]
    if isinstance(tree, promql.AggregateExpr):
        names = frozenset(tree.modifier.labels) if tree.modifier else frozenset()
        _check(names, inner[0], tree.prettify())
        return names
    if isinstance(tree, promql.BinaryExpr):
        return _of_two(tree, *inner)
    return _of_call(tree, inner) if isinstance(tree, promql.Call) else frozenset().union(*inner)


def _of_two(tree: promql.BinaryExpr, left: frozenset[str], right: frozenset[str]) -> frozenset[str]:
    """Both sides must have what they are matched on."""
    matching = tree.modifier.matching if tree.modifier else None
    if matching and matching.type == promql.LabelModifierType.Include:
        for side in (left, right):
            _check(matching.labels, side, tree.prettify())
    return left | right if str(tree.op) == "or" else left or right


def _of_call(tree: promql.Call, inner: list[frozenset[str]]) -> frozenset[str]:
    """Two functions make or take a label."""
    if tree.func.name == "label_replace":
        return inner[0] | {tree.args[1].val}
    if tree.func.name == "histogram_quantile":
        _check(["le"], inner[1], tree.prettify())
        return inner[1] - {"le"}
    return frozenset().union(*inner)


def _check(wanted: Iterable[str], there: frozenset[str], where: str) -> None:
    if strange := set(wanted) - there:
        raise LookupError(f"{where}: no label {', '.join(sorted(strange))}; there are {', '.join(sorted(there))}")
