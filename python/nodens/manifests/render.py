"""Plain data -> YAML, in the order in which it stands. Needs no YAML library: the agent's image has none."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Path: TypeAlias = tuple[str, ...]
Remarks: TypeAlias = "Mapping[Path, str]"
"""Path of keys -> what is said above it. A list's element is named by its `name`, else by its place."""

# Words that cannot be read as anything but a string, in YAML 1.1 and 1.2; what sed puts in for a pillar, nobody knows.
_PLAIN: Final = re.compile(r"(?!__PILLAR__)[A-Za-z/_][A-Za-z0-9_./-]*(?:[:,][A-Za-z0-9_./-]+)*")
_NOT_STRINGS: Final = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
_BLOCK: Final = re.compile(r"[!-~][ -~\n]*\n")
_ESCAPED_PAIR: Final = re.compile(r"\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}")


def render(value: object, remarks: Remarks | None = None) -> str:
    """Write one document."""
    return "\n".join(_lines(value, (), remarks or {})) + "\n"


def _lines(value: object, path: Path, remarks: Remarks) -> Iterator[str]:
    """Write a value at the left margin."""
    match value:
        case dict() if value:
            for key, inner in value.items():
                yield from _remark((*path, str(key)), remarks)
                yield from _entry(f"{_scalar(key)}:", inner, (*path, str(key)), remarks)
        case list() if value:
            for place, inner in enumerate(value):
                name = str(inner.get("name", place)) if isinstance(inner, dict) else str(place)
                yield from _remark((*path, name), remarks)
                yield from _element(inner, (*path, name), remarks)
        case _:
            yield _scalar(value)


def _entry(key: str, value: object, path: Path, remarks: Remarks) -> Iterator[str]:
    """Write `key: value`, the value on its own lines if it has any."""
    if isinstance(value, str) and _is_block(value):
        yield f"{key} |"
        yield from (f"  {line}" if line else "" for line in value[:-1].split("\n"))
    elif isinstance(value, (dict, list)) and value:
        yield key
        indent = "" if isinstance(value, list) else "  "
        yield from (f"{indent}{line}" if line else "" for line in _lines(value, path, remarks))
    else:
        yield f"{key} {_scalar(value)}"


def _element(value: object, path: Path, remarks: Remarks) -> Iterator[str]:
    """Write one element of a list."""
    mark = "- "
    for line in _lines(value, path, remarks):
        yield mark + line if line else ""
        mark = "  "


def _remark(path: Path, remarks: Remarks) -> Iterator[str]:
    """Say what is said above this place."""
    yield from (f"# {line}".rstrip() for line in remarks.get(path, "").splitlines())


def _is_block(text: str) -> bool:
    """Whether a text may stand as a literal block, as it is."""
    return text.count("\n") > 1 and _BLOCK.fullmatch(text) is not None and not re.search(r" \n|\n\n\Z", text)


def _scalar(value: Any) -> str:  # noqa: ANN401 - any leaf of plain data
    """Write a leaf in one line; a string that could be taken for something else is quoted."""
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.lower() not in _NOT_STRINGS:
            return value
        # JSON writes a letter beyond the first 65,536 as two; YAML knows one long form.
        return _ESCAPED_PAIR.sub(_long_form, json.dumps(value)).replace("\x7f", "\\x7f")
    return json.dumps(value)


def _long_form(pair: re.Match[str]) -> str:
    """Write two halves of a letter as the one that they stand for."""
    letter: str = json.loads(f'"{pair[0]}"')
    return f"\\U{ord(letter):08x}"
