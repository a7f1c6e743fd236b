"""nodens lab delete -f FILE, or KIND/NAME: take objects away, as `kubectl delete` does."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from nodens.cli.lab.kubectl import cluster_of, parser_of, read_file, read_key
from nodens.errors import LabError
from nodens.lab.kube import Key

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Take them away in turn; exit code 1 if one was not there."""
    parser = parser_of("delete", "Take objects away, as `kubectl delete` does; pods are ended in good order.")
    parser.add_argument("-f", "--filename", metavar="FILE", help="a manifest; `-` for what comes in")
    parser.add_argument("object", nargs="*", help="or such as daemonset/node-local-dns")
    asked = parser.parse_args(words)
    cluster, code = cluster_of(asked), 0
    with cluster.store.held():
        for key in _keys(asked):
            try:
                cluster.delete(key)
            except LabError as error:
                sys.stderr.write(f"Error from server (NotFound): {error}\n")
                code = 1
            else:
                print(f'{str(key).partition("/")[0]} "{key.name}" deleted', flush=True)
    return code


def _keys(asked: argparse.Namespace) -> list[Key]:
    """Read which."""
    if asked.filename:
        return [found.key for found in read_file(asked)]
    if not asked.object:
        raise LabError("delete: nothing is named; expected -f FILE or KIND/NAME")
    return [read_key(asked.object, asked.namespace)]
