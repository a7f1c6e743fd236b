"""kube-proxy's rules as the lab writes them: names, comments and shapes are kube-proxy's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nodens.lab.world import Addresses, kube_dns_upstream, lesson
from nodens.lab.world import proxy_iptables as iptables
from nodens.lab.world import proxy_nftables as nftables
from nodens.lab.world.proxy import digest, frontends

Golden = Callable[[str, str], None]


@pytest.mark.parametrize("family", [4, 6])
def test_the_rules_of_iptables_mode_are_the_golden_ones(family: int, golden: Golden) -> None:
    world = lesson(dual_stack=True)
    text = iptables.compose_base(family) + iptables.compose_services(world, family)
    golden(f"lab/kube-proxy-iptables-{family}.txt", text)


@pytest.mark.parametrize("family", [4, 6])
def test_the_rules_of_nftables_mode_are_the_golden_ones(family: int, golden: Golden) -> None:
    golden(f"lab/kube-proxy-nftables-{family}.nft", nftables.compose(lesson(dual_stack=True), family))


def test_chains_have_the_names_that_every_cluster_has() -> None:
    """Seen in public: these are the same in each cluster, since they are digests of names alone."""
    names = {front.label: iptables.service_chain(front) for front in frontends(lesson(), 4)}
    assert names == {
        "default/kubernetes:https": "KUBE-SVC-NPX46M4PTMTKRN6Y",
        "kube-system/kube-dns:dns": "KUBE-SVC-TCOU7JCQXEZGVUNU",
        "kube-system/kube-dns:dns-tcp": "KUBE-SVC-ERIFXISQEP7F7OF4",
        "kube-system/kube-dns:metrics": "KUBE-SVC-JD5MR3NA4I4DYORP",
    }


@pytest.mark.parametrize(
    ("named", "chain"),
    [
        pytest.param("ns1/svc1/tcp/p80", "ULMVA6XW", id="a Service's port"),
        pytest.param("ns1/svc1/tcp/p80__10.180.0.1/80", "5OJB2KTY", id="an endpoint"),
        pytest.param("ns1/svc1/tcp/p80__fd00.10.180..1/80", "ZVRFLKHO", id="an endpoint of IPv6, dots for colons"),
    ],
)
def test_nftables_chains_are_named_as_kube_proxy_names_them(named: str, chain: str) -> None:
    assert digest(named, 8) == chain


def test_a_service_without_endpoints_is_refused_in_both_modes() -> None:
    lone = kube_dns_upstream()
    world = lesson().with_service(lone)
    world = type(world)(networks=world.networks, nodes=world.nodes, pods=(), services=world.services)
    text = iptables.compose_services(world, 4)
    assert '"kube-system/kube-dns-upstream:dns has no endpoints" -m udp --dport 53 -j REJECT' in text
    assert "KUBE-SVC-TCOU7JCQXEZGVUNU" not in text
    table = nftables.compose(world, 4)
    assert 'no-endpoint-services { 10.96.73.18 . udp . 53 comment "kube-system/kube-dns-upstream:dns" : goto' in table


def test_a_service_that_is_gone_takes_its_chains_along() -> None:
    before = lesson().with_service(kube_dns_upstream())
    text = iptables.compose_services(lesson(), 4, gone=before)
    removed = [line for line in text.splitlines() if line.startswith("-X ")]
    assert len(removed) == 6  # two ports: a chain each, and one for each of two endpoints
    assert not any("TCOU7JCQXEZGVUNU" in line for line in removed)


def test_only_what_has_an_address_of_a_family_is_translated_in_it() -> None:
    assert [front.label for front in frontends(lesson(), 6)] == []
    assert [front.address for front in frontends(lesson(dual_stack=True), 6)] == ["fd00:10:96::a"] * 3
    assert Addresses(v4="10.0.0.1").all == ("10.0.0.1",)
