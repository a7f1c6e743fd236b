"""An order is obeyed in time, or never: nobody changes addresses behind the back of a reload that was undone."""

from __future__ import annotations

import threading

import pytest

from nodens.errors import NetworkError
from nodens.lifecycle.orders import Orders

SOME = ("10.96.0.10",)


def test_an_order_that_is_not_begun_in_time_is_not_obeyed_later() -> None:
    orders, done = Orders(lambda: None, limit_s=0.05), []
    with pytest.raises(NetworkError, match="cannot change the addresses: not begun in"):
        orders.give(SOME, "nodelocaldns")
    orders.obey(done.append)
    assert done == []


def test_an_order_that_was_begun_is_waited_for_however_long_it_takes() -> None:
    is_begun, may_end, done = threading.Event(), threading.Event(), []
    nudged = threading.Event()
    orders = Orders(nudged.set, limit_s=0.05)

    def do(addresses: tuple[str, ...]) -> None:
        is_begun.set()
        may_end.wait()
        done.append(addresses)

    def obey() -> None:
        nudged.wait()
        orders.obey(do)

    def let_end() -> None:
        is_begun.wait()
        threading.Event().wait(0.2)  # well over the limit
        may_end.set()

    helpers = [threading.Thread(target=target) for target in (obey, let_end)]
    for helper in helpers:
        helper.start()
    orders.give(SOME, "nodelocaldns")
    assert done == [SOME]
    for helper in helpers:
        helper.join()


@pytest.mark.parametrize(
    ("trouble", "is_bug"),
    [
        pytest.param(NetworkError("add the address", "10.96.0.10", "no"), False, id="the node refuses"),
        pytest.param(ZeroDivisionError(), True, id="a bug"),
    ],
)
def test_what_goes_wrong_is_told_to_who_ordered(trouble: Exception, is_bug: bool) -> None:  # noqa: FBT001 - a row's value
    """A bug is told to the one who obeyed, too: he logs it."""
    nudged, told = threading.Event(), []
    orders = Orders(nudged.set)

    def do(_: tuple[str, ...]) -> None:
        raise trouble

    def obey() -> None:
        nudged.wait()
        try:
            orders.obey(do)
        except ZeroDivisionError as bug:
            told.append(bug)

    helper = threading.Thread(target=obey)
    helper.start()
    with pytest.raises(type(trouble)):
        orders.give(SOME, "nodelocaldns")
    helper.join()
    assert bool(told) is is_bug
