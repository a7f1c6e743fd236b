"""Which choices go together, and what is said of those that do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from modes import DUAL

from nodens.manifests import DEFAULTS, TEMPLATE, Mode, Options, refusals
from nodens.plan import LinkWish, SteeringWish

IPVS: dict[str, Any] = {"mode": Mode.IPVS, "dns_ips": ()}


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        pytest.param({}, [], id="the defaults"),
        pytest.param({"image": "registry.example/team/nodens@sha256:00"}, [], id="an image by its digest"),
        pytest.param({"domain": "cluster.example."}, [], id="a domain with its dot"),
        pytest.param({"dns_ips": ("fd00:96::a",), "local_ips": ("fd00:20::10",)}, [], id="an IPv6 cluster"),
        pytest.param(DUAL, [], id="both families"),
        pytest.param({**DUAL, "dns_ips": ("fd00:96::a", "10.96.0.10")}, [], id="both, the other way round"),
        pytest.param(IPVS, [], id="ipvs"),
        pytest.param({**IPVS, **DUAL, "dns_ips": ()}, [], id="ipvs with both families"),
        pytest.param({"mode": Mode.CILIUM, "dns_ips": ("anything",)}, [], id="cilium, which holds no address"),
        pytest.param({"mode": Mode.NFTABLES, "steering": SteeringWish.NFT}, [], id="nftables, said twice"),
        pytest.param(
            {"dns_ips": ("kube-dns",)}, ["--dns-ip: `kube-dns` is not an IP address"], id="a name for an address"
        ),
        pytest.param(
            {"local_ips": ("169.254.20.300", "::1%lo")},
            ["--local-ip: `169.254.20.300` is not an IP address", "--local-ip: `::1%lo` is not an IP address"],
            id="all that is wrong is said at once",
        ),
        pytest.param(
            {"mode": Mode.IPVS},
            [
                (
                    "--dns-ip: 10.96.0.10 with --mode ipvs; expected none: `kube-ipvs0` holds it already\n"
                    "hint: pods find nodens by the kubelet's `clusterDNS: [169.254.20.10]`"
                )
            ],
            id="the Service's address under ipvs",
        ),
        pytest.param(
            {"dns_ips": ("10.96.0.10", "fd00:96::a")},
            ["--dns-ip: 10.96.0.10, fd00:96::a; expected one address\nhint: --dual-stack takes one of each family"],
            id="two addresses without asking for both families",
        ),
        pytest.param(
            {**DUAL, "dns_ips": ("10.96.0.10",)},
            [
                (
                    "--dns-ip: 10.96.0.10; expected one address of each family\n"
                    "hint: kubectl -n kube-system get service kube-dns -o jsonpath='{.spec.clusterIPs}' shows what it "
                    "has; if it has one alone, leave out --dual-stack"
                )
            ],
            id="both families asked for and one given",
        ),
        pytest.param(
            {**DUAL, "local_ips": ("169.254.20.10", "169.254.20.11")},
            [
                (
                    "--local-ip: 169.254.20.10, 169.254.20.11; expected one address of each family\n"
                    "hint: --local-ip 169.254.20.10,fd00:20::10"
                )
            ],
            id="two of one family",
        ),
        pytest.param(
            {"dns_ips": ()},
            ["--dns-ip: none; expected one address\nhint: --dual-stack takes one of each family"],
            id="no address to answer for",
        ),
        *(
            pytest.param(
                {"local_ips": (text,), "dns_ips": ("fd00:96::a" if ":" in text else "10.96.0.10",)},
                [
                    f"--local-ip: `{text}` {reason}\nhint: expected an address that pods send to, such as "
                    + ("fd00:20::10" if ":" in text else "169.254.20.10")
                ],
                id=f"nobody's address, {text}",
            )
            for text, reason in (
                ("127.0.0.1", "is a loopback address: in a pod it is the pod itself"),
                ("::1", "is a loopback address: in a pod it is the pod itself"),
                ("0.0.0.0", "is every address; expected one"),
                ("::", "is every address; expected one"),
                ("224.0.0.251", "is a group's address, which nobody answers from"),
                ("ff02::fb", "is a group's address, which nobody answers from"),
                ("255.255.255.255", "is a group's address, which nobody answers from"),
            )
        ),
        pytest.param(
            {"dns_ips": ("127.0.0.53",)},
            [
                (
                    "--dns-ip: `127.0.0.53` is a loopback address: in a pod it is the pod itself\n"
                    "hint: expected an address that pods send to, such as 10.96.0.10"
                )
            ],
            id="a node's own resolver for the Service",
        ),
        pytest.param(
            {"local_ips": ("fe80::1",), "dns_ips": ("fd00:96::a",)},
            [
                (
                    "--local-ip: `fe80::1` is link-local, which in IPv6 means nothing without an interface\n"
                    "hint: expected a unique local address, such as fd00:20::10"
                )
            ],
            id="a link-local address of IPv6",
        ),
        pytest.param(
            {"dns_ips": ("fd00:96::a",)},
            [
                (
                    "--local-ip: 169.254.20.10 and --dns-ip fd00:96::a are of two families; expected one\n"
                    "hint: for an IPv6 cluster: --local-ip fd00:20::10"
                )
            ],
            id="an address of each family without asking for both",
        ),
        pytest.param(
            {"local_ips": ("10.96.0.10",)},
            ["--local-ip: `10.96.0.10` is given as --dns-ip, too; expected one of our own"],
            id="one address for both",
        ),
        pytest.param(
            {"domain": "a..b"}, ["--domain: `a..b` is not a domain name: a label is empty"], id="no domain name"
        ),
        pytest.param(
            {"domain": "."},
            ["--domain: `.` is every domain; expected the cluster's, such as cluster.local"],
            id="the root",
        ),
        pytest.param(
            {"namespace": "Kube_System"},
            ["--namespace: `Kube_System` is not a namespace's name; expected letters a-z, digits and `-`, 63 at most"],
            id="no name of a namespace",
        ),
        pytest.param(
            {"image": "a b"}, ["--image: `a b` is not an image; expected such as `nodens:0.1.0`"], id="no image"
        ),
        pytest.param(
            {"cache_size": 10}, ["--cache-size: 10 entries; expected 256 to 16777216"], id="a cache of nothing"
        ),
        pytest.param(
            {"ready_port": 8080},
            ["--ready-port: 8080 is taken by --health-port already; expected another port"],
            id="one port for two",
        ),
        pytest.param(
            {"metrics_port": 53}, ["--metrics-port: 53 is taken by DNS already; expected another port"], id="DNS's own"
        ),
        pytest.param(
            {"health_port": 0}, ["--health-port: 0 is not a port; expected 1 to 65535"], id="a port that is none"
        ),
        pytest.param(
            {"mode": Mode.CILIUM, "link": LinkWish.TUN, "has_legacy_iptables": True},
            [
                "--link: with --mode cilium nothing is steered by nodens: Cilium's redirect policy does it",
                "--legacy-iptables: with --mode cilium nothing is steered by nodens: Cilium's redirect policy does it",
            ],
            id="a link and rules where there are none",
        ),
        pytest.param(
            {"mode": Mode.NFTABLES, "steering": SteeringWish.IPTABLES},
            [
                (
                    "--steering: --mode nftables writes no iptables rules; expected nft or auto\n"
                    "hint: for a kube-proxy in iptables mode: --mode iptables"
                )
            ],
            id="iptables rules where there are none",
        ),
    ],
)
def test_what_does_not_go_together_is_said(chosen: dict[str, Any], expected: list[str]) -> None:
    assert [str(each) for each in refusals(replace(DEFAULTS, **chosen))] == expected


@pytest.mark.parametrize("mode", list(Mode))
def test_a_template_needs_no_addresses(mode: Mode) -> None:
    assert not refusals(replace(TEMPLATE, mode=mode, dns_ips=() if mode is Mode.IPVS else TEMPLATE.dns_ips))


def test_a_template_of_both_families_needs_its_addresses() -> None:
    assert [str(each) for each in refusals(replace(TEMPLATE, is_dual_stack=True))] == [
        f"--template: {word} stands for one address, --dual-stack needs two; expected {option} beside it"
        for option, word in (("--local-ip", "__PILLAR__LOCAL__DNS__"), ("--dns-ip", "__PILLAR__DNS__SERVER__"))
    ]
    assert not refusals(replace(TEMPLATE, **DUAL))


def test_options_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Options().domain = "other"  # type: ignore[misc] # it is frozen, and that is what is tried
