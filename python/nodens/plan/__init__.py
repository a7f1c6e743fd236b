"""Meaning + facts -> decision. Pure: no I/O of any kind; nothing that leaves here says "auto"."""

from nodens.plan.facts import Facts, Interface, Nameserver
from nodens.plan.model import EnginePlan, HttpEndpoint, NetworkPlan, ObservePlan, Plan, PluginEnabled, ReloadPlan

__all__ = [
    "EnginePlan",
    "Facts",
    "HttpEndpoint",
    "Interface",
    "Nameserver",
    "NetworkPlan",
    "ObservePlan",
    "Plan",
    "PluginEnabled",
    "ReloadPlan",
]
