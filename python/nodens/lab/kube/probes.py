"""Readiness, asked as the kubelet asks: over HTTP from the node, or by a program in the container."""

from __future__ import annotations

import subprocess
import urllib.error
import urllib.request

from nodens.lab.world import inside

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def says_yes(url: str, namespace: str, timeout_s: float) -> bool:
    """Whether a URL answers with 200 to 399 on a network."""
    try:
        with inside(namespace), _opener.open(url, timeout=timeout_s) as answer:
            return 200 <= int(answer.status) < 400  # noqa: PLR2004 - what the kubelet takes for yes
    except (OSError, urllib.error.URLError):
        return False


def runs_well(words: tuple[str, ...], pid: int, timeout_s: float) -> bool:
    """Whether a program ends well in the container of a process."""
    inside = ["nsenter", f"--target={pid}", "--mount", "--net", "--root", "--wd", "--"]
    try:
        done = subprocess.run([*inside, *words], capture_output=True, check=False, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
