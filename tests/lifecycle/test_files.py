"""Files that are written whole, and the pid file."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from nodens.errors import ConfigError
from nodens.lifecycle import read_file, service_address, service_variable
from nodens.lifecycle.files import write_whole
from nodens.lifecycle.pidfile import held, remove
from nodens.lifecycle.source import SIZE_LIMIT_BYTES
from nodens.lifecycle.template import read_folder
from nodens.lifecycle.words import spell, spell_duration
from nodens.observe import Log


def test_a_new_file_has_the_mode_of_any_new_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        write_whole(tmp_path / "Corefile", "text")
    finally:
        os.umask(mask)
    assert [path.name for path in tmp_path.iterdir()] == ["Corefile"]
    assert oct((tmp_path / "Corefile").stat().st_mode)[-3:] == "640"


def test_an_old_file_is_replaced_in_one_step_and_an_equal_one_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "Corefile"
    path.write_text("old")
    before = path.stat().st_ino
    write_whole(path, "new")
    after = path.stat()
    assert (path.read_text(), after.st_ino != before) == ("new", True)
    write_whole(path, "new")
    assert path.stat().st_ino == after.st_ino
    assert path.stat().st_mtime_ns == after.st_mtime_ns


def test_a_link_is_followed_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_whole(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_what_cannot_be_renamed_over_is_written_in_place(tmp_path: Path) -> None:
    path = tmp_path / "Corefile"
    path.write_text("old")
    (tmp_path / f".Corefile.{os.getpid()}").mkdir()  # no room for the file beside it
    before = path.stat().st_ino
    write_whole(path, "new")
    assert (path.read_text(), path.stat().st_ino) == ("new", before)


def test_what_cannot_be_written_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_whole(tmp_path / "nowhere" / "Corefile", "text")


def test_the_pid_file_is_removed_only_while_it_is_ours(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    with held(str(path), Log()):
        assert path.read_text() == f"{os.getpid()}\n"
    assert not path.exists()
    path.write_text("1\n")
    remove(str(path))
    assert path.exists()


def test_a_pid_file_replaces_a_link_and_leaves_what_it_led_to(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "pid").symlink_to("victim")
    with held(str(tmp_path / "pid"), Log()):
        assert (tmp_path / "pid").read_text() == f"{os.getpid()}\n"
        assert not (tmp_path / "pid").is_symlink()
    assert (tmp_path / "victim").read_text() == "precious"


def test_a_pid_file_that_cannot_be_written_is_a_line_not_an_end(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with held(str(tmp_path / "nowhere" / "pid"), Log(writing)):
        pass
    os.close(writing)
    with os.fdopen(reading) as said:
        assert said.read() == f"[ERROR] {tmp_path}/nowhere/pid: cannot write the pid file: no such file or directory\n"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"\xff.:53 {\n}\n", "byte 0 is not UTF-8", id="not text"),
        pytest.param(b"#" * (SIZE_LIMIT_BYTES + 1), "the file is over the limit of 1048576 bytes", id="too long"),
        pytest.param(None, "cannot read: no such file or directory", id="missing"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem_with_its_place(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    path = tmp_path / "Corefile"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"^{re.escape(f'{path}: {why}')}$"):
        read_file(str(path))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match=r"pipe: a pipe or a device; expected a file$"):
        read_file(str(tmp_path / "pipe"))


def test_a_folder_gives_its_visible_files_through_links(tmp_path: Path) -> None:
    (tmp_path / "..one").mkdir()
    (tmp_path / "..one" / "stubDomains").write_text("{}")
    (tmp_path / "stubDomains").symlink_to("..one/stubDomains")
    (tmp_path / "..data").symlink_to("..one")
    (tmp_path / "folder").mkdir()
    assert read_folder(tmp_path) == {"stubDomains": "{}"}
    assert read_folder(tmp_path / "missing") == {}


@pytest.mark.parametrize(
    ("service", "environment", "address"),
    [
        pytest.param("kube-dns", {"KUBE_DNS_SERVICE_HOST": "10.96.0.10"}, "10.96.0.10", id="the default"),
        pytest.param("a-b-c", {"A_B_C_SERVICE_HOST": "fd00:0::a"}, "fd00::a", id="IPv6 is made canonical"),
        pytest.param("kube-dns", {}, None, id="missing"),
        pytest.param("kube-dns", {"KUBE_DNS_SERVICE_HOST": ""}, None, id="empty"),
        pytest.param("kube-dns", {"KUBE_DNS_SERVICE_HOST": "None"}, None, id="headless"),
    ],
)
def test_a_service_is_found_by_its_variable(service: str, environment: dict[str, str], address: str | None) -> None:
    assert service_address(service, environment) == address
    assert service_variable(service).endswith("_SERVICE_HOST")


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(500, "500ms"), (1000, "1s"), (1500, "1.5s"), (60_000, "1m0s"), (90_000, "1m30s"), (3_600_000, "1h0m0s")],
)
def test_durations_are_said_as_go_says_them(milliseconds: int, text: str) -> None:
    assert spell_duration(milliseconds) == text


@pytest.mark.parametrize(("address", "text"), [("127.0.0.1", "127.0.0.1:53"), ("::1", "[::1]:53")])
def test_addresses_are_said_with_their_port(address: str, text: str) -> None:
    assert spell(address, 53) == text
