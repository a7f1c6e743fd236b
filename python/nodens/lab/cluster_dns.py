"""The small cluster DNS as a program: `python -m nodens.lab.cluster_dns --listen 127.0.0.1:1054`."""

from __future__ import annotations

import argparse
import signal

from nodens.lab.cluster import small_cluster


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m nodens.lab.cluster_dns", description="a small cluster DNS on loopback"
    )
    parser.add_argument("--listen", default="127.0.0.1:1054", metavar="IP:PORT", help="where (default %(default)s)")
    host, _, port = parser.parse_args().listen.rpartition(":")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    with small_cluster(host.strip("[]"), int(port)) as upstream:
        print(f"cluster DNS listens on {upstream.address[0]}:{upstream.address[1]}", flush=True)  # noqa: T201 - its one line
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
