"""A world that stands: its rooms, its programs, its Services. What is changed is written down at once.

world = find(Place())                                  # None if none stands
world.run("dns-test", "nslookup", "kubernetes.default").stdout
world.add_service(kube_dns_upstream())                 # kube-proxy's rules on every node, and cluster DNS, know it
room = world.open_room("node-local-dns-x7k2p", "k01-worker", Furniture(...))     # a pod with hostNetwork
program = world.start(room.name, Order(name="node-cache", role="node cache", command=(...), env={...}))
world.end(program)
"""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from nodens.errors import LabError
from nodens.lab.client import Client
from nodens.lab.message import Message, query
from nodens.lab.world import faults, programs, proxy_rules, state
from nodens.lab.world.errands import PATIENCE_S, Done, at_once, run
from nodens.lab.world.inside import inside
from nodens.lab.world.place import Place
from nodens.lab.world.programs import Order, Program
from nodens.lab.world.proxy import ProxyMode
from nodens.lab.world.room import Furniture, Room, close_room, open_room
from nodens.lab.world.state import State
from nodens.lab.world.topology import Node, Pod, Service, Topology, lesson
from nodens.lab.world.wiring import rooms_of

DNS_PORT = 53
ASK_PATIENCE_S = 5.0
CLUSTER_DNS = "cluster DNS"  # the role of the programs that answer for the Services
SERVICES_READ = "services read"  # what they say when they know them


