"""Whether a pid file tells of a living process that wrote it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from nodens.cli import main

NOBODY = 2**22 + 7  # beyond the highest pid there can be


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(None, "no such file or directory", id="not written yet"),
        pytest.param("", "`` is no pid", id="empty"),
        pytest.param("-1\n", "`-1` is no pid", id="not a number"),
        pytest.param(f"{NOBODY}\n", f"no process {NOBODY} is there", id="a dead process's"),
        pytest.param(f"{os.getpid()}\n", None, id="a living one's"),
    ],
)
def test_a_started_agent_is_one_that_lives_and_wrote_the_file(
    text: str | None, expected: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pid"
    if text is not None:
        path.write_text(text)
    code = main(["started", str(path)])
    said = capsys.readouterr()
    assert (code, said.out, said.err) == ((1, "", f"{path}: {expected}\n") if expected else (0, "", ""))


def test_a_file_older_than_its_process_is_what_one_before_it_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a container the agent has the same pid each time, and an emptyDir outlives it."""
    path = tmp_path / "pid"
    path.write_text(f"{os.getpid()}\n")
    yesterday = time.time() - 86_400
    os.utime(path, (yesterday, yesterday))
    assert main(["started", str(path)]) == 1
    assert capsys.readouterr().err == f"{path}: was written before process {os.getpid()} began\n"
