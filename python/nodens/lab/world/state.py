"""What stands, as it is written down, so that `up`, `step` and `down` can be commands of their own."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nodens.errors import LabError
from nodens.lab.world.place import Place
from nodens.lab.world.programs import Program
from nodens.lab.world.proxy import ProxyMode
from nodens.lab.world.topology import Addresses, Port, Service

VERSION = 1
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How a world was raised, and what has been added since."""

    boot: str
    mode: ProxyMode
    dual_stack: bool
    services: tuple[Service, ...] = ()
    rooms: tuple[tuple[str, str], ...] = ()  # opened later: name, and the node whose network it has
    programs: tuple[Program, ...] = ()
    loss: dict[str, float] = field(default_factory=dict)


def boot_id() -> str:
    """Give what tells this run of the kernel from all others."""
    return _BOOT_ID.read_text(encoding="ascii").strip()


def write(place: Place, state: State) -> None:
    """Write it down: whole or not at all."""
    text = json.dumps({"version": VERSION, **asdict(state)}, indent=1)
    new = place.state_file.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, place.state_file)  # noqa: PTH105 - `Path.replace` reads as if it edited text


def read(place: Place) -> State | None:
    """Read it; None if there is none, or it tells of a world before the last boot."""
    try:
        told = json.loads(place.state_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise LabError(
            f"{place.state_file}: cannot be read: {error}\nhint: `{place.line('down')}` clears it away"
        ) from error
    if told.get("version") != VERSION or told.get("boot") != boot_id():
        return None
    return State(
        boot=told["boot"],
        mode=ProxyMode(told["mode"]),
        dual_stack=told["dual_stack"],
        services=tuple(_service(each) for each in told["services"]),
        rooms=tuple((name, node) for name, node in told["rooms"]),
        programs=tuple(_program(each) for each in told["programs"]),
        loss=told["loss"],
    )


def _service(told: dict[str, Any]) -> Service:
    return Service(
        **{
            **told,
            "address": Addresses(**told["address"]),
            "ports": tuple(Port(**port) for port in told["ports"]),
            "outside": tuple(Addresses(**each) for each in told["outside"]),
        }
    )


def _program(told: dict[str, Any]) -> Program:
    answers = (told["answers"][0], told["answers"][1]) if told["answers"] else None
    return Program(**{**told, "command": tuple(told["command"]), "answers": answers})
