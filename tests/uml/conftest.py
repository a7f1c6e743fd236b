"""Boots a real kernel for a program of this folder: once a run, however many workers pytest has."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

HERE = Path(__file__).parent
BOOT_LIMIT_S = 160  # it takes 5 to 30 seconds; a loaded machine more
TESTS = HERE.parent
PATHS = (TESTS.parent / "python", TESTS, TESTS / "netns" / "life", TESTS / "netns" / "steering")  # tests are no package
WORDS = ("root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", "mem=512M", "con=null", "con0=null,fd:2")

Boot: TypeAlias = Callable[[str], dict[str, Any]]


@pytest.fixture
def boot(needs: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Boot:
    """Give `boot("whole.py")`: what the program told from inside, as it told it the first time."""
    needs(root=True, programs=("linux.uml", "ip", "iptables-legacy", "modprobe", "ipvsadm"))
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def once(program: str) -> dict[str, Any]:
        folder = shared / f"uml-{program}"
        folder.mkdir(exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may be at it
            report = folder / "report.json"
            errors = folder / "report.json.err"
            if not errors.exists():
                kernel = start(program, report)
                if not errors.exists():  # the other tests need not try, too
                    errors.write_text(f"the kernel did not come up: {kernel}")
            assert "exit 0" in errors.read_text(), errors.read_text()
            return dict(json.loads(report.read_text()))

    return once


def start(program: str, report: Path) -> str:
    """Boot, let the program tell, power off; gives what the kernel said last."""
    try:
        done = subprocess.run(
            [
                "linux.uml",
                *WORDS,
                "con1=fd:0,fd:1",
                f"init={HERE / 'init.sh'}",
                f"python={sys.executable}",
                f"program={HERE / program}",
                f"report={report}",
                f"PYTHONPATH={':'.join(map(str, PATHS))}",
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=BOOT_LIMIT_S,
            env={**os.environ, "TMPDIR": str(report.parent)},
        )
    except subprocess.TimeoutExpired:
        return f"no end after {BOOT_LIMIT_S} s"
    return done.stdout[-2000:] + done.stderr[-2000:]
