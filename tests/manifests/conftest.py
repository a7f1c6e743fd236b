"""What every test of manifests looks at."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from nodens.manifests import Mode, Options, objects

HOUSE = Path(__file__).parents[2]
DUAL = {
    "is_dual_stack": True,
    "local_ips": ("169.254.20.10", "fd00:20::10"),
    "dns_ips": ("10.96.0.10", "fd00:96::a"),
}
EVERY: dict[str, Options] = {
    "iptables": Options(),
    "nftables": Options(mode=Mode.NFTABLES),
    "ipvs": Options(mode=Mode.IPVS, dns_ips=()),
    "cilium": Options(mode=Mode.CILIUM),
    "iptables-dual": Options(**DUAL),
    "nftables-dual": Options(mode=Mode.NFTABLES, **DUAL),
    "ipvs-dual": Options(mode=Mode.IPVS, **{**DUAL, "dns_ips": ()}),
    "cilium-dual": Options(mode=Mode.CILIUM, **DUAL),
    "ipv6": Options(local_ips=("fd00:20::10",), dns_ips=("fd00:96::a",)),
}


@pytest.fixture(params=list(EVERY))
def options(request: pytest.FixtureRequest) -> Options:
    """Give every mode, in one family, the other and both."""
    return EVERY[request.param]


@pytest.fixture
def pod() -> Callable[[Options], dict[str, Any]]:
    """Give the pod that a DaemonSet makes."""
    return lambda options: the(options, "DaemonSet")["spec"]["template"]["spec"]


def the(options: Options, kind: str) -> dict[str, Any]:
    """Give the one object of a kind."""
    (found,) = [each for each in objects(options) if each["kind"] == kind]
    return found


def load(text: str) -> list[dict[str, Any]]:
    """Read a file of documents."""
    return [each for each in yaml.safe_load_all(text) if each]


def sed(text: str, values: dict[str, str]) -> str:
    """Fill in a template with the line of the lesson, by sed itself."""
    kubedns, domain, localdns = values["kubedns"], values["domain"], values["localdns"]
    script = (
        f"s/__PILLAR__LOCAL__DNS__/{localdns}/g; s/__PILLAR__DNS__DOMAIN__/{domain}/g; "
        f"s/__PILLAR__DNS__SERVER__/{kubedns}/g"
    )
    return subprocess.run(["sed", script], input=text, capture_output=True, text=True, check=True).stdout


def leaves(value: object) -> Iterator[object]:
    """Give every leaf of plain data."""
    match value:
        case dict():
            for inner in value.values():
                yield from leaves(inner)
        case list():
            for inner in value:
                yield from leaves(inner)
        case _:
            yield value
