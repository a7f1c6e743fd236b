"""Decision -> kernel. The only room that speaks netlink, iptables and nft, and reads facts off the node."""

from nodens.network.capabilities import Capability, first_free_port, lacking
from nodens.network.drift import Touched, Watch
from nodens.network.ladder import Wishes, choose
from nodens.network.link import Link
from nodens.network.model import ErrorType, LetGo, LinkKind, Rung, Spelling, SteeringPlan, Step, error_type
from nodens.network.ports import find_taken, holder
from nodens.network.probe import Kernel, probe
from nodens.network.release import Found, Release, release
from nodens.network.rules import nft_table, nft_text, restore_text, rules_of
from nodens.network.steer import Steered, holding, steering
from nodens.network.survey import parse_resolv_conf, read_resolv_conf, survey

__all__ = [
    "Capability",
    "ErrorType",
    "Found",
    "Kernel",
    "LetGo",
    "Link",
    "LinkKind",
    "Release",
    "Rung",
    "Spelling",
    "Steered",
    "SteeringPlan",
    "Step",
    "Touched",
    "Watch",
    "Wishes",
    "choose",
    "error_type",
    "find_taken",
    "first_free_port",
    "holder",
    "holding",
    "lacking",
    "nft_table",
    "nft_text",
    "parse_resolv_conf",
    "probe",
    "read_resolv_conf",
    "release",
    "restore_text",
    "rules_of",
    "steering",
    "survey",
]
