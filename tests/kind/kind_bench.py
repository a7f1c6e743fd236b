"""A PATH of stand-ins, and the scripts of lab/ run on it."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

HOUSE = Path(__file__).parents[2]
TOOLS = ("docker", "containerlab", "kind", "kubectl")
# What the scripts may use besides: a PATH without anything else shows what they need.
COMMON = ("bash", "env", "cat", "chown", "dirname", "grep", "head", "mktemp", "mv", "rm", "sed", "sort")


@dataclass(frozen=True, kw_only=True)
class Row:
    """How a stand-in answers a call: see stand-in.sh."""

    asked: str
    standing: str = "-"
    makes: str = "-"
    removes: str = "-"
    code: int = 0
    says: str = ""

    def render(self) -> str:
        """Write it as stand-in.sh reads it."""
        says = self.says.replace("\n", "\\n")
        return f"{self.asked}\t{self.standing}\t{self.makes}\t{self.removes}\t{self.code}\t{says}\n"


# How things go when all is well. Rows that a test puts before these win.
WELL = (
    Row(asked="^containerlab deploy", makes="cluster"),
    Row(asked="^containerlab destroy", removes="cluster"),
    Row(asked="^kind delete cluster", removes="cluster"),
    Row(asked="^kind get clusters", standing="cluster", says="other\nk01\n"),
    Row(asked="^kind get clusters", says="other\n"),
    Row(asked="^kind get kubeconfig", standing="cluster", says="apiVersion: v1\nkind: Config\n"),
    Row(asked="^kind get kubeconfig", code=1),
    Row(asked="^docker ps .*kind.cluster=k01", standing="cluster", says="c1\nc2\nc3\n"),
)


@dataclass
class Ended:
    """A script that ended: its exit code, and all that it said."""

    code: int
    said: str


@dataclass
class Bench:
    """A copy of lab/ and a PATH on which everything is a stand-in."""

    root: Path
    rows: list[Row] = field(default_factory=list)
    is_root: bool = True

    @property
    def lab(self) -> Path:
        """Where the scripts are."""
        return self.root / "lab"

    @property
    def asked(self) -> list[str]:
        """Every call, in order."""
        path = self.root / "bin" / "asked"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def stand(self, *parts: str) -> None:
        """Let parts of the lesson stand already."""
        for part in parts:
            (self.root / "bin" / "world" / part).touch()

    def lack(self, *programs: str) -> None:
        """Take programs off the PATH."""
        for program in programs:
            (self.root / "bin" / program).unlink()

    def run(self, script: str, *words: str, typed: str | None = None) -> Ended:
        """Run a script; `typed` is what somebody types at a terminal, else nobody is there."""
        rows = [*self.rows, Row(asked="^id -u$", says="0\n" if self.is_root else "1000\n"), *WELL]
        (self.root / "bin" / "table").write_text("".join(row.render() for row in rows), encoding="utf-8")
        (self.root / "bin" / "asked").unlink(missing_ok=True)
        environment = {"PATH": str(self.root / "bin"), "KUBECONFIG": "/nowhere/of-production"}
        keyboard, terminal = pty.openpty()
        if typed is not None:
            os.write(keyboard, f"{typed}\n".encode())
        try:
            ended = subprocess.run(
                [f"./{script}", *words],
                cwd=self.lab,
                env=environment,
                stdin=subprocess.DEVNULL if typed is None else terminal,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=25,
                check=False,
            )
        finally:
            os.close(keyboard)
            os.close(terminal)
        return Ended(ended.returncode, ended.stdout)


def make_bench(root: Path) -> Bench:
    """Give a bench where all tools are there and nothing stands."""
    shutil.copytree(HOUSE / "lab", root / "lab", ignore=shutil.ignore_patterns("k01.kubeconfig", "clab-k01"))
    programs = root / "bin"
    (programs / "world").mkdir(parents=True)
    for name in (*TOOLS, "sudo", "sleep", "id"):
        shutil.copy(Path(__file__).parent / "stand-in.sh", programs / name)
        (programs / name).chmod(0o755)
    for name in COMMON:
        (programs / name).symlink_to(str(shutil.which(name)))
    return Bench(root)
