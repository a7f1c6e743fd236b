"""Raises a world, step by step; whatever goes wrong half-way, all of it is taken back."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from nodens.errors import LabError
from nodens.lab.world import programs, proxy_rules, state, wiring
from nodens.lab.world.clearing import clear
from nodens.lab.world.errands import at_once, run
from nodens.lab.world.laying import connect, make_namespaces
from nodens.lab.world.place import NAMESPACES, Place
from nodens.lab.world.programs import Order
from nodens.lab.world.proxy import ProxyMode
from nodens.lab.world.raiser import sole_raiser
from nodens.lab.world.room import Furniture, open_room
from nodens.lab.world.standing import CLUSTER_DNS, World, find, services_file, write_services
from nodens.lab.world.state import State
from nodens.lab.world.topology import DOMAIN, GATEWAY, Addresses, Pod, lesson

FOLDER_SIZE = "256m"  # of memory at most, for state, logs and what lessons write
OUTSIDE_RESOLVER = "outside resolver"  # the role of the program that answers for the rest of the world
NODE_CACHE = "node cache"  # the role of what the lesson is about
SERVICES_INSIDE = "/run/host/services"  # where a cluster-DNS pod sees the Services
MADE_NAMESPACE_FOLDER = "made-netns-folder"  # noted if /run/netns was not there before us


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One step of the raising: begun while `seconds` is None, then done."""

    number: int
    of: int
    what: str
    seconds: float | None = None


Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How the world is to be."""

    mode: ProxyMode = ProxyMode.IPTABLES
    dual_stack: bool = False


def up(place: Place, wish: Wish, tell: Tell) -> World:
    """Raise a world; LabError, and nothing left of it, if a step fails."""
    with sole_raiser(place):
        return _up(place, wish, tell)


def _up(place: Place, wish: Wish, tell: Tell) -> World:
    """Raise it, alone."""
    if find(place):
        raise LabError(f"lab: a world stands already at {place.folder}\nhint: `{place.line('status')}` shows it")
    if place.namespaces():
        hint = f"hint: `{place.line('down')}` clears them away"
        raise LabError(f"lab: namespaces {place.prefix}* are left of a world\n{hint}")
    try:
        place.folder.mkdir(mode=0o755)  # what is there already is not taken back
    except FileExistsError:
        hint = f"hint: `{place.line('down')}` clears it away"
        raise LabError(f"lab: {place.folder} is there already, left of a world\n{hint}") from None
    topology = lesson(dual_stack=wish.dual_stack)
    raised = World(place, State(boot=state.boot_id(), mode=wish.mode, dual_stack=wish.dual_stack))
    steps: tuple[tuple[str, Callable[[], object]], ...] = (
        (f"mount {place.folder}", lambda: _make_folder(place)),
        (f"make {len(wiring.rooms_of(topology))} namespaces", lambda: make_namespaces(topology, place.namespace)),
        ("lay cables; give addresses and routes", lambda: connect(topology, place.namespace)),
        ("furnish nodes and pods with a /run and a resolv.conf of their own", lambda: _furnish(raised)),
        (f"write kube-proxy's rules on {len(topology.nodes)} nodes ({wish.mode})", lambda: _write_rules(raised)),
        ("start cluster DNS twice, and the resolver outside", lambda: _start_servers(raised)),
        ("ask for kubernetes.default in pod dns-test", lambda: _ask(raised)),
    )
    doing = steps[0][0]
    try:
        for number, (doing, do) in enumerate(steps, 1):
            tell(Progress(number=number, of=len(steps), what=doing))
            began = time.monotonic()
            do()
            tell(Progress(number=number, of=len(steps), what=doing, seconds=time.monotonic() - began))
    except BaseException as error:  # an interruption as well, and wherever it comes
        clear(place)
        if isinstance(error, LabError | OSError) and not isinstance(error, BrokenPipeError):
            raise LabError(f"lab: cannot {doing}: {error}\nhint: everything was taken back") from error
        raise
    return raised


def _make_folder(place: Place) -> None:
    had_namespaces = NAMESPACES.exists()
    run(["mount", "-t", "tmpfs", "-o", f"size={FOLDER_SIZE},mode=0755", f"nodens-{place.name}", str(place.folder)])
    run(["mount", "--make-private", str(place.folder)])  # handles of namespaces may lie in no shared mount
    place.scratch.mkdir()
    services_file(place).parent.mkdir()
    if not had_namespaces:
        (place.folder / MADE_NAMESPACE_FOLDER).touch()


def _furnish(world: World) -> None:
    topology, place = world.topology, world.place
    furniture = {GATEWAY: _furniture(world, Addresses(v4=""), "")}
    furniture |= {node.name: _furniture(world, node.address, node.name) for node in topology.nodes}
    furniture |= {pod.name: _furniture(world, pod.address, pod.name, pod) for pod in topology.pods}
    at_once(lambda name: open_room(place, name, furniture[name]), furniture)


def _furniture(world: World, address: Addresses, hostname: str, pod: Pod | None = None) -> Furniture:
    """Give what a node, or a pod, has in its /etc."""
    switch = world.topology.networks.switch.v4
    resolv_conf = f"nameserver {switch}\noptions ndots:0\n"  # what a pod with dnsPolicy Default has from its node
    if pod and pod.app != "kube-dns":
        search = f"{pod.namespace}.svc.{DOMAIN} svc.{DOMAIN} {DOMAIN}"
        servers = "".join(f"nameserver {each}\n" for each in world.topology.service("kube-dns").address.all[:1])
        resolv_conf = f"search {search}\n{servers}options ndots:5\n"
    hosts = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
    hosts += "".join(f"{each}\t{hostname}\n" for each in address.all)
    mounts = {SERVICES_INSIDE: services_file(world.place).parent} if pod and pod.app == "kube-dns" else {}
    return Furniture(resolv_conf=resolv_conf, hostname=hostname or GATEWAY, files={"/etc/hosts": hosts}, mounts=mounts)


def _write_rules(world: World) -> None:
    def write(name: str) -> None:
        command = world.room(name).command
        proxy_rules.masquerade_pods(command, world.topology)
        if world.mode is not ProxyMode.NONE:
            proxy_rules.install(command, world.mode, world.topology)

    at_once(write, [node.name for node in world.nodes])


def _start_servers(world: World) -> None:
    topology = world.topology
    write_services(world.place, topology)
    switch = topology.networks.switch
    started = [
        world.start(
            GATEWAY,
            Order(
                name="resolver",
                role=OUTSIDE_RESOLVER,
                command=_program("serve_outside", "--listen", ",".join(switch.all)),
                answers=(switch.v4, 53),
            ),
        )
    ]
    for pod in topology.pods_of("kube-dns"):
        listen = ("--listen", ",".join(pod.address.all), "--forward", switch.v4)
        services = ("--services", f"{SERVICES_INSIDE}/{services_file(world.place).name}")
        started.append(
            world.start(
                pod.name,
                Order(
                    name="coredns",
                    role=CLUSTER_DNS,
                    command=_program("serve_cluster", *listen, *services),
                    answers=(pod.address.v4, 53),
                ),
            )
        )
    for program in started:
        programs.wait_said(program, "ready")


def _program(name: str, *words: str) -> tuple[str, ...]:
    return (sys.executable, "-P", "-m", f"nodens.lab.world.{name}", *words)


def _ask(world: World) -> None:
    told = world.ask("dns-test", world.topology.service("kube-dns").address.v4, f"kubernetes.default.svc.{DOMAIN}")
    if [record.text for record in told.answers] != ["10.96.0.1"]:
        raise LabError(f"got {told.rcode} with {len(told.answers)} answers; expected 10.96.0.1")
