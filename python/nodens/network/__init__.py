"""Decision -> kernel. The only room that speaks netlink, iptables and nft, and reads facts off the node."""

from nodens.network.capabilities import Capability, first_free_port, lacking
from nodens.network.conntrack import Conntrack, survey_conntrack
from nodens.network.doors import DoorHolder, survey_doors
from nodens.network.drift import Touched, Watch
from nodens.network.interfaces import interfaces
from nodens.network.iptables import Iptables
from nodens.network.ladder import Wishes, choose
from nodens.network.leftovers import Leftovers
from nodens.network.link import Link
from nodens.network.link import find as find_link
from nodens.network.model import HOLD_MS, ErrorType, LetGo, LinkKind, Rung, Spelling, SteeringPlan, Step, error_type
from nodens.network.ports import Occupant, find_taken, holder, survey_occupants
from nodens.network.probe import Kernel, probe
from nodens.network.proof import is_proof, numbers_for, prove
from nodens.network.proxy import Proxy, ProxyMode, Translation
from nodens.network.proxy_survey import held_by_ipvs, survey_proxy
from nodens.network.queues import Look as QueueLook
from nodens.network.queues import Queue, are_busy, survey_queues
from nodens.network.release import Found, Release, look, release
from nodens.network.rules import nft_table, nft_text, restore_text, rules_of
from nodens.network.steer import Steered, holding, steering
from nodens.network.survey import parse_resolv_conf, read_resolv_conf, survey

__all__ = [
    "HOLD_MS",
    "Capability",
    "Conntrack",
    "DoorHolder",
    "ErrorType",
    "Found",
    "Iptables",
    "Kernel",
    "Leftovers",
    "LetGo",
    "Link",
    "LinkKind",
    "Occupant",
    "Proxy",
    "ProxyMode",
    "Queue",
    "QueueLook",
    "Release",
    "Rung",
    "Spelling",
    "Steered",
    "SteeringPlan",
    "Step",
    "Touched",
    "Translation",
    "Watch",
    "Wishes",
    "are_busy",
    "choose",
    "error_type",
    "find_link",
    "find_taken",
    "first_free_port",
    "held_by_ipvs",
    "holder",
    "holding",
    "interfaces",
    "is_proof",
    "lacking",
    "look",
    "nft_table",
    "nft_text",
    "numbers_for",
    "parse_resolv_conf",
    "probe",
    "prove",
    "read_resolv_conf",
    "release",
    "restore_text",
    "rules_of",
    "steering",
    "survey",
    "survey_conntrack",
    "survey_doors",
    "survey_occupants",
    "survey_proxy",
    "survey_queues",
]
