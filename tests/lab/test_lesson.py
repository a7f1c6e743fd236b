"""The lesson's texts, its looks on recorded outputs, and the way to the state that a step needs. No world, no root."""

from __future__ import annotations

import re

import pytest

from nodens.errors import LabError
from nodens.lab import lesson
from nodens.lab.lesson import ground
from nodens.lab.lesson.ground import Facts
from nodens.lab.lesson.model import Command, State
from nodens.lab.world import ProxyMode

STEPS = lesson.steps(lesson.Scene())
RECORDED = lesson.recording.read()
by_number = pytest.mark.parametrize("step", STEPS, ids=[f"{step.number} {step.title}" for step in STEPS])


def outputs_of(number: int) -> tuple[lesson.Output, ...]:
    return tuple(lesson.Output(text=text, code=0) for text in RECORDED[number])


def test_there_are_27_steps_in_order() -> None:
    assert [step.number for step in STEPS] == list(range(1, 28))


@by_number
def test_a_step_says_in_two_lines_what_it_shows(step: lesson.Step) -> None:
    assert 1 <= len(step.shows.splitlines()) <= 2
    assert step.commands
    assert step.checks


@by_number
def test_what_a_step_printed_in_a_real_run_holds(step: lesson.Step) -> None:
    verdict = lesson.judge(step, outputs_of(step.number), 0.1)
    missed = [check.says for check, kept in zip(step.checks, verdict.kept, strict=True) if not kept]
    assert not missed
    assert verdict.holds


@by_number
def test_a_step_whose_commands_print_nothing_does_not_hold(step: lesson.Step) -> None:
    silence = tuple(lesson.Output(text="", code=0) for _ in step.commands)
    assert not lesson.judge(step, silence, 0.1).holds


@by_number
def test_a_step_whose_command_fails_does_not_hold(step: lesson.Step) -> None:
    failed = tuple(lesson.Output(text=text, code=1) for text in RECORDED[step.number])
    assert not lesson.judge(step, failed, 0.1).holds


# step, which output, what is changed in it, and the expectation that must not hold any more.
BROKEN = [
    pytest.param(1, 0, ("k01-worker2         Ready", "k01-worker2         NotReady"), "three nodes", id="a node down"),
    pytest.param(2, 1, ("ndots:5", "ndots:1"), "resolv.conf", id="another resolv.conf"),
    pytest.param(5, 2, ("        bind 169.254.20.10 10.96.0.10\n", ""), "`bind`", id="no bind"),
    pytest.param(6, 0, ("denial 9984 5", "denial 9984 30"), "denial", id="denials as long as answers"),
    pytest.param(7, 0, ("force_tcp", "prefer_udp"), "force_tcp", id="UDP upstream"),
    pytest.param(9, 1, ("1/1     Running", "0/1     Running"), "1/1 Running", id="not ready"),
    pytest.param(11, 0, ("noop state DOWN", "fq_codel state UP"), "state DOWN", id="a link that is up"),
    pytest.param(12, 1, ("10.96.0.10#53", "169.254.20.10#53"), "Server 10.96.0.10", id="another server"),
    pytest.param(14, 0, ("-j NOTRACK", "-j ACCEPT"), "NOTRACK", id="tracked"),
    pytest.param(15, 3, ("0", "4"), "conntrack", id="entries"),
    pytest.param(16, 1, ("local 10.96.0.10 dev lo", "10.96.0.10 via 172.18.0.1 dev eth0"), "dev lo", id="routed away"),
    pytest.param(17, 0, ("-p tcp", "-p udp"), "ACCEPT for tcp", id="no TCP"),
    pytest.param(25, 2, ("0", "2"), "log", id="still logged"),
    pytest.param(26, 2, ("rung 1:", "rung 5:"), "rung 1 to 4", id="rules that stay"),
    pytest.param(27, 2, (" 0 lost", " 3 lost"), "0 lost", id="three lost"),
]


@pytest.mark.parametrize(("number", "place", "change", "says"), BROKEN)
def test_an_expectation_says_no_where_it_should(number: int, place: int, change: tuple[str, str], says: str) -> None:
    step = STEPS[number - 1]
    outputs = list(outputs_of(number))
    assert change[0] in outputs[place].text
    outputs[place] = lesson.Output(text=outputs[place].text.replace(*change), code=0)
    verdict = lesson.judge(step, tuple(outputs), 0.1)
    missed = [check.says for check, kept in zip(step.checks, verdict.kept, strict=True) if not kept]
    assert any(says in each for each in missed)
    told = lesson.report.render_verdict(verdict)
    assert "DOES NOT HOLD" in told
    assert missed[0] in told.partition("expected, and not so:")[2]
    assert outputs[place].text.splitlines()[-1] in told.partition("seen:")[2]


def test_counters_that_stand_still_are_noticed() -> None:
    """Step 18: the same count before and after means that somebody else answered."""
    outputs = list(outputs_of(18))
    outputs[2] = outputs[0]
    assert not lesson.judge(STEPS[17], tuple(outputs), 0.1).holds


def test_in_nftables_mode_step_15_looks_at_kube_proxys_own_table() -> None:
    step = lesson.step(lesson.Scene(proxy=ProxyMode.NFTABLES), 15)
    assert "nft list table ip kube-proxy" in step.commands[0].here
    assert [other.number for other in lesson.steps(lesson.Scene(proxy=ProxyMode.NFTABLES))] == list(range(1, 28))


