"""lab/README.md says what the lesson says: its texts, its commands, and what a recorded run of them printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from doc_pages import HOUSE, pages, shown

from nodens.lab.lesson import Scene, State, recording, steps
from nodens.lab.lesson.model import Command
from nodens.lab.world import Place
from nodens.lab.world.topology import KUBE_DNS_UPSTREAM, lesson

sys.path.insert(0, str(HOUSE / "tools"))

from lesson_page import PAGE, clean, fill, kind_line

STEPS = steps(Scene())
KIND = {step.number: [line for each in step.commands if (line := kind_line(each))] for step in STEPS}
# A Kubernetes with other addresses than the lab's.
KUBECTL = """#!/bin/sh
case "$*" in
*podIP*) printf 10.244.3.7 ;;
*get*pods*) echo pod/node-local-dns-x7x7x ;;
*logs*-l*--tail=-1* | *logs*pod/node-local-dns-x7x7x*)
  echo '[INFO] 10.244.3.77:53124 - 1 "A IN other. udp 54 false 512" NOERROR qr,aa,rd 106 0.000232824s'
  echo '[INFO] 10.244.3.7:53124 - 2 "A IN kubernetes.default. udp 54 false 512" NOERROR qr,aa,rd 106 0.000232824s' ;;
esac
"""


def test_the_page_is_what_the_lesson_and_its_recorded_run_make_of_it() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == fill(page, recording.read()), "`make docs` writes it anew"


def test_every_step_has_its_heading_and_its_part_in_order() -> None:
    page = PAGE.read_text(encoding="utf-8")
    numbers = [step.number for step in STEPS]
    assert [int(found) for found in re.findall(r"^### (\d+)\. ", page, re.MULTILINE)] == numbers
    assert [int(found) for found in re.findall(r"^<!-- step (\d+) -->$", page, re.MULTILINE)] == numbers
    assert len(re.findall(r"^<!-- end of step -->$", page, re.MULTILINE)) == len(numbers)


def test_every_step_shows_what_a_run_printed() -> None:
    recorded = recording.read()
    assert [step.number for step in STEPS if not any(map(clean, recorded.get(step.number, ())))] == []


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        pytest.param(Command(here="nodens lab x", kind="kubectl x"), "kubectl x", id="another line"),
        pytest.param(Command(here="grep x y"), "grep x y", id="the same line"),
        pytest.param(Command(here="nodens lab load x"), "", id="the lab's alone"),
    ],
)
def test_kind_is_told_what_is_typed_there(command: Command, expected: str) -> None:
    assert kind_line(command) == expected


def test_no_line_for_kind_names_the_lab() -> None:
    assert not [line for step in STEPS for each in step.commands if "nodens lab" in (line := kind_line(each))]


def test_no_line_for_kind_has_an_address_that_only_the_lab_has() -> None:
    """Pods and kube-dns-upstream have other addresses there; kube-dns and the node's own are the lesson's."""
    world = lesson()
    only_here = {KUBE_DNS_UPSTREAM.v4, *(pod.address.v4 for pod in world.pods), *(n.address.v4 for n in world.nodes)}
    assert not [(number, line) for number, lines in KIND.items() for line in lines if any(a in line for a in only_here)]


def test_kind_is_asked_for_logs_only_where_there_are_any_and_for_all_of_them() -> None:
    """By a label kubectl gives the last ten lines of each pod, unless it is told otherwise."""
    typed = {
        step.number: [line for each in KIND[step.number] for line in each.splitlines() if not line.startswith("#")]
        for step in STEPS
    }
    early = {State.UP, State.COPIED, State.FILLED, State.READY, State.BEFORE}
    assert not [step.number for step in STEPS if step.needs in early and "kubectl logs" in " ".join(typed[step.number])]
    by_label = [line for lines in KIND.values() for each in lines for line in each.splitlines() if "logs " in line]
    assert by_label
    assert not [line for line in by_label if re.search(r"logs (?!.*\$\().* -l ", line) and "--tail" not in line]


def test_the_query_log_is_found_whatever_address_the_pod_has(tmp_path: Path) -> None:
    (tmp_path / "kubectl").write_text(KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    ran = subprocess.run(
        ["/bin/sh", "-c", KIND[24][-1]],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert [line.split()[1] for line in ran.stdout.splitlines()] == ["10.244.3.7:53124"], ran.stderr


def test_what_is_forwarded_is_read_from_the_file_before_the_cache_is_there(tmp_path: Path) -> None:
    (tmp_path / "nodelocaldns.yaml").write_text((HOUSE / "deploy" / "nodelocaldns.yaml").read_text())
    ran = subprocess.run(["/bin/sh", "-c", KIND[7][0]], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout.count("forward . __PILLAR__CLUSTER__DNS__") == 3
    assert ran.stdout.count("force_tcp") == 3
    assert ran.stdout.count("forward . __PILLAR__UPSTREAM__SERVERS__") == 1


def test_what_pages_say_that_the_lab_touches_is_what_it_touches() -> None:
    """Namespaces and a folder, by the names that they have."""
    true = {f"{Place().prefix}*", str(Place().folder)}
    said = [
        (shown(page.path), name)
        for page in pages()
        for name in re.findall(r"`(/run/nodens-lab[^`/]*|nodens-lab[-.][^`]*)`", page.path.read_text(encoding="utf-8"))
    ]
    assert {name for _, name in said} == true, said
