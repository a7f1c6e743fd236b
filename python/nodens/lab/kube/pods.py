"""Pods of a DaemonSet: how one is made ready to start, started, asked, ended. Each has a folder and a keeper."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from nodens.errors import LabError
from nodens.lab.kube import probes
from nodens.lab.kube.containers import GRACE_S, Container, Probe, read_container
from nodens.lab.kube.environment import container_variables
from nodens.lab.kube.objects import Key, KubeObject
from nodens.lab.kube.orders import LOG, ORDER, Bind, Order, Program, Status, read_status, write
from nodens.lab.kube.volumes import config_map_data, host_path, write_config_map
from nodens.lab.world import wait_until

_RECORD: Final = "pod.json"
_KEEPER: Final = "keeper.pid"
_ASK_AGAIN_S: Final = 0.3
_PROBES: Final = ("startup", "readiness")
_BURIAL_S: Final = 5.0  # more than its grace, for the keeper to see that it has ended
# What the entry points of the image are here: our own program, with the Python that runs us.
PROGRAMS: Final = {"node-cache": "nodens.cli.node_cache", "nodens": "nodens"}
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a pod is to be: the node with its network, its host paths, its resolv.conf; Services, ConfigMaps."""

    node: str
    address: str
    namespace: str
    host_folder: Path
    resolv_conf: Path
    variables: Mapping[str, str]
    config_map: Callable[[str], KubeObject | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod that was made."""

    name: str
    namespace: str
    node: str
    address: str
    network: str
    owner: str
    labels: dict[str, str]
    template: str  # the digest of what it was made from
    made_s: float
    startup: Probe | None
    readiness: Probe | None
    grace_s: float
    folder: Path

    @property
    def status(self) -> Status:
        """Say how its container goes."""
        return read_status(self.folder) if self._is_kept() else Status(phase="Error", pid=0, restarts=0)

    @property
    def is_ready(self) -> bool:
        """Ask its probes, now; the one of its start is not asked again once it has said yes."""
        status = self.status
        if status.phase != "Running" or not os.path.exists(f"/proc/{status.pid}"):  # noqa: PTH110 - a process, not a file
            return False
        return self._says_yes(self.readiness, status.pid) and self._has_started(status.pid)

    def _has_started(self, pid: int) -> bool:
        """Ask the start-up probe, if it has not said yes yet, and not more often than a program may well be started."""
        yes, asked = self.folder / f"started-{pid}", self.folder / f"asked-{pid}"
        if yes.exists():
            return True
        if asked.exists() and time.time() - asked.stat().st_mtime < _ASK_AGAIN_S:
            return False
        asked.touch()
        if self._says_yes(self.startup, pid):
            yes.touch()
        return yes.exists()

    def _says_yes(self, probe: Probe | None, pid: int) -> bool:
        """Ask one probe; where there is none it is well."""
        if probe is None:
            return True
        if probe.url:
            return probes.says_yes(probe.url, self.network, probe.timeout_s)
        return probes.runs_well(tuple(_program_words(probe.words, self.name)), pid, probe.timeout_s)

    @property
    def log(self) -> str:
        """Read what it has said."""
        path = self.folder / LOG
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _is_kept(self) -> bool:
        """Whether its keeper lives; another process may have got its number."""
        pid = int((self.folder / _KEEPER).read_text(encoding="utf-8"))
        try:
            return str(self.folder).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return False

    def signal_keeper(self, number: signal.Signals) -> None:
        """Send its keeper a signal: SIGSTOP holds the kubelet back, SIGTERM ends the pod."""
        if self._is_kept():
            os.kill(int((self.folder / _KEEPER).read_text(encoding="utf-8")), number)

    def end(self) -> None:
        """End it as the kubelet does, and wait."""
        self.signal_keeper(signal.SIGCONT)
        self.signal_keeper(signal.SIGTERM)
        wait_until(lambda: not self._is_kept(), self.grace_s + _BURIAL_S, f"pod {self.name} to end")


def pods_in(folder: Path) -> list[Pod]:
    """List the pods of a world, oldest first."""
    found = []
    for path in folder.glob(f"*/{_RECORD}"):
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        asked = {name: Probe(**{**told[name], "words": tuple(told[name]["words"])}) for name in _PROBES if told[name]}
        found.append(Pod(**{**told, **asked, "folder": path.parent}))
    return sorted(found, key=lambda pod: (pod.made_s, pod.node))


def start(daemon_set: KubeObject, template: str, site: Site, folder: Path) -> Pod:
    """Make the pod of a DaemonSet on a node and hand it to its keeper."""
    name = folder.name
    body = daemon_set.spec["template"]
    container = read_container(body["spec"]["containers"][0])
    order = _order(daemon_set, site, folder)
    pod = Pod(
        name=name,
        namespace=daemon_set.key.namespace,
        node=site.node,
        address=site.address,
        network=site.namespace,
        owner=daemon_set.key.name,
        labels={str(key): str(value) for key, value in (body["metadata"].get("labels") or {}).items()},
        template=template,
        made_s=time.time(),
        startup=container.startup,
        readiness=container.readiness,
        grace_s=order.grace_s,
        folder=folder,
    )
    write(folder / ORDER, order)
    (folder / _KEEPER).write_text(str(_spawn_keeper(folder)), encoding="utf-8")
    record = {**asdict(pod), "folder": ""}
    (folder / _RECORD).write_text(json.dumps(record), encoding="utf-8")
    return pod


def refresh_config_map(pod: Pod, daemon_set: KubeObject, config_map: KubeObject) -> None:
    """Write a changed ConfigMap into the pod's volumes, as the kubelet does some time after the change."""
    for volume in daemon_set.spec["template"]["spec"].get("volumes") or []:
        if volume.get("configMap", {}).get("name") == config_map.key.name:
            data = config_map_data(volume, config_map, pod.name)
            write_config_map(pod.folder / "volumes" / volume["name"], data, _stamp())


def _order(daemon_set: KubeObject, site: Site, folder: Path) -> Order:
    """Settle everything that the keeper needs to know."""
    spec = daemon_set.spec["template"]["spec"]
    if not spec.get("hostNetwork"):
        raise LabError(f"{daemon_set.key}: a pod network of its own; the lab starts pods with `hostNetwork: true`")
    sources = {str(each["name"]): _source(each, daemon_set.key, site, folder) for each in spec.get("volumes") or []}
    fields = {
        "spec.nodeName": site.node,
        "status.hostIP": site.address,
        "status.podIP": site.address,
        "metadata.name": folder.name,
        "metadata.namespace": daemon_set.key.namespace,
    }
    programs = [
        _program(read_container(each), {**dict(site.variables), **container_variables(each, fields)}, sources, site)
        for each in [*(spec.get("initContainers") or []), *spec["containers"]]
    ]
    if len(spec["containers"]) != 1:
        raise LabError(f"{daemon_set.key}: {len(spec['containers'])} containers; the lab starts pods of one")
    return Order(
        pod=folder.name,
        namespace=site.namespace,
        first=tuple(programs[:-1]),
        program=programs[-1],
        grace_s=float(spec.get("terminationGracePeriodSeconds", GRACE_S)),
    )


def _source(volume: Mapping[str, Any], owner: Key, site: Site, folder: Path) -> Path:
    """Give the folder or file that a volume is."""
    place = f"{owner}: volume {volume['name']}"
    if "hostPath" in volume:
        return host_path(volume, site.host_folder, place)
    there = folder / "volumes" / str(volume["name"])
    if "configMap" in volume:
        data = config_map_data(volume, site.config_map(str(volume["configMap"]["name"])), place)
        write_config_map(there, data, _stamp())
    elif "emptyDir" in volume:
        there.mkdir(parents=True)
    else:
        raise LabError(
            f"{place}: {', '.join(sorted(set(volume) - {'name'}))} is not known here; "
            "expected configMap, hostPath or emptyDir"
        )
    return there


def _program(container: Container, variables: Mapping[str, str], sources: Mapping[str, Path], site: Site) -> Program:
    """Join a container with its volumes and its environment."""
    binds = [Bind(source=str(site.resolv_conf), path="/etc/resolv.conf")]
    for mount in container.mounts:
        if mount.volume not in sources:
            raise LabError(f"container {container.name}: volume `{mount.volume}` is not declared")
        source = sources[mount.volume] / mount.sub_path if mount.sub_path else sources[mount.volume]
        binds.append(Bind(source=str(source), path=mount.path, is_read_only=mount.is_read_only))
    return Program(
        name=container.name,
        words=tuple(_program_words(container.words, container.name)),
        binds=tuple(binds),
        environment={"PATH": _PATH, "HOSTNAME": site.node, "PYTHONPATH": str(_package_folder()), **variables},
        capabilities=container.capabilities,
        is_root_read_only=container.is_root_read_only,
        may_gain=container.may_gain,
    )


def _program_words(words: tuple[str, ...], place: str) -> list[str]:
    """Put our own program in the place of the image's."""
    module = PROGRAMS.get(Path(words[0]).name)
    if module is None:
        raise LabError(
            f"{place}: `{words[0]}` is not in the lab, which has no images; expected one of: {', '.join(PROGRAMS)}"
        )
    return [sys.executable, "-m", module, *words[1:]]


def _package_folder() -> Path:
    """Give the folder in which our package lies."""
    return Path(__file__).resolve().parents[3]


def _stamp() -> str:
    """Name a ConfigMap's folder as the kubelet does: by the moment."""
    return time.strftime("%Y_%m_%d_%H_%M_%S.", time.gmtime()) + f"{time.time_ns() % 1_000_000_000:09}"


def _spawn_keeper(folder: Path) -> int:
    """Start a keeper that outlives us; nobody waits for it."""
    log = str(folder / "keeper.log")
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    words = [sys.executable, "-m", "nodens.lab.kube.keeper", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(_package_folder())}
    return os.posix_spawn(sys.executable, words, environment, file_actions=actions, setsid=True)
