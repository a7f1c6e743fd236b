"""nodens lab get: what is there, in kubectl's tables."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nodens.cli.lab.kubectl import cluster_of, parser_of
from nodens.errors import LabError
from nodens.lab.kube import read_asked, render

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Print it; exit code 1 if a name is not there."""
    parser = parser_of(
        "get", "Print nodes, pods, svc, ds, cm or sa as `kubectl get` does, from what is truly there now."
    )
    parser.add_argument("kind", help="such as pods, svc, svc/kube-dns")
    parser.add_argument("name", nargs="?", default="", help="one of them")
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="of all namespaces")
    parser.add_argument("-l", "--selector", default="", metavar="LABEL=VALUE", help="those with a label")
    parser.add_argument(
        "-o", "--output", default="", metavar="FORM", help="wide, yaml, json, name, jsonpath={.spec...}"
    )
    asked = parser.parse_args(words)
    named = [asked.kind, *([asked.name] if asked.name else [])]
    wanted = read_asked(named, "" if asked.all_namespaces else asked.namespace, asked.selector, asked.output)
    cluster = cluster_of(asked)
    cluster.settle()
    try:
        text = render(cluster, wanted)
    except LabError as error:
        if "(NotFound)" not in str(error):
            raise
        sys.stderr.write(f"{error}\n")
        return 1
    if not text:
        sys.stderr.write(f"No resources found in {asked.namespace} namespace.\n")
    sys.stdout.write(text)
    return 0
