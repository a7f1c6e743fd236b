"""What kube-proxy left, in its three spellings, read as translations."""

from __future__ import annotations

import json

import pytest

from nodens.network import proxy

# As a real kube-proxy writes it: two endpoints, the second service without any.
SAVED = """\
*nat
:KUBE-SERVICES - [0:0]
[5:300] -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
[41:2460] -A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m comment --comment "kube-dns:dns" --dport 53 -j KUBE-SVC-UDP
[0:0] -A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "kube-dns:dns-tcp" --dport 53 -j KUBE-SVC-TCP
[0:0] -A KUBE-SERVICES -d 10.96.0.10/32 -p tcp --dport 9153 -j KUBE-SVC-MET
[9:540] -A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
[1:60] -A KUBE-SVC-UDP ! -s 10.244.0.0/16 -d 10.96.0.10/32 -p udp -m udp --dport 53 -j KUBE-MARK-MASQ
[20:1200] -A KUBE-SVC-UDP -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-A
[21:1260] -A KUBE-SVC-UDP -j KUBE-SEP-B
[0:0] -A KUBE-SEP-A -s 10.244.0.2/32 -j KUBE-MARK-MASQ
[20:1200] -A KUBE-SEP-A -p udp -m udp -j DNAT --to-destination 10.244.0.2:53
[21:1260] -A KUBE-SEP-B -p udp -m udp -j DNAT --to-destination 10.244.0.3:53
COMMIT
"""


def test_iptables_rules_are_followed_to_their_endpoints() -> None:
    udp, tcp = proxy.read_iptables(SAVED, ["10.96.0.10"], 53)
    assert (udp.protocol, udp.endpoints, udp.packets) == ("udp", ("10.244.0.2:53", "10.244.0.3:53"), 41)
    assert (tcp.protocol, tcp.endpoints, tcp.packets) == ("tcp", (), 0)
    assert proxy.read_iptables(SAVED, ["10.96.0.11"], 53) == ()
    assert proxy.has_services(SAVED)
    assert not proxy.has_services("*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n")


def test_chains_that_lead_into_each_other_have_an_end() -> None:
    text = """\
[1:1] -A KUBE-SERVICES -d 10.96.0.10/32 -p udp --dport 53 -j A
[1:1] -A A -j B
[1:1] -A B -j A
[1:1] -A B -j DNAT --to-destination 10.244.0.2:53
"""
    assert proxy.read_iptables(text, ["10.96.0.10"], 53)[0].endpoints == ("10.244.0.2:53",)


def listed(key: object, *rules: dict[str, object]) -> str:
    parts: list[object] = [
        {"metainfo": {"version": "1.0.6"}},
        {"map": {"name": "service-ips", "elem": [[key, {"goto": {"target": "service"}}]]}},
        *({"rule": rule} for rule in rules),
    ]
    return json.dumps({"nftables": parts})


BALANCED = {
    "chain": "service",
    "expr": [
        {"counter": {"packets": 12, "bytes": 720}},
        {
            "vmap": {
                "key": {"numgen": {"mode": "random", "mod": 2}},
                "data": {"set": [[0, {"goto": {"target": "one"}}], [1, {"goto": {"target": "two"}}]]},
            }
        },
    ],
}
ONE = {"chain": "one", "expr": [{"dnat": {"addr": "10.244.0.2", "port": 53}}]}
TWO = {"chain": "two", "expr": [{"jump": {"target": "mark-for-masquerade"}}, {"dnat": {"addr": "fd00::3", "port": 53}}]}
PLAIN_KEY = {"concat": ["10.96.0.10", "udp", 53]}
COMMENTED_KEY = {"elem": {"val": PLAIN_KEY, "comment": "kube-system/kube-dns:dns"}}


@pytest.mark.parametrize("key", [PLAIN_KEY, COMMENTED_KEY], ids=["plain", "with a comment"])
def test_the_service_map_of_nftables_is_followed_to_its_endpoints(key: object) -> None:
    (found,) = proxy.read_nftables(listed(key, BALANCED, ONE, TWO), ["10.96.0.10"], 53)
    assert (found.protocol, found.endpoints, found.packets) == ("udp", ("10.244.0.2:53", "[fd00::3]:53"), 12)


def test_other_addresses_and_ports_of_the_map_are_passed_over() -> None:
    text = listed(PLAIN_KEY, BALANCED, ONE, TWO)
    assert proxy.read_nftables(text, ["10.96.0.11"], 53) == ()
    assert proxy.read_nftables(text, ["10.96.0.10"], 54) == ()
    with pytest.raises(ValueError, match="Expecting value"):
        proxy.read_nftables("nft: segmentation fault", ["10.96.0.10"], 53)


IPVS = """\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A60000A:0035 rr
  -> 0AF40002:0035      Masq    1      0          0
UDP  0A60000A:0035 rr
  -> 0AF40002:0035      Masq    1      0          3
  -> 0AF40003:0035      Masq    1      0          2
UDP  [fd00:0096:0000:0000:0000:0000:0000:000a]:0035 rr
  -> [fd00:0002:0000:0000:0000:0000:0000:0010]:0035      Masq    1      0          2
"""


def test_ipvs_services_are_read_with_their_endpoints() -> None:
    found = proxy.read_ipvs(IPVS, ["10.96.0.10", "fd00:96::a"], 53)
    assert [(each.protocol, each.address, each.endpoints) for each in found] == [
        ("tcp", "10.96.0.10", ("10.244.0.2:53",)),
        ("udp", "10.96.0.10", ("10.244.0.2:53", "10.244.0.3:53")),
        ("udp", "fd00:96::a", ("[fd00:2::10]:53",)),
    ]


@pytest.mark.parametrize(
    ("links", "wanted"),
    [
        pytest.param(["lo", "eth0", "cilium_host"], "Cilium", id="Cilium"),
        pytest.param(["lo", "bpfin.cali"], "Calico's eBPF", id="Calico"),
        pytest.param(["lo", "cali123"], "", id="nobody"),
    ],
)
def test_whoever_does_without_kube_proxy_is_known_by_links(links: list[str], wanted: str) -> None:
    assert proxy.other_proxy(links) == wanted
