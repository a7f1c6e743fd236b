"""The image as files, and a container of it, run by runc, and what it has said so far."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMIT_S = 20.0


@dataclass(frozen=True)
class Image:
    """What was built: its settings, its layers as files, its files."""

    config: dict[str, Any]
    layers: tuple[Path, ...]
    root: Path


class Container:
    """A running container; whoever made it closes it."""

    def __init__(self, bundle: Path, config: dict[str, Any]) -> None:
        """Write the bundle's config and start it."""
        self._runtime = ["runc", "--root", str(bundle / "state")]
        self.name = f"nodens-image-{os.getpid()}-{bundle.name}"
        config["linux"]["cgroupsPath"] = f"/{self.name}"
        (bundle / "config.json").write_text(json.dumps(config, indent=1))
        self._process = subprocess.Popen(
            [*self._runtime, "run", "--bundle", str(bundle), self.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._said, self._has_ended = b"", False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        while piece := os.read(self._process.stdout.fileno(), 65536):
            with self._changed:
                self._said += piece
                self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    @property
    def said(self) -> str:
        with self._changed:
            return self._said.decode()

    def until(self, pattern: str) -> None:
        """Wait until something was said."""

        def is_over() -> bool:
            return bool(re.search(pattern, self._said.decode())) or self._has_ended

        with self._changed:
            self._changed.wait_for(is_over, LIMIT_S)
            assert re.search(pattern, self._said.decode()), f"{pattern} in:\n{self._said.decode()}"

    @property
    def pid(self) -> int:
        """The first process inside, as the host counts."""
        return int(json.loads(self._tell("state", self.name).stdout)["pid"])

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program inside, with the container's own rights, as a probe does."""
        return self._tell("exec", self.name, *words)

    def kill(self, signal: str) -> None:
        done = self._tell("kill", self.name, signal)
        assert not done.returncode, done.stderr

    def wait(self) -> int:
        """Wait for its end: the code it ended with."""
        code = self._process.wait(LIMIT_S)
        self._reader.join(LIMIT_S)
        return code

    def close(self) -> None:
        self._tell("delete", "--force", self.name)
        self.wait()
        assert self._process.stdout
        self._process.stdout.close()

    def _tell(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._runtime, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
            stdin=subprocess.DEVNULL,
        )
