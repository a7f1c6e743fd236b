"""Tree -> meaning. Gives each directive its typed rules. Knows no node: reads no file, no environment, no interface."""

from nodens.config.addresses import parse_ip, split_host_port
from nodens.config.directives import DIRECTIVES, RunTime
from nodens.config.model import (
    BindRules,
    BindWord,
    CacheRules,
    Config,
    Consolidate,
    Endpoint,
    ErrorsRules,
    ForwardRules,
    HealthRules,
    LogRule,
    PrefetchRules,
    ReadyRules,
    ReloadRules,
    Scheme,
    Server,
    StaleRules,
    StoreRules,
    TimeoutRules,
    UpstreamWord,
    ZoneKey,
)
from nodens.config.names import parse_name
from nodens.config.read import read
from nodens.config.values import parse_duration_ms, render_duration

__all__ = [
    "DIRECTIVES",
    "BindRules",
    "BindWord",
    "CacheRules",
    "Config",
    "Consolidate",
    "Endpoint",
    "ErrorsRules",
    "ForwardRules",
    "HealthRules",
    "LogRule",
    "PrefetchRules",
    "ReadyRules",
    "ReloadRules",
    "RunTime",
    "Scheme",
    "Server",
    "StaleRules",
    "StoreRules",
    "TimeoutRules",
    "UpstreamWord",
    "ZoneKey",
    "parse_duration_ms",
    "parse_ip",
    "parse_name",
    "read",
    "render_duration",
    "split_host_port",
]
