"""The lesson in a real world: its steps hold, and in a broken world the right step says no."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterator

import pytest
from lab_words import Typed

from nodens.lab import lesson
from nodens.lab.kube import Cluster, Pod
from nodens.lab.lesson.model import State
from nodens.lab.world import World, clear, find, standing, wait_until

pytestmark = [pytest.mark.netns, pytest.mark.timeout(120)]

IPTABLES, NFTABLES = ("iptables", False), ("nftables", False)
NODE = "k01-worker"


def quietly(_line: str) -> None:
    """Tell nobody."""


@pytest.fixture(scope="module")
def teacher(raised: World) -> lesson.Teacher:
    """In a world with the cache installed, as steps 3 to 9 do it."""
    found = lesson.Teacher(raised.place)
    found.bring(State.INSTALLED, quietly)
    return found


Run = Callable[[int], lesson.Verdict]


@pytest.fixture
def run(teacher: lesson.Teacher) -> Run:
    """Give `run(14)`."""
    scene = lesson.Scene(proxy=standing(teacher.place).mode)
    return lambda number: teacher.run(lesson.step(scene, number))


def missed(verdict: lesson.Verdict) -> list[str]:
    return [check.says for check, kept in zip(verdict.step.checks, verdict.kept, strict=True) if not kept]


def agent(place: lesson.Teacher) -> Pod:
    return next(pod for pod in Cluster(standing(place.place)).pods() if pod.node == NODE)


@contextlib.contextmanager
def stopped(pod: Pod) -> Iterator[None]:
    """Hold an agent back, so that it repairs nothing."""
    os.kill(pod.status.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pod.status.pid, signal.SIGCONT)


@pytest.mark.parametrize("raised", [IPTABLES, NFTABLES], indirect=True, ids=["iptables", "nftables"])
@pytest.mark.parametrize("number", [1, 2, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21])
def test_a_step_holds_where_the_cache_is_installed(number: int, run: Run) -> None:
    verdict = run(number)
    assert not missed(verdict), lesson.report.render_verdict(verdict)
    assert verdict.holds


@pytest.mark.parametrize("raised", [IPTABLES], indirect=True, ids=["iptables"])
@pytest.mark.parametrize("number", [18, 19, 20, 21])
def test_a_step_holds_alone_where_the_cache_has_counted_nothing_yet(
    number: int, run: Run, teacher: lesson.Teacher
) -> None:
    teacher.bring(State.BEFORE, quietly)
    teacher.bring(State.INSTALLED, quietly)
    verdict = run(number)
    assert verdict.holds, lesson.report.render_verdict(verdict)


@pytest.mark.parametrize("raised", [IPTABLES], indirect=True, ids=["iptables"])
class TestBrokenWorlds:
    """Each breaks one thing, and puts it back."""

    def test_without_notrack_rules_step_14_says_no_and_shows_both(self, run: Run, teacher: lesson.Teacher) -> None:
        world = standing(teacher.place)
        with stopped(agent(teacher)):
            world.run(NODE, "iptables", "-t", "raw", "-D", "PREROUTING", "1")
            world.run(NODE, "iptables", "-t", "raw", "-F", "OUTPUT")
            verdict = run(14)
        assert not verdict.holds
        assert "NOTRACK in OUTPUT for udp to 10.96.0.10" in missed(verdict)
        assert "NOTRACK in PREROUTING for udp to 169.254.20.10" not in missed(verdict)
        told = lesson.report.render_verdict(verdict)
        assert "expected, and not so:\n  NOTRACK in" in told
        assert "-A PREROUTING -d 169.254.20.10/32" in told.partition("seen:")[2]

    def test_without_the_agent_step_18_says_no(self, run: Run, teacher: lesson.Teacher) -> None:
        """Cluster DNS may answer, or nobody: the node's cache does not."""
        pod = agent(teacher)
        pod.signal_keeper(signal.SIGSTOP)  # nothing starts it again meanwhile
        os.kill(pod.status.pid, signal.SIGKILL)
        try:
            verdict = run(18)
        finally:
            pod.signal_keeper(signal.SIGCONT)
            wait_until(lambda: pod.is_ready, 20, "the agent to be back")
        assert not verdict.holds
        assert any("the cache on this node has answered" in each for each in missed(verdict))

    def test_with_another_resolv_conf_steps_2_and_12_say_no(self, run: Run, teacher: lesson.Teacher) -> None:
        path = standing(teacher.place).room("dns-test").path("/etc/resolv.conf")
        before = path.read_text()
        path.write_text(before.replace("ndots:5", "ndots:2"))
        try:
            two, twelve = run(2), run(12)
        finally:
            path.write_text(before)
        assert not two.holds
        assert missed(twelve) == ["resolv.conf as in step 2, byte for byte"]

    def test_without_the_address_on_the_link_steps_11_and_16_say_no(self, run: Run, teacher: lesson.Teacher) -> None:
        world = standing(teacher.place)
        with stopped(agent(teacher)):
            world.run(NODE, "ip", "addr", "del", "10.96.0.10/32", "dev", "nodelocaldns")
            eleven, sixteen = run(11), run(16)
        assert missed(eleven) == ["10.96.0.10/32, scope global"]
        assert not sixteen.holds

    def test_without_kube_proxys_rules_step_15_says_no(self, run: Run, teacher: lesson.Teacher) -> None:
        world = standing(teacher.place)
        saved = world.run(NODE, "iptables-save", "-t", "nat").stdout
        world.run(NODE, "iptables", "-t", "nat", "-F", "KUBE-SERVICES")
        try:
            verdict = run(15)
        finally:
            world.run(NODE, "iptables-restore", text=saved)
        assert missed(verdict) == ["the rule of KUBE-SERVICES for 10.96.0.10, udp"]


