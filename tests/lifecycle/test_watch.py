"""Every way in which files change on a node is noticed, and nothing else is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest

from nodens.lifecycle import watch as watch_file
from nodens.lifecycle.watch import Watch, look, watching

LIMIT_S = 4.0  # below the belt's period: what is noticed in time was noticed by inotify


class Noticed:
    """Counts what the watch tells."""

    def __init__(self) -> None:
        self._told: SimpleQueue[None] = SimpleQueue()

    def __call__(self) -> None:
        self._told.put(None)

    def within(self, limit_s: float) -> bool:
        """Wait for one more."""
        try:
            self._told.get(timeout=limit_s)
        except Empty:
            return False
        return True


@pytest.fixture
def noticed() -> Noticed:
    return Noticed()


@pytest.fixture
def watch(noticed: Noticed) -> Iterator[Watch]:
    with watching(noticed) as made:
        yield made


def config_map(folder: Path, version: str, files: dict[str, str]) -> None:
    """Write a ConfigMap as the kubelet does: a new folder, then one rename of the `..data` link."""
    fresh = folder / f"..{version}"
    fresh.mkdir()
    for name, text in files.items():
        (fresh / name).write_text(text)
    link = folder / "..data_tmp"
    link.symlink_to(fresh.name)
    old = (folder / "..data").readlink() if (folder / "..data").exists() else None
    link.rename(folder / "..data")
    for name in files:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    if old:
        shutil.rmtree(folder / old)


def in_place(path: Path) -> None:
    path.write_text("new in place")


def by_rename(path: Path) -> None:
    other = path.with_name(".other")
    other.write_text("new by rename")
    other.rename(path)


def same_size(path: Path) -> None:
    path.write_text("OLD")


def removed(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("change", [in_place, by_rename, same_size, removed])
def test_a_changed_file_is_noticed_at_once(
    watch: Watch, noticed: Noticed, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    path = tmp_path / "Corefile"
    path.write_text("old")
    watch.follow([path])
    change(path)
    assert noticed.within(LIMIT_S)


def test_a_swapped_config_map_is_noticed_each_time(watch: Watch, noticed: Noticed, tmp_path: Path) -> None:
    config_map(tmp_path, "one", {"Corefile.base": "first"})
    watch.follow([tmp_path / "Corefile.base"])
    for version in ("two", "three", "four"):
        config_map(tmp_path, version, {"Corefile.base": version})
        assert noticed.within(LIMIT_S), version


def test_a_key_that_appears_in_a_watched_folder_is_noticed(watch: Watch, noticed: Noticed, tmp_path: Path) -> None:
    watch.follow([tmp_path])
    config_map(tmp_path, "one", {"stubDomains": "{}"})
    assert noticed.within(LIMIT_S)


def test_a_folder_that_appears_later_is_picked_up(watch: Watch, noticed: Noticed, tmp_path: Path) -> None:
    folder = tmp_path / "etc" / "kube-dns"
    watch.follow([folder])
    assert not noticed.within(0.5)  # it has looked, and sleeps
    folder.mkdir(parents=True)
    assert noticed.within(LIMIT_S)
    (folder / "stubDomains").write_text("{}")
    assert noticed.within(LIMIT_S)


def test_a_link_to_a_file_elsewhere_is_followed(watch: Watch, noticed: Noticed, tmp_path: Path) -> None:
    run, etc = tmp_path / "run", tmp_path / "etc"
    run.mkdir()
    etc.mkdir()
    (run / "stub-resolv.conf").write_text("nameserver 192.0.2.1\n")
    (etc / "resolv.conf").symlink_to("../run/stub-resolv.conf")
    watch.follow([etc / "resolv.conf"])
    (run / "stub-resolv.conf").write_text("nameserver 192.0.2.2\n")
    assert noticed.within(LIMIT_S)


def test_neighbours_and_mere_reading_are_not_noticed(watch: Watch, noticed: Noticed, tmp_path: Path) -> None:
    path = tmp_path / "Corefile"
    path.write_text("old")
    watch.follow([path])
    (tmp_path / "neighbour").write_text("busy")
    path.read_text()
    assert not noticed.within(0.5)


def test_what_is_known_when_following_starts_is_not_news(watch: Watch, noticed: Noticed, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("1")
    watch.follow([first])
    second.write_text("2")
    watch.follow([first, second])
    assert not noticed.within(0.5)
    second.write_text("two")
    assert noticed.within(LIMIT_S)


def test_without_inotify_the_belt_notices(noticed: Noticed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_file, "POLL_S", 0.1)
    path = tmp_path / "Corefile"
    path.write_text("old")
    watch = Watch(noticed)
    os.close(watch._inotify)
    watch._inotify = -1
    watch.start()
    watch.follow([path])
    path.write_text("newer")
    assert noticed.within(LIMIT_S)
    watch.stop()


def test_a_look_tells_hidden_files_from_visible_ones(tmp_path: Path) -> None:
    before = look([tmp_path])
    (tmp_path / ".hidden").write_text("x")
    assert look([tmp_path]) == before
    (tmp_path / "seen").write_text("x")
    assert look([tmp_path]) != before
