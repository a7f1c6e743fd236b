"""The lesson's world in network namespaces: raised, standing, cleared. It teaches nothing itself; `lab` does.

world = up(Place(), Wish(), tell)       # or find(Place()) for one that stands
world.run("dns-test", "nslookup", "kubernetes.default")
clear(Place())
"""

from nodens.lab.world.clearing import clear
from nodens.lab.world.errands import Done, run
from nodens.lab.world.inside import inside
from nodens.lab.world.needs import missing, require
from nodens.lab.world.place import VARIABLE, Place, default_name
from nodens.lab.world.programs import (
    Order,
    Program,
    end,
    is_alive,
    said,
    send,
    start,
    wait_said,
    wait_until,
)
from nodens.lab.world.proxy import ProxyMode
from nodens.lab.world.raiser import refuse_two, sole_raiser
from nodens.lab.world.raising import NODE_CACHE, OUTSIDE_RESOLVER, Progress, Wish, up
from nodens.lab.world.room import Furniture, Room
from nodens.lab.world.shells import shell_command
from nodens.lab.world.standing import CLUSTER_DNS, World, find, standing
from nodens.lab.world.status import status
from nodens.lab.world.topology import (
    DNS_TEST,
    DOMAIN,
    GATEWAY,
    Addresses,
    Node,
    Pod,
    Port,
    Service,
    Topology,
    kube_dns_upstream,
    lesson,
)

__all__ = [
    "CLUSTER_DNS",
    "DNS_TEST",
    "DOMAIN",
    "GATEWAY",
    "NODE_CACHE",
    "OUTSIDE_RESOLVER",
    "VARIABLE",
    "Addresses",
    "Done",
    "Furniture",
    "Node",
    "Order",
    "Place",
    "Pod",
    "Port",
    "Program",
    "Progress",
    "ProxyMode",
    "Room",
    "Service",
    "Topology",
    "Wish",
    "World",
    "clear",
    "default_name",
    "end",
    "find",
    "inside",
    "is_alive",
    "kube_dns_upstream",
    "lesson",
    "missing",
    "refuse_two",
    "require",
    "run",
    "said",
    "send",
    "shell_command",
    "sole_raiser",
    "standing",
    "start",
    "status",
    "up",
    "wait_said",
    "wait_until",
]
