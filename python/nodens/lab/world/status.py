"""What stands, and how it does: nodes, pods, Services, programs, rules, whether the cache is on each node."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from nodens.errors import LabError
from nodens.lab.client import ask
from nodens.lab.message import query
from nodens.lab.world.clearing import pids_in
from nodens.lab.world.errands import run
from nodens.lab.world.inside import inside
from nodens.lab.world.place import Place
from nodens.lab.world.programs import Program, is_alive
from nodens.lab.world.proxy import ProxyMode
from nodens.lab.world.raiser import raiser
from nodens.lab.world.standing import World, find
from nodens.lab.world.topology import DOMAIN, Node

CACHE_LINK = "nodelocaldns"
_ASK_S = 1.0

Told = dict[str, Any]  # as JSON has it


def status(place: Place) -> Told:
    """Tell what stands at a place; `standing` is `whole`, `half` or `none`."""
    world = find(place)
    there = place.namespaces()
    head: Told = {"world": place.name, "folder": str(place.folder)}
    if pid := raiser(place):
        return {**head, "standing": "half", "raising": pid}
    if world is None:
        left = [*there, *([str(place.folder)] if place.folder.exists() else [])]
        return {**head, "standing": "half" if left else "none", "left": left, "pids": sorted(pids_in(place))}
    programs = [_program(world, program) for program in world.programs()]
    nodes = [_node(world, node, there) for node in world.nodes]
    pods = [
        {
            "name": pod.name,
            "namespace": pod.namespace,
            "node": pod.node,
            "addresses": pod.address.all,
            "app": pod.app,
            "ready": place.namespace(pod.name) in there
            and all(each["well"] for each in programs if each["room"] == pod.name),
        }
        for pod in world.pods
    ]
    services = [
        {
            "name": service.name,
            "namespace": service.namespace,
            "addresses": service.address.all,
            "ports": [f"{port.number}/{port.protocol.upper()}" for port in service.ports],
        }
        for service in world.topology.services
    ]
    whole = all(each["ready"] for each in (*nodes, *pods)) and all(each["well"] for each in programs)
    return {
        **head,
        "standing": "whole" if whole else "half",
        "proxy": str(world.mode),
        "families": world.topology.families,
        "nodes": nodes,
        "pods": pods,
        "services": services,
        "programs": programs,
        "loss": dict(world.loss),
    }


def _program(world: World, program: Program) -> Told:
    alive = is_alive(program)
    well = alive and (program.answers is None or _answers(world, program.room, program.answers))
    return {
        "name": program.name,
        "role": program.role,
        "room": program.room,
        "pid": program.pid,
        "alive": alive,
        "well": well,
        "log": program.log,
    }


def _answers(world: World, room: str, whom: tuple[str, int]) -> bool:
    try:
        with inside(world.room(room).namespace):
            return bool(ask(whom, query(f"kubernetes.default.svc.{DOMAIN}"), timeout_s=_ASK_S))
    except (LabError, OSError):
        return False


def _node(world: World, node: Node, there: Iterable[str]) -> Told:
    ready = world.place.namespace(node.name) in there
    return {
        "name": node.name,
        "roles": node.roles,
        "addresses": node.address.all,
        "pod_blocks": node.pod_block.all,
        "ready": ready,
        "rules": _rules(world, node) if ready else 0,
        "cache": _cache(world, node) if ready else {"installed": False},
    }


def _rules(world: World, node: Node) -> int:
    """Count the ports of Services that the node translates, IPv4."""
    command = world.room(node.name).command
    if world.mode is ProxyMode.IPTABLES:
        saved = run(command("iptables-save", "-t", "nat"), check=False).stdout
        return sum(1 for line in saved.splitlines() if line.startswith("-A KUBE-SERVICES") and "cluster IP" in line)
    if world.mode is ProxyMode.NFTABLES:
        listed = run(command("nft", "-j", "list", "map", "ip", "kube-proxy", "service-ips"), check=False).stdout
        parts = json.loads(listed or "{}").get("nftables", [])
        return sum(len(part["map"].get("elem", [])) for part in parts if "map" in part)
    return 0


def _cache(world: World, node: Node) -> Told:
    """Tell whether the cache is on a node: who listens on its port, its link, the addresses there."""
    command = world.room(node.name).command
    listening = run(command("ss", "-Hlunp", "sport", "=", ":53"), check=False).stdout
    agents = sorted({int(pid) for pid in re.findall(r"pid=(\d+)", listening)})
    shown = run(command("ip", "-j", "addr", "show", CACHE_LINK), check=False).stdout
    links = json.loads(shown or "[]")
    addresses = [each["local"] for link in links for each in link.get("addr_info", ()) if each["scope"] == "global"]
    return {
        "installed": bool(agents or links),
        "pids": agents,
        "link": bool(links),
        "addresses": addresses,
    }
