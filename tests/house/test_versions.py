"""Versions move together; nothing names a machine or a registry."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import nodens


def test_cargo_pyproject_and_the_package_agree(house: Path) -> None:
    project = tomllib.loads((house / "pyproject.toml").read_text())["project"]["version"]
    cargo = tomllib.loads((house / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    assert project == cargo == nodens.__version__


def test_no_file_names_a_registry_host_or_a_path_of_a_machine(house: Path) -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=house, capture_output=True, text=True, check=True).stdout.split()
    words = [
        "artifac" + "tory",
        "index.cra" + "tes.io:",
        "/work/" + "main",
        "/work/" + "shared",
        "/tmp/" + "wt",
        "/root/" + ".",
    ]
    # In a stage of the image the home of root is the stage's own, on whatever machine.
    stages = {"deploy/Containerfile", "deploy/image/build"}
    told = [
        f"{name}: {word}"
        for name in tracked
        if (house / name).is_file() and (house / name).stat().st_size < 2_000_000
        for word in words
        if word in (house / name).read_text(encoding="utf-8", errors="replace")
        and not (word.startswith("/root") and name in stages)
    ]
    assert not told


def test_the_readme_gives_exactly_two_set_up_commands(house: Path) -> None:
    readme = (house / "README.md").read_text()
    section = readme.split("## Try it in a minute", 1)[1].split("\n## ", 1)[0]
    fenced = re.findall(r"```sh\n(.*?)```", section, flags=re.DOTALL)[0]
    commands = [line.split("#")[0].strip() for line in fenced.splitlines() if line.strip()]
    assert commands == ["make run", "make test"]
