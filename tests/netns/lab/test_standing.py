"""Up, status, shell and down, as they are typed: all of it or nothing, and afterwards nothing."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from lab_words import Typed, silently

from nodens.lab.world import Place, ProxyMode, Wish, World, clear, find, is_alive, sole_raiser, up, wait_until
from nodens.lab.world.clearing import pids_in

pytestmark = pytest.mark.netns


@pytest.fixture
def world(place: Place) -> World:
    """A world of its own for a test that breaks it."""
    clear(place)
    return up(place, Wish(), silently)


def names_place(place: Place, line: str) -> bool:
    return place.prefix in line or f"{place.folder}/" in line or f"{place.folder} " in line


def traces(place: Place) -> list[str]:
    """What of a world is on this machine: namespaces, its folder, mounts, processes by their command lines."""
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if names_place(place, line)]
    commands = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            commands.append((folder / "cmdline").read_bytes().decode(errors="replace").replace("\0", " "))
    processes = [command for command in commands if names_place(place, command)]
    return [*place.namespaces(), *([str(place.folder)] if place.folder.exists() else []), *mounts, *processes]


def test_up_tells_each_step_and_down_leaves_nothing(place: Place, typed: Typed) -> None:
    clear(place)
    etc = {path.name: path.lstat().st_mtime_ns for path in Path("/etc").iterdir()}
    raised = typed("up")
    assert (raised.returncode, raised.stderr) == (0, "")
    told = raised.stdout.splitlines()
    assert [line.partition(" ")[0] for line in told[:7]] == [f"[{number}/7]" for number in range(1, 8)]
    assert told[7].startswith("the world stands after ")
    standing = find(place)
    assert standing
    assert [is_alive(program) for program in standing.programs()] == [True] * 3
    removed = typed("down")
    assert (removed.returncode, removed.stdout, removed.stderr) == (
        0,
        f"removed: 3 programs, /run/nodens-{place.name}, 7 namespaces\n",
        "",
    )
    assert traces(place) == []
    assert {path.name: path.lstat().st_mtime_ns for path in Path("/etc").iterdir()} == etc
    assert [is_alive(program) for program in standing.programs()] == [False] * 3
    again = typed("down")
    assert (again.returncode, again.stdout) == (0, "nothing was there\n")


def test_a_second_up_says_that_it_stands_and_changes_nothing(world: World, typed: Typed) -> None:
    before = world.place.state_file.read_text()
    again = typed("up")
    assert (again.returncode, again.stdout) == (
        0,
        f"a world stands already at {world.place.folder}: kube-proxy's mode iptables, IPv4\n",
    )
    other = typed("up", "--proxy", "nftables")
    assert (other.returncode, other.stderr) == (
        5,
        "lab: it is another one than asked for\nhint: nodens lab down, then up again\n",
    )
    assert world.place.state_file.read_text() == before


@pytest.mark.parametrize(
    ("tool", "step"),
    [
        pytest.param("mount", "mount /run/", id="the folder"),
        pytest.param("ip", "make 7 namespaces", id="namespaces"),
        pytest.param("unshare", "furnish nodes and pods", id="rooms"),
        pytest.param("iptables-restore", "write kube-proxy's rules on 3 nodes", id="rules"),
        pytest.param("python", "start cluster DNS twice", id="programs"),
    ],
)
def test_what_fails_half_way_is_named_and_all_is_taken_back(
    tool: str, step: str, place: Place, typed: Typed, tmp_path: Path
) -> None:
    clear(place)
    broken = tmp_path / tool
    broken.write_text("#!/bin/sh\necho out of order >&2\nexit 1\n")
    broken.chmod(0o755)
    more = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    if tool == "python":  # not found by its name: a program that ends at once, instead
        (tmp_path / "sitecustomize.py").write_text(
            "import sys\nif 'nodens.lab.world.serve_cluster' in sys.orig_argv: raise SystemExit('out of order')\n"
        )
        more["PYTHONPATH"] = str(tmp_path)
    failed = typed("up", **more)
    assert failed.returncode == 5
    assert f"lab: cannot {step}" in failed.stderr
    assert "out of order" in failed.stderr
    assert failed.stderr.endswith("hint: everything was taken back\n")
    assert traces(place) == []


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_up_that_is_interrupted_takes_everything_back(sign: signal.Signals, place: Place) -> None:
    clear(place)
    environment = {**os.environ, "NODENS_LAB": place.name}
    command = [sys.executable, "-u", "-m", "nodens", "lab", "up"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as raising:
        assert raising.stdout
        assert raising.stdout.readline().startswith("[1/7]")
        raising.send_signal(sign)
        _, said = raising.communicate(timeout=25)
    assert (raising.returncode, said) == (5, "\nlab: interrupted; everything was taken back\n")
    assert traces(place) == []


@pytest.mark.usefixtures("world")
def test_status_tells_what_stands(typed: Typed) -> None:
    told = json.loads(typed("status", "--json").stdout)
    assert (told["standing"], told["proxy"], told["families"]) == ("whole", "iptables", [4])
    assert [(node["name"], node["addresses"], node["rules"], node["cache"]["installed"]) for node in told["nodes"]] == [
        ("k01-control-plane", ["172.18.0.2"], 4, False),
        ("k01-worker", ["172.18.0.3"], 4, False),
        ("k01-worker2", ["172.18.0.4"], 4, False),
    ]
    assert [(pod["node"], pod["addresses"], pod["ready"]) for pod in told["pods"]] == [
        ("k01-control-plane", ["192.168.154.194"], True),
        ("k01-worker2", ["192.168.180.193"], True),
        ("k01-worker", ["192.168.82.65"], True),
    ]
    assert [(each["name"], each["well"]) for each in told["programs"]] == [
        ("resolver", True),
        ("coredns", True),
        ("coredns", True),
    ]
    shown = typed("status")
    assert shown.returncode == 0
    assert "k01-worker         172.18.0.3  192.168.82.64/26    4      not installed" in shown.stdout


def test_status_sees_a_program_that_died_and_a_link_that_was_left(world: World, typed: Typed) -> None:
    died = world.programs(role="cluster DNS")[0]
    os.kill(died.pid, signal.SIGKILL)
    wait_until(lambda: died.pid not in pids_in(world.place), 5, "its end")
    world.run("k01-worker", "ip", "link", "add", "nodelocaldns", "type", "bridge")
    world.run("k01-worker", "ip", "addr", "add", "169.254.20.10/32", "dev", "nodelocaldns")
    shown = typed("status")
    assert shown.returncode == 5
    assert "stands, but not all of it is well" in shown.stdout
    assert f"{died.room}  {died.pid}" in shown.stdout
    assert "left over: no program; 169.254.20.10" in shown.stdout
    again = typed("up")
    assert (again.returncode, again.stderr.splitlines()[0]) == (5, f"lab: ended since: coredns on {died.room}")


def break_state(world: World) -> None:
    world.place.state_file.write_text("{")


def forget_state(world: World) -> None:
    world.place.state_file.unlink()


def lose_a_namespace(world: World) -> None:
    subprocess.run(["ip", "netns", "del", world.place.namespace("k01-worker")], check=True)


def kill_everything(world: World) -> None:
    for pid in pids_in(world.place):
        os.kill(pid, signal.SIGKILL)


def lose_the_folder(world: World) -> None:
    subprocess.run(["umount", "-R", "-l", str(world.place.folder)], check=True)


def boot_anew(world: World) -> None:
    """What a reboot leaves where /run is no file system of its own: files, no mounts, no processes."""
    told = json.loads(world.place.state_file.read_text())
    clear(world.place)
    world.place.folder.mkdir()
    world.place.state_file.write_text(json.dumps({**told, "boot": "another"}))
    (Path("/run/netns") / world.place.namespace("k01-worker")).touch()


@pytest.mark.parametrize(
    "harm", [break_state, forget_state, lose_a_namespace, kill_everything, lose_the_folder, boot_anew]
)
def test_down_clears_a_world_that_is_half_dead(harm: object, world: World, typed: Typed) -> None:
    assert callable(harm)
    harm(world)
    if harm in {forget_state, boot_anew, lose_the_folder}:
        shown = typed("status")
        assert (shown.returncode, "only what is left of one" in shown.stdout) == (5, True)
        raised = typed("up")
        assert raised.returncode == 5
        assert "`nodens lab down` clears" in raised.stderr
    assert typed("down").returncode == 0
    assert traces(world.place) == []


@pytest.mark.usefixtures("world")
def test_a_shell_runs_a_command_and_gives_its_exit_code(typed: Typed) -> None:
    told = typed("shell", "k01-worker", "--", "sh", "-c", "hostname; exit 7")
    assert (told.returncode, told.stdout) == (7, "k01-worker\n")
    wrong = typed("shell", "k02", "--", "true")
    assert wrong.returncode == 5
    assert wrong.stderr.startswith("lab: `k02` is not a room here; expected one of: outside, k01-control-plane,")


def test_a_shell_without_a_command_says_where_one_is(world: World) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "nodens", "lab", "shell", "--world", world.place.name]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as shell:
        os.close(theirs)
        os.write(ours, b"cat /etc/resolv.conf; exit\n")
        said = b""
        with contextlib.suppress(OSError):  # the terminal is gone when the shell is
            while piece := os.read(ours, 4096):
                said += piece
        assert shell.wait(10) == 0
    os.close(ours)
    assert b"this is dns-test; leave with Ctrl-D" in said
    assert b"dns-test\x1b[0m:/# " in said
    assert b"nameserver 10.96.0.10" in said


def test_two_worlds_stand_beside_each_other(world: World) -> None:
    other = Place(f"{world.place.name}-b")
    try:
        second = up(other, Wish(mode=ProxyMode.NFTABLES), silently)
        for each in (world, second):
            assert each.ask("dns-test", "10.96.0.10", "kubernetes.default.svc.cluster.local").rcode == "NOERROR"
        clear(world.place)
        assert traces(world.place) == []
        assert second.ask("dns-test", "10.96.0.10", "kubernetes.default.svc.cluster.local").rcode == "NOERROR"
    finally:
        clear(other)


def test_while_a_world_is_raised_nobody_is_told_to_clear_it_away(place: Place, typed: Typed) -> None:
    clear(place)
    with sole_raiser(place):
        place.folder.mkdir()
        busy, shown = typed("up"), typed("status")
        place.folder.rmdir()
    assert (busy.returncode, busy.stderr) == (
        5,
        f"lab: another `up` is raising this world (pid {os.getpid()})\nhint: wait for it; `nodens lab status` tells\n",
    )
    assert (shown.returncode, shown.stdout) == (5, f"world {place.name}: is being raised (pid {os.getpid()})\n")
    assert typed("up").returncode == 0


def test_of_two_that_raise_at_once_one_does_and_the_other_harms_nothing(place: Place, typed: Typed) -> None:
    clear(place)
    command = [sys.executable, "-m", "nodens", "lab", "up", "--world", place.name]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [each.communicate(timeout=25) for each in both]
    won = [each.returncode for each in both].index(0)
    assert "the world stands after" in said[won][0] + said[1 - won][0]
    assert "lab down` clears" not in said[0][1] + said[1][1]
    assert typed("status").returncode == 0


def test_what_is_hinted_names_the_world_that_was_asked_for(place: Place, typed: Typed) -> None:
    """Without the environment's word: as it is typed, it works."""
    clear(place)
    named = {"NODENS_LAB": "lab"}
    word = ("--world", place.name)
    assert f"hint: sudo nodens lab up --world {place.name}\n" in typed("get", "pods", *word, **named).stderr
    assert f"hint: sudo nodens lab up --world {place.name}\n" in typed("status", *word, **named).stdout
    told = typed("up", *word, **named)
    hinted = [line.split("nodens lab ", 1)[1].split() for line in told.stdout.splitlines() if "nodens lab " in line]
    assert [words[0] for words in hinted] == ["status", "shell", "shell", "down"]
    missing = typed("step", "14", *word, **named)
    assert f"`nodens lab step 14 --prepare --world {place.name}` runs what is missing" in missing.stderr
    assert f"      export NODENS_LAB={place.name}\n" in missing.stderr
    assert typed(*hinted[0], **named).returncode == 0
    assert typed(*hinted[3], **named).stdout.startswith("removed: ")
