"""`nodens check` and `nodens show` on a template: filled in as node-cache would, stand-ins said aloud."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nodens.cli import main

OFFICIAL = str(Path(__file__).parent / "Corefile.base")  # laid out as the official manifest's ConfigMap
TRUE = ["--localip", "169.254.25.10,10.0.0.10", "--cluster-dns", "10.0.0.11", "--domain", "my.cluster"]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], str]:
    def file(name: str, text: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path)

    return file


def test_the_official_template_can_be_served_and_stand_ins_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", OFFICIAL]) == 0
    said = capsys.readouterr()
    assert said.out == f"{OFFICIAL}: can be served: 2 listeners, 8 zones\n"
    assert said.err == (
        f"{OFFICIAL}: a template, filled in with stand-ins: --localip 169.254.20.10,10.96.0.10 "
        "--cluster-dns 10.96.0.11 --domain cluster.local (give these options the true values)\n"
    )


def test_given_values_need_no_stand_ins(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "corefile", OFFICIAL, *TRUE]) == 0
    said = capsys.readouterr()
    assert not said.err
    blocks = said.out.split("}\n\n")
    assert blocks[0].startswith("my.cluster:53 {\n")
    assert "    bind 169.254.25.10 10.0.0.10\n    forward . 10.0.0.11 {\n" in blocks[0]
    assert "    health 169.254.25.10:8080\n" in blocks[0]
    assert "    forward . /etc/resolv.conf\n" in blocks[-1]
    assert "__PILLAR__" not in said.out


def test_the_plan_is_the_one_node_cache_would_make(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "plan", OFFICIAL, "--domain", "my.cluster", "--workers", "1"]) == 0
    said = capsys.readouterr()
    assert "--domain" not in said.err
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in said.out.splitlines()}
    assert lines["engine.listeners[0].zones[0].name"].startswith("my.cluster.")
    assert lines["engine.listeners[0].is_freebind"].startswith("true")
    assert lines["engine.workers"].endswith("# option --workers")


@pytest.mark.parametrize(
    ("text", "expected", "stand_ins"),
    [
        pytest.param("bind __PILLAR__LOCAL__DNS__", "bind 169.254.20.10 10.96.0.10", ["--localip"], id="both"),
        pytest.param("bind __PILLAR__DNS__SERVER__", "bind 10.96.0.10", ["--localip"], id="the second alone"),
        pytest.param(
            "bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__",
            "bind 169.254.20.10 10.96.0.10",
            ["--localip"],
            id="one each",
        ),
        pytest.param("bind 127.0.0.1", "bind 127.0.0.1", None, id="no template"),
    ],
)
def test_addresses_stand_where_the_pillars_stood(
    text: str,
    expected: str,
    stand_ins: list[str] | None,
    write: Callable[[str, str], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = write("Corefile.base", f".:53 {{\n    {text}\n    forward . 192.0.2.1\n}}\n")
    assert main(["show", "corefile", path]) == 0
    said = capsys.readouterr()
    assert f"\n    {expected}\n" in said.out
    assert [word for word in said.err.split() if word.startswith("--")] == (stand_ins or [])


def test_a_config_map_is_merged_in(write: Callable[[str, str], str], capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(write("kube-dns/stubDomains", '{"acme.local": ["192.0.2.7"]}')).parent
    assert main(["show", "corefile", OFFICIAL, *TRUE, "--kubednscm", str(folder)]) == 0
    assert "acme.local:53 {\n    errors\n    cache 30\n    bind 169.254.25.10 10.0.0.10\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        pytest.param([], 2, "Corefile.base:2:5: `cahce` is not a directive", id="a typo has its place"),
        pytest.param(["--kubednscm", "kube-dns"], 2, "stubDomains:1:17: `x` is no upstream address", id="a bad map"),
    ],
)
def test_what_is_wrong_with_a_template_has_its_place(
    words: list[str], code: int, message: str, write: Callable[[str, str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("Corefile.base", ".:53 {\n    cahce 30\n    forward . __PILLAR__CLUSTER__DNS__\n}\n")
    folder = Path(write("kube-dns/stubDomains", '{"acme.local": ["x"]}')).parent
    assert main(["check", path, *(str(folder) if word == "kube-dns" else word for word in words)]) == code
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["--localip", "10.0.0.10,node"], "argument --localip: `node` is not an IP address", id="localip"),
        pytest.param(
            ["--cluster-dns", "kube-dns"], "argument --cluster-dns: `kube-dns` is not an IP", id="cluster dns"
        ),
        pytest.param(["--memory-limit", "64mb"], "--memory-limit: expected bytes, such as 67108864 or 64Mi", id="size"),
    ],
)
def test_options_that_cannot_be_read_are_refused(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["check", OFFICIAL, *words])
    assert message in capsys.readouterr().err


def test_show_directives_is_the_page_in_docs(capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(__file__).parents[2] / "docs" / "corefile.md"
    assert main(["show", "directives"]) == 0
    assert capsys.readouterr().out == page.read_text(encoding="utf-8"), "nodens show directives > docs/corefile.md"
