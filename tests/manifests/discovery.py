"""A server that tells kubectl which kinds there are, gives objects that it was given, and notes what kubectl sends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

KINDS = {
    "v1": {"serviceaccounts": "ServiceAccount", "services": "Service", "configmaps": "ConfigMap"},
    "apps/v1": {"daemonsets": "DaemonSet"},
    "cilium.io/v2": {"ciliumlocalredirectpolicies": "CiliumLocalRedirectPolicy"},
}


def resources(version: str) -> dict[str, Any]:
    """Tell the kinds of one version."""
    told = [
        {"name": plural, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": ["create", "get"]}
        for plural, kind in KINDS[version].items()
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": told}


def answers() -> dict[str, Any]:
    """Tell what is answered, by path."""
    groups = [version.split("/") for version in KINDS if "/" in version]
    listed = [
        {
            "name": group,
            "versions": [{"groupVersion": f"{group}/{version}", "version": version}],
            "preferredVersion": {"groupVersion": f"{group}/{version}", "version": version},
        }
        for group, version in groups
    ]
    return {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed},
        "/api/v1": resources("v1"),
        **{f"/apis/{group}/{version}": resources(f"{group}/{version}") for group, version in groups},
    }


@dataclass
class Cluster:
    """What the server holds by path, and what it was sent: method, path, body."""

    url: str = ""
    held: dict[str, Any] = field(default_factory=answers)
    sent: list[tuple[str, str, Any]] = field(default_factory=list)

    def hold(self, made: dict[str, Any]) -> None:
        """Hold an object, as if somebody had created it."""
        version, plural = (
            made["apiVersion"],
            next(plural for plural, kind in KINDS[made["apiVersion"]].items() if kind == made["kind"]),
        )
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        metadata = made["metadata"]
        self.held[f"{root}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}"] = made


class _Server(ThreadingHTTPServer):
    """Knows its cluster."""

    cluster: Cluster


class _Handler(BaseHTTPRequestHandler):
    """Gives what is held; takes what is sent, and says that it is so now."""

    def do_GET(self) -> None:
        """Give one object, or a list of kinds."""
        self._answer(self._cluster().held.get(self.path.partition("?")[0]))

    def do_PUT(self) -> None:
        """Take a whole object."""
        self._take()

    def do_PATCH(self) -> None:
        """Take a change of one."""
        self._take()

    def _cluster(self) -> Cluster:
        assert isinstance(self.server, _Server)
        return self.server.cluster

    def _take(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = self.path.partition("?")[0]
        self._cluster().sent.append((self.command, path, body))
        self._answer(self._cluster().held.get(path))

    def _answer(self, told: Any) -> None:  # noqa: ANN401 - whatever JSON holds
        body = json.dumps(told if told is not None else {"kind": "Status", "code": 404}).encode()
        self.send_response(200 if told is not None else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the standard library gave it
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Cluster]:
    """Serve, and give the cluster."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.cluster = Cluster(url=f"http://127.0.0.1:{server.server_address[1]}")
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.cluster
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
