"""destroy.sh: removes what is there, all of it, and nothing else."""

from __future__ import annotations

import pytest
from kind_bench import Bench, Row


def test_with_nothing_there_it_says_so_and_changes_nothing(bench: Bench) -> None:
    ended = bench.run("destroy.sh")
    assert (ended.code, ended.said) == (0, "nothing of the lesson stands here\n")
    assert not [call for call in bench.asked if "destroy" in call or "delete" in call or " rm " in call]


def test_everything_goes_and_a_second_time_there_is_nothing(bench: Bench) -> None:
    bench.stand("cluster")
    (bench.lab / "k01.kubeconfig").touch()
    (bench.lab / "clab-k01").mkdir()
    ended = bench.run("destroy.sh", "--yes")
    assert ended.code == 0, ended.said
    assert ended.said.endswith("removed; nothing is left\n")
    for line in ("Kind cluster k01", "container c1", f"file {bench.lab}/k01.kubeconfig"):
        assert f"    {line}\n" in ended.said
    assert "containerlab destroy -t k01.clab.yaml --cleanup" in bench.asked
    assert not (bench.lab / "k01.kubeconfig").exists()
    assert not (bench.lab / "clab-k01").exists()
    assert bench.run("destroy.sh", "--yes").said == "nothing of the lesson stands here\n"


def test_a_containerlab_that_fails_does_not_keep_the_rest_from_going(bench: Bench) -> None:
    bench.stand("cluster")
    bench.rows = [Row(asked="^containerlab", code=1)]
    ended = bench.run("destroy.sh", "--yes")
    assert ended.code == 0, ended.said
    assert "destroy.sh: containerlab: could not; going on without it\n" in ended.said
    assert "kind delete cluster --name k01" in bench.asked


def test_containers_that_kind_forgot_are_found_by_their_label(bench: Bench) -> None:
    bench.stand("container")
    bench.rows = [
        Row(asked="^docker rm -f c7", removes="container"),
        Row(asked="^docker ps .*containerlab=k01", standing="container", says="c7\n"),
    ]
    ended = bench.run("destroy.sh", "--yes")
    assert ended.code == 0, ended.said
    assert "docker rm -f c7" in bench.asked


def test_what_cannot_be_removed_is_named(bench: Bench) -> None:
    bench.stand("cluster")
    bench.rows = [Row(asked="^(containerlab|kind delete|docker rm)", code=1)]
    ended = bench.run("destroy.sh", "--yes")
    assert ended.code == 1
    assert "destroy.sh: still there: Kind cluster k01, container c1, container c2, container c3\n" in ended.said


@pytest.mark.parametrize(
    ("typed", "code", "expected"),
    [
        pytest.param(None, 2, "nobody is there to be asked; nothing was removed", id="nobody there"),
        pytest.param("no", 1, "left as it was", id="no"),
        pytest.param("y", 1, "left as it was", id="anything but yes"),
        pytest.param("yes", 0, "removed; nothing is left", id="yes"),
    ],
)
def test_without_yes_it_asks(bench: Bench, typed: str | None, code: int, expected: str) -> None:
    bench.stand("cluster")
    ended = bench.run("destroy.sh", typed=typed)
    assert ended.code == code
    assert expected in ended.said
    assert ("containerlab destroy -t k01.clab.yaml --cleanup" in bench.asked) is (code == 0)


def test_no_kubernetes_api_is_asked_so_no_other_cluster_can_be_meant(bench: Bench) -> None:
    bench.lack("kubectl")
    bench.stand("cluster")
    assert bench.run("destroy.sh", "--yes").code == 0


@pytest.mark.parametrize("tool", ["docker", "containerlab", "kind"])
def test_a_missing_tool_is_named_before_anything_is_done(bench: Bench, tool: str) -> None:
    bench.lack(tool)
    bench.stand("cluster")
    ended = bench.run("destroy.sh", "--yes")
    assert ended.code == 2
    assert f"destroy.sh: {tool}: is not on PATH\nhint: " in ended.said
    assert bench.asked == ["id -u"]


@pytest.mark.parametrize(("word", "code"), [("--help", 0), ("--force", 2)])
def test_words_are_read_before_anything_is_asked(bench: Bench, word: str, code: int) -> None:
    assert bench.run("destroy.sh", word).code == code
    assert bench.asked == []
