"""Decision -> kernel. The only room that speaks netlink, iptables and nft, and reads facts off the node."""

from nodens.network.ports import find_taken, holder
from nodens.network.steer import steering
from nodens.network.survey import parse_resolv_conf, read_resolv_conf, survey

__all__ = ["find_taken", "holder", "parse_resolv_conf", "read_resolv_conf", "steering", "survey"]
