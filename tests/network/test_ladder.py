"""Which rung is chosen, and the one line that says why not a better one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nodens import network
from nodens.errors import NetworkError
from nodens.network import Wishes
from nodens.network.iptables import Iptables
from nodens.plan import LinkWish, SteeringWish

BEST = network.Kernel(
    no_tun="",
    no_dummy="",
    has_owned_tables=True,
    has_tables=True,
    iptables=Iptables(flavour="nft"),
    has_ipset=True,
    drops=False,
)
NO_TUN = "/dev/net/tun: no such file or directory"
OLD = replace(BEST, has_owned_tables=False)
NO_NFT = replace(OLD, has_tables=False)
BARE = replace(NO_NFT, has_ipset=False)
IPTABLES = Wishes(steering=SteeringWish.IPTABLES)


@pytest.mark.parametrize(
    ("wishes", "kernel", "wanted"),
    [
        pytest.param(
            Wishes(), BEST, "rung 1: an nft table that goes with its owner or when beats stop, a tun link", id="best"
        ),
        pytest.param(
            Wishes(),
            replace(BEST, no_tun=NO_TUN),
            "rung 2: an nft table that goes with its owner or when beats stop, a dummy link; not tun: " + NO_TUN,
            id="no tun",
        ),
        pytest.param(
            Wishes(link=LinkWish.DUMMY),
            BEST,
            "rung 2: an nft table that goes with its owner or when beats stop, a dummy link; not tun: asked for dummy",
            id="asked for dummy",
        ),
        pytest.param(
            Wishes(),
            OLD,
            "rung 3: an nft table whose gate empties when beats stop, a tun link;"
            " not owned: the kernel does not tie nft tables to an owner (Linux 5.12)",
            id="an old kernel",
        ),
        pytest.param(
            IPTABLES,
            BEST,
            "rung 4: iptables rules whose gate empties when beats stop, a tun link; not nft: asked for iptables",
            id="asked for iptables",
        ),
        pytest.param(
            Wishes(),
            NO_NFT,
            "rung 4: iptables rules whose gate empties when beats stop, a tun link;"
            " not nft: the kernel refuses to make a table",
            id="no nft",
        ),
        pytest.param(
            Wishes(),
            BARE,
            "rung 5: iptables rules that stay, a dummy link; not nft: the kernel refuses to make a table;"
            " no gate: iptables cannot match an ipset here",
            id="no ipset: a link that stays, as the rules do",
        ),
        pytest.param(
            Wishes(is_left=True),
            BEST,
            "rung 5: iptables rules that stay, a dummy link;"
            " nothing that goes by itself: asked to leave it behind (-skipteardown)",
            id="asked to leave it behind",
        ),
        pytest.param(
            Wishes(is_left=True),
            replace(BEST, iptables=None),
            "rung 5: an nft table that stays, a dummy link;"
            " nothing that goes by itself: asked to leave it behind (-skipteardown)",
            id="asked to leave it behind, no iptables",
        ),
        pytest.param(
            Wishes(),
            replace(BEST, drops=True),
            "rung 1: an nft table that goes with its owner or when beats stop, a tun link,"
            " ACCEPT through iptables, since INPUT or OUTPUT drops",
            id="a firewall",
        ),
        pytest.param(
            Wishes(),
            replace(BEST, drops=True, iptables=None),
            "rung 1: an nft table that goes with its owner or when beats stop, a tun link;"
            " INPUT or OUTPUT drops and there is no iptables to let DNS through",
            id="a firewall without iptables",
        ),
        pytest.param(
            Wishes(sets_link=False, sets_rules=False), BARE, "rung 0: no rules of ours, no link of ours", id="Cilium"
        ),
        pytest.param(
            Wishes(sets_link=False),
            BEST,
            "rung 2: an nft table that goes with its owner or when beats stop, no link of ours",
            id="-setupinterface=false",
        ),
        pytest.param(
            Wishes(sets_rules=False), BEST, "rung 0: no rules of ours, a dummy link", id="-setupiptables=false"
        ),
    ],
)
def test_the_safest_rung_that_the_node_has_is_chosen(wishes: Wishes, kernel: network.Kernel, wanted: str) -> None:
    chosen = network.choose(wishes, kernel)
    assert str(chosen) == wanted
    assert "\n" not in str(chosen)


@pytest.mark.parametrize(
    ("wishes", "kernel", "wanted"),
    [
        pytest.param(
            Wishes(steering=SteeringWish.NFT),
            NO_NFT,
            "-steering=nft: cannot steer: not nft: the kernel refuses to make a table; iptables was not asked for",
            id="asked for nft, which is not there",
        ),
        pytest.param(
            IPTABLES,
            replace(BEST, iptables=None),
            "-steering=iptables: cannot steer: not nft: asked for iptables; no iptables program",
            id="asked for iptables, which is not there",
        ),
        pytest.param(
            Wishes(),
            replace(NO_NFT, iptables=None),
            "-steering=auto: cannot steer: not nft: the kernel refuses to make a table; no iptables program",
            id="neither",
        ),
        pytest.param(
            Wishes(link=LinkWish.TUN),
            replace(BEST, no_tun=NO_TUN),
            "-interfacekind=tun: cannot add the link: not tun: " + NO_TUN,
            id="asked for tun, which is not there",
        ),
        pytest.param(
            Wishes(),
            replace(BEST, no_tun=NO_TUN, no_dummy="dummy: operation not supported"),
            f"-interfacekind=auto: cannot add the link: not tun: {NO_TUN}; not dummy: dummy: operation not supported",
            id="no kind of link",
        ),
    ],
)
def test_a_node_that_has_no_such_rung_is_told_so(wishes: Wishes, kernel: network.Kernel, wanted: str) -> None:
    with pytest.raises(NetworkError) as caught:
        network.choose(wishes, kernel)
    assert str(caught.value) == wanted
