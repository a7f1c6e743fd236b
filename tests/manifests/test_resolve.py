"""What `helm test` runs in a pod: whether a name is resolved, and whether this node's agent was asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "helm" / "nodens" / "files" / "resolve.py"
Ask = Callable[[list[str], str], subprocess.CompletedProcess[str]]


class _Agent(ThreadingHTTPServer):
    """An agent's metrics, one text after the other."""

    told: list[str]


class _Metrics(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Agent)
        body = self.server.told.pop(0).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the standard library gave it
        pass


@pytest.fixture
def ask() -> Iterator[Ask]:
    server = _Agent(("127.0.0.1", 0), _Metrics)
    Thread(target=server.serve_forever, daemon=True).start()

    def run(told: list[str], name: str) -> subprocess.CompletedProcess[str]:
        server.told = list(told)
        agent = "127.0.0.1" if told else ""
        return subprocess.run(
            [sys.executable, str(SCRIPT), name, str(server.server_address[1])],
            env={"AGENT": agent},
            capture_output=True,
            text=True,
            check=False,
        )

    yield run
    server.shutdown()
    server.server_close()


def metrics(asked: int, steered: int = 1) -> str:
    """Tell as the agent does, in short."""
    rows = f'coredns_dns_requests_total{{proto="udp",zone="."}} {asked}\ncoredns_dns_requests_total{{proto="tcp"}} 1\n'
    return f"# HELP nodens_steered Whether.\nnodens_steered {steered}\n{rows}"


@pytest.mark.parametrize(
    ("told", "name", "code", "expected"),
    [
        pytest.param([metrics(5), metrics(7)], "localhost", 0, "nodens answered 2 queries meanwhile", id="well"),
        pytest.param([], "localhost", 0, "localhost: ", id="no agent to look at, as with cilium"),
        pytest.param([metrics(5), metrics(5)], "localhost", 1, "nodens was not asked", id="somebody else answered"),
        pytest.param([metrics(5, 0)], "localhost", 1, "nodens is not steering", id="not steered"),
        pytest.param([metrics(5)], "no..name", 1, "no..name: is not resolved in a pod", id="no answer"),
    ],
)
def test_the_test_of_the_chart_tells(told: list[str], name: str, code: int, expected: str, ask: Ask) -> None:
    done = ask(told, name)
    assert done.returncode == code
    assert expected in (done.stderr if code else done.stdout)