def test_a_number_that_is_no_step_is_told() -> None:
    with pytest.raises(LabError, match=r"step 28 is not in the lesson; expected 1 to 27"):
        lesson.step(lesson.Scene(), 28)


@pytest.mark.parametrize(
    ("state", "facts", "begins"),
    [
        pytest.param(State.UP, Facts(), [], id="up, always"),
        pytest.param(State.BEFORE, Facts(), [], id="nothing to take away"),
        pytest.param(State.BEFORE, Facts(is_created=True), ["nodens lab delete"], id="take it away"),
        pytest.param(State.COPIED, Facts(), ["nodens manifests"], id="no copy"),
        pytest.param(State.COPIED, Facts(has_file=True), [], id="a fresh copy"),
        pytest.param(State.COPIED, Facts(has_file=True, is_filled=True), ["nodens manifests"], id="a used copy"),
        pytest.param(State.FILLED, Facts(has_file=True), ["kubedns=", "sed"], id="fill in"),
        pytest.param(State.READY, Facts(), ["nodens manifests", "kubedns=", "sed"], id="from the start"),
        pytest.param(
            State.READY, Facts(has_file=True, is_filled=True, is_created=True), ["nodens lab delete"], id="again"
        ),
        pytest.param(
            State.INSTALLED,
            Facts(has_file=True, is_filled=True),
            ["nodens lab create", "nodens lab rollout"],
            id="install",
        ),
        pytest.param(
            State.INSTALLED,
            Facts(has_file=True, is_filled=True, is_created=True),
            ["nodens lab rollout"],
            id="wait only",
        ),
        pytest.param(State.INSTALLED, Facts(has_file=True, is_created=True, is_ready=True), [], id="installed"),
        pytest.param(
            State.LOGGING,
            Facts(has_file=True, is_filled=True, is_created=True, is_ready=True),
            ["sed", "nodens lab apply"],
            id="logging",
        ),
    ],
)
def test_the_way_to_a_state(state: State, facts: Facts, begins: list[str]) -> None:
    way = ground.way_to(state, facts)
    assert len(way) == len(begins)
    assert all(line.startswith(start) for line, start in zip(way, begins, strict=True))
    assert ground.is_there(state, facts) == (not begins)


def test_the_list_tells_number_title_need_and_what_was_done() -> None:
    listed = lesson.report.render_list(lesson.chapters(lesson.Scene()), {1: True, 14: False})
    assert re.search(r"^ +1  holds  verify the set-up ", listed, re.MULTILINE)
    assert re.search(r"^ +14  NOT    raw table ", listed, re.MULTILINE)
    assert listed.count("needs: ") == 27


def test_markdown_has_every_command_with_its_output() -> None:
    page = lesson.report.render_markdown(lesson.chapters(lesson.Scene()), RECORDED)
    for step in STEPS:
        for command in step.commands:
            assert command.here in page
    assert "serviceaccount/node-local-dns created\nservice/kube-dns-upstream created" in page


def test_the_lines_of_kind_are_shown_beside_ours() -> None:
    shown = lesson.report.render_verdict(lesson.judge(STEPS[0], outputs_of(1), 0.1))
    assert "$ nodens lab get nodes -o wide\n  (Kind: kubectl get nodes -o wide)\n" in shown
    assert isinstance(STEPS[0].commands[0], Command)


@by_number
def test_the_list_gives_a_whole_sentence_of_each_step(step: lesson.Step) -> None:
    listed = lesson.report.render_list(lesson.chapters(lesson.Scene()), {})
    said = listed.partition(f"  {step.number:2}         {step.title}")[2].partition("needs:")[0]
    sentence = " ".join(said.split())
    assert sentence.endswith(".")
    assert " ".join(step.shows.split()).startswith(sentence)
    assert all(len(line) <= 120 for line in listed.splitlines())


@pytest.mark.parametrize(
    ("text", "first"),
    [
        pytest.param("It asks\n10.96.0.10. Then\nit waits.", "It asks 10.96.0.10.", id="an address at its end"),
        pytest.param("One is kept. `log` is not.", "One is kept.", id="code begins the next"),
        pytest.param("It is\nwhole.", "It is whole.", id="one alone"),
        pytest.param("no point", "no point", id="none"),
    ],
)
def test_the_first_sentence_goes_on_over_lines(text: str, first: str) -> None:
    assert lesson.report.first_sentence(text) == first


@pytest.mark.parametrize(
    ("faster", "is_told"),
    [(7, True), (6, True), (5, False), (4, False), (2, False), (1, True), (0, True)],
)
def test_turns_tell_two_ways_apart_only_where_nearly_all_of_them_agree(faster: int, *, is_told: bool) -> None:
    turns = [lesson.turns.Turn(cluster_ms=1.0, cache_ms=0.5 if place < faster else 2.0) for place in range(7)]
    told = lesson.turns.render(turns)
    assert f"the cache was faster in {faster} of 7 turns" in told
    assert ("too close to tell them apart" not in told) == is_told
    assert "translated as before: median 1.00 ms (1.00 to 1.00)" in told
