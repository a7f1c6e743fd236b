"""Beside our own steering what the dead left goes, on whichever rung they stood; what lives stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from small_world import BORROWED, OWN, Holder, World, inside, plan_of, rung

from nodens import network

pytestmark = pytest.mark.netns

DEAD = (
    pytest.param(rung("nft", "nothing"), True, id="an nft table that stays"),
    pytest.param(rung("nft", "timeout"), False, id="an nft table with a gate"),
    pytest.param(rung("iptables", "nothing"), True, id="iptables"),
    pytest.param(rung("iptables", "timeout"), False, id="iptables with a gate"),
)


@pytest.mark.parametrize(("theirs", "outlives"), DEAD)
def test_a_living_agents_rules_stay_and_a_dead_ones_go(
    world: World, hold: Callable[..., Holder], theirs: network.Rung, *, outlives: bool
) -> None:
    other = hold(world, plan_of(theirs, instance="other"))
    plan = plan_of(rung())
    with inside(world.node), network.holding(plan) as link, network.steering(plan, link) as steered:
        told = steered.clear_away()
        assert (told.removed, bool(told.standing)) == (0, outlives)
        assert bool(told.whys) is outlives
        other.kill()
        told = steered.clear_away()
        print(told)  # noqa: T201 - figures
        assert (told.removed > 0, told.standing, told.troubles) == (True, 0, [])
        assert steered.clear_away() == network.Leftovers()
        assert steered.missing() == ()
        assert [trace.what for trace in network.look().found if not trace.kept] == []
    with inside(world.node):
        assert network.release().found == []
    assert world.ask(BORROWED[0]) == "cluster"


def test_rules_of_addresses_that_are_not_ours_stay(world: World, hold: Callable[..., Holder]) -> None:
    """Another agent of the node may serve them, or have served them: `nodens release` is for those."""
    theirs = plan_of(rung("iptables", "nothing"), own_addresses=("169.254.20.11",), borrowed_addresses=("10.96.0.11",))
    hold(world, theirs).kill()
    table = plan_of(rung("nft", "nothing"), instance="other", own_addresses=OWN, borrowed_addresses=("10.96.0.11",))
    hold(world, table).kill()
    plan = plan_of(rung())
    with inside(world.node), network.holding(plan) as link, network.steering(plan, link) as steered:
        assert steered.clear_away() == network.Leftovers()
    assert world.on_node("iptables-nft-save", "-t", "raw").count("skip conntrack") == 16
    assert "nodens-other" in world.on_node("nft", "list", "tables")