class World:
    """One world, as its state file tells of it. Two commands at once on one world are not foreseen."""

    def __init__(self, place: Place, told: State) -> None:
        """Take what was read; nothing is touched."""
        self.place = place
        self._state = told

    # ------------ what it is made of ------------

    @property
    def mode(self) -> ProxyMode:
        """Give how Services are translated here."""
        return self._state.mode

    @property
    def dual_stack(self) -> bool:
        """Whether both families are here."""
        return self._state.dual_stack

    @property
    def topology(self) -> Topology:
        """Give nodes, pods and Services as they are now."""
        whole = lesson(dual_stack=self.dual_stack)
        for service in self._state.services:
            whole = whole.with_service(service)
        return whole

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Give the nodes."""
        return self.topology.nodes

    @property
    def pods(self) -> tuple[Pod, ...]:
        """Give the pods that were there from the start."""
        return self.topology.pods

    # ------------ rooms ------------

    @property
    def rooms(self) -> tuple[str, ...]:
        """Name all rooms: outside, nodes, pods, and those opened since."""
        return (*rooms_of(self.topology), *(name for name, _ in self._state.rooms))

    def room(self, name: str) -> Room:
        """Find a room by name."""
        if name not in self.rooms:
            raise LabError(f"lab: `{name}` is not a room here; expected one of: {', '.join(self.rooms)}")
        return Room(place=self.place, name=name, network=dict(self._state.rooms).get(name, name))

    def open_room(self, name: str, node: str, furniture: Furniture) -> Room:
        """Open a room on a node's network: what a pod with hostNetwork sees. `xtables.lock` is the node's."""
        if name in self.rooms:
            raise LabError(f"lab: a room `{name}` is there already")
        self.topology.node(node)
        opened = open_room(self.place, name, furniture, network=node)
        self._note(rooms=(*self._state.rooms, (name, node)))
        return opened

    def close_room(self, name: str) -> None:
        """Close a room that was opened; what still runs in it is ended first."""
        for program in self.programs(room=name):
            self.end(program)
        close_room(self.room(name))
        self._note(rooms=tuple(each for each in self._state.rooms if each[0] != name))

    def run(
        self,
        room: str,
        *words: str,
        text: str | None = None,
        env: Mapping[str, str] | None = None,
        patience_s: float = PATIENCE_S,
        check: bool = True,
    ) -> Done:
        """Run a command in a room, to its end."""
        return run(self.room(room).command(*words), text=text, env=env, patience_s=patience_s, check=check)

    def ask(  # noqa: PLR0913 - a question, whom, from where, how
        self,
        room: str,
        server: str,
        name: str,
        qtype: str = "A",
        transport: str = "udp",
        *,
        patience_s: float = ASK_PATIENCE_S,
    ) -> Message:
        """Ask a server one question from a room's network; LabError without an answer."""
        with ExitStack() as life:
            with inside(self.room(room).namespace):
                client = life.enter_context(Client((server, DNS_PORT), transport))
            return client.ask(query(name, qtype), patience_s)

    # ------------ programs ------------

    def programs(self, *, room: str = "", role: str = "") -> tuple[Program, ...]:
        """Give what was started and not yet ended; of one room, or one role."""
        return tuple(
            program for program in self._state.programs if room in {"", program.room} and role in {"", program.role}
        )

    def start(self, room: str, order: Order) -> Program:
        """Start a program in a room and write it down."""
        if any(each.name == order.name and programs.is_alive(each) for each in self.programs(room=room)):
            raise LabError(f"lab: {order.name} runs on {room} already")
        self._note(
            programs=tuple(each for each in self._state.programs if (each.room, each.name) != (room, order.name))
        )
        log = self.place.folder / "logs" / room / f"{order.name}.log"
        program = programs.start(self.room(room), order, log)
        self._note(programs=(*self._state.programs, program))
        return program

    def end(self, program: Program, *, sign: signal.Signals = signal.SIGTERM) -> bool:
        """End a program and forget it; gives whether it went by itself."""
        went = programs.end(program, sign=sign)
        self._note(programs=tuple(each for each in self._state.programs if each != program))
        return went

    # ------------ Services ------------

    def add_service(self, service: Service) -> None:
        """Let a Service come to be: cluster DNS answers for it, then every node translates it."""
        before = self.topology
        self._note(services=(*(each for each in self._state.services if each.name != service.name), service))
        self._tell_services(before)

    def remove_service(self, name: str) -> None:
        """Take a Service away that was added."""
        before = self.topology
        self._note(services=tuple(each for each in self._state.services if each.name != name))
        self._tell_services(before)

    def _tell_services(self, before: Topology) -> None:
        write_services(self.place, self.topology)
        for program in self.programs(role=CLUSTER_DNS):
            heard = programs.said(program).count(SERVICES_READ)
            if programs.send(program, signal.SIGHUP):
                programs.wait_said(program, SERVICES_READ, times=heard + 1)
        if self.mode is not ProxyMode.NONE:
            at_once(lambda node: self._sync(node, before), self.nodes)

    def _sync(self, node: Node, before: Topology) -> None:
        proxy_rules.sync(self.room(node.name).command, self.mode, self.topology, before=before)

    # ------------ faults ------------

    def lose(self, percent: float) -> None:
        """Lose so many of a hundred packets of DNS on their way into the cluster-DNS pods; 0 ends it."""
        for pod in self.topology.pods_of("kube-dns"):
            faults.lose(self.room(pod.name).command, percent)
        self._note(loss={"cluster DNS": percent} if percent else {})

    @property
    def loss(self) -> Mapping[str, float]:
        """Give what is lost now, in percent."""
        return self._state.loss

    def _note(self, **changes: object) -> None:
        self._state = replace(self._state, **changes)  # type: ignore[arg-type]  # the state's own fields
        state.write(self.place, self._state)


def find(place: Place) -> World | None:
    """Find the world that stands at a place; None if none does, or only what is left of one."""
    told = state.read(place)
    return World(place, told) if told else None


def standing(place: Place) -> World:
    """Give the world that stands at a place, read anew; LabError if none does."""
    world = find(place)
    if world is None:
        raise LabError(f"lab: no world stands\nhint: sudo {place.line('up')}")
    return world


def services_file(place: Place) -> Path:
    """Give where cluster DNS reads the Services."""
    return place.folder / "services" / "services.json"


def write_services(place: Place, world: Topology) -> None:
    """Write the Services down for cluster DNS."""
    told = {
        f"{service.name}.{service.namespace}": (
            service.address.all,
            {port.name: (port.protocol, port.number) for port in service.ports},
        )
        for service in world.services
    }
    services_file(place).write_text(json.dumps(told, indent=1), encoding="utf-8")
