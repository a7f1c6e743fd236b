"""State -> what others see: metrics, health, logs. Never changes anything."""

from nodens.observe.catalogue import (
    BUILD_INFO,
    CONTROL,
    CONTROL_FAILURES,
    EVENTS,
    PLAN_APPLIED,
    PLAN_INFO,
    PLUGIN_ENABLED,
    RELOAD_FAILED,
    RELOAD_VERSION,
    SETUP_ERRORS,
    STEERED,
    STEERING_REPAIRED,
    STEERING_RUNG,
    Distribution,
    Family,
    Kind,
    Sample,
    document,
    families,
)
from nodens.observe.exposition import render, render_number
from nodens.observe.health import Pulse, Status, Verdict, alive, ready
from nodens.observe.log import Level, Log
from nodens.observe.numbers import Numbers
from nodens.observe.sides import Sides, SnapshotSource, engine_samples

__all__ = [
    "BUILD_INFO",
    "CONTROL",
    "CONTROL_FAILURES",
    "EVENTS",
    "PLAN_APPLIED",
    "PLAN_INFO",
    "PLUGIN_ENABLED",
    "RELOAD_FAILED",
    "RELOAD_VERSION",
    "SETUP_ERRORS",
    "STEERED",
    "STEERING_REPAIRED",
    "STEERING_RUNG",
    "Distribution",
    "Family",
    "Kind",
    "Level",
    "Log",
    "Numbers",
    "Pulse",
    "Sample",
    "Sides",
    "SnapshotSource",
    "Status",
    "Verdict",
    "alive",
    "document",
    "engine_samples",
    "families",
    "ready",
    "render",
    "render_number",
]
