"""A server that tells kubectl which kinds there are, and nothing else: enough for a dry run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

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


class _Handler(BaseHTTPRequestHandler):
    """Answers from the table; anything else is not there."""

    table: ClassVar[dict[str, Any]] = answers()

    def do_GET(self) -> None:
        """Answer one question."""
        told = self.table.get(self.path.partition("?")[0])
        body = json.dumps(told if told is not None else {"kind": "Status", "code": 404}).encode()
        self.send_response(200 if told is not None else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the standard library gave it
        """Say nothing."""


@contextmanager
def discovery() -> Iterator[str]:
    """Serve, and give the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
