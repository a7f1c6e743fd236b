"""Options for every mode, and a few ways to look at what is made of them."""

from __future__ import annotations

from typing import Any, Final

from nodens.manifests import Mode, Options, objects

DUAL: Final = {
    "is_dual_stack": True,
    "local_ips": ("169.254.20.10", "fd00:20::10"),
    "dns_ips": ("10.96.0.10", "fd00:96::a"),
}
EVERY: Final[dict[str, Options]] = {
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


def the(options: Options, kind: str) -> dict[str, Any]:
    """Give the one object of a kind."""
    (found,) = [each for each in objects(options) if each["kind"] == kind]
    return found


def pod(options: Options) -> dict[str, Any]:
    """Give the `spec` of the DaemonSet's pods."""
    found: dict[str, Any] = the(options, "DaemonSet")["spec"]["template"]["spec"]
    return found


def container(options: Options) -> dict[str, Any]:
    """Give their one container."""
    (found,) = pod(options)["containers"]
    return dict(found)


def corefile(options: Options) -> str:
    """Give the Corefile of the ConfigMap."""
    return str(the(options, "ConfigMap")["data"]["Corefile"])
