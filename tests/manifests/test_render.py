"""YAML of our own making, read by another's reader."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from nodens.manifests import render

KEYS = some.text(max_size=100)  # YAML bounds a key on one line at 1024 characters, escapes counted (1.2.2, 7.4.2)
PLAIN: some.SearchStrategy[Any] = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(KEYS, inner),
)


@given(PLAIN)
def test_what_is_written_is_read_again(value: object) -> None:
    assert yaml.safe_load(render(value)) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("kube-system", "kube-system", id="a name stands bare"),
        pytest.param("__PILLAR__X__", '"__PILLAR__X__"', id="a word for sed is quoted: nobody knows what comes"),
        pytest.param("/run/nodens/Corefile", "/run/nodens/Corefile", id="and a path"),
        pytest.param("true", '"true"', id="a word that is a truth is quoted"),
        pytest.param("Yes", '"Yes"', id="also one of YAML 1.1"),
        pytest.param("9253", '"9253"', id="digits are quoted"),
        pytest.param("1e3", '"1e3"', id="also with an exponent"),
        pytest.param("-localip", '"-localip"', id="a dash is quoted"),
        pytest.param("a: b", '"a: b"', id="a colon and a space are quoted"),
        pytest.param("a #b", '"a #b"', id="a hash is quoted"),
        pytest.param("", '""', id="nothing is quoted"),
        pytest.param(True, "true", id="a truth"),
        pytest.param({}, "{}", id="an empty map"),
        pytest.param([], "[]", id="an empty list"),
    ],
)
def test_a_leaf(value: object, expected: str) -> None:
    assert render({"key": value}) == f"key: {expected}\n"
    assert yaml.safe_load(render({"key": value})) == {"key": value}


def test_a_text_of_lines_stands_as_it_is() -> None:
    assert render({"data": {"Corefile": ".:53 {\n    errors\n\n}\n"}}) == (
        "data:\n  Corefile: |\n    .:53 {\n        errors\n\n    }\n"
    )


def test_a_remark_stands_above_its_place() -> None:
    value = {"spec": {"containers": [{"name": "node-cache", "image": "nodens"}, {"name": "other"}]}}
    remarks = {("spec",): "All.", ("spec", "containers", "node-cache", "image"): "What runs.\nAs given."}
    assert render(value, remarks) == (
        "# All.\nspec:\n  containers:\n  - name: node-cache\n    # What runs.\n    # As given.\n    image: nodens\n"
        "  - name: other\n"
    )