@pytest.mark.parametrize("raised", [IPTABLES], indirect=True, ids=["iptables"])
class TestTypedCommands:
    """What a learner types."""

    def test_a_step_that_lacks_something_says_what_and_how(self, teacher: lesson.Teacher, typed: Typed) -> None:
        teacher.bring(State.BEFORE, quietly)
        told = typed("step", "14")
        assert told.returncode == 5
        assert (
            "lab: step 14 needs: the cache is installed and ready\nhint: `nodens lab step 14 --prepare`" in told.stderr
        )
        assert "nodens lab create -f nodelocaldns.yaml" in told.stderr
        assert typed("get", "svc", "kube-dns-upstream", "-n", "kube-system").returncode == 1

    def test_prepare_runs_what_is_missing_and_says_so(self, teacher: lesson.Teacher, typed: Typed) -> None:
        told = typed("step", "14", "--prepare")
        assert told.returncode == 0, told.stdout + told.stderr
        assert "preparing: the cache is installed and ready" in told.stdout
        assert "$ nodens lab create -f nodelocaldns.yaml" in told.stdout
        assert "step 14 holds" in told.stdout
        assert teacher.done[14] is True
        assert "  14  holds  raw table" in typed("steps").stdout

    def test_some_steps_are_run_in_order(self, teacher: lesson.Teacher, typed: Typed) -> None:
        teacher.bring(State.INSTALLED, quietly)
        told = typed("step", "16-17", "14")
        assert told.returncode == 0, told.stdout
        heads = [line for line in told.stdout.splitlines() if line.startswith("step ") and ":" in line]
        assert [line.partition(":")[0] for line in heads] == ["step 16", "step 17", "step 14"]

    def test_a_broken_world_gives_exit_code_1(self, teacher: lesson.Teacher, typed: Typed) -> None:
        with stopped(agent(teacher)):
            standing(teacher.place).run(NODE, "iptables", "-F", "INPUT")
            told = typed("step", "17")
        assert told.returncode == 1
        assert "step 17 DOES NOT HOLD" in told.stdout

    def test_side_by_side_what_was_before_and_what_is(self, teacher: lesson.Teacher, typed: Typed) -> None:
        teacher.bring(State.INSTALLED, quietly)
        told = typed("diff", COLUMNS="160")
        assert told.returncode == 0, told.stderr
        assert "== the pod's /etc/resolv.conf (the same)" in told.stdout
        assert "200 translated and tracked (conntrack)" in told.stdout
        assert "| 0 translated and tracked (conntrack)" in told.stdout
        assert "== in turn, in one minute: 7 times 100 queries each way" in told.stdout
        assert re.search(r"^the cache was faster in \d of 7 turns", told.stdout, re.MULTILINE)

    def test_a_load_tells_who_answered(self, teacher: lesson.Teacher, typed: Typed) -> None:
        teacher.bring(State.INSTALLED, quietly)
        told = typed("load", "--rate", "200", "echo hello from the middle")
        assert told.returncode == 0, told.stderr
        assert "hello from the middle" in told.stdout
        assert " 0 lost; " in told.stdout
        assert " 0 by cluster DNS" in told.stdout
        assert typed("load", "--rate", "5000").returncode == 5

    def test_without_a_world_steps_are_listed_and_nothing_else(self, teacher: lesson.Teacher, typed: Typed) -> None:
        clear(teacher.place)
        assert find(teacher.place) is None
        assert "no world stands: sudo nodens lab up" in typed("steps").stdout
        for words in (("step", "1"), ("get", "pods"), ("diff",), ("load",), ("kill", NODE)):
            told = typed(*words)
            assert (told.returncode, told.stderr) == (5, "lab: no world stands\nhint: sudo nodens lab up\n"), words
