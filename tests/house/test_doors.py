"""Who may import what, where import-linter cannot see it: the compiled module, subprocess, third parties."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "python" / "nodens"

# A compiled module is invisible to import-linter, and the standard library is no layer.
DOORS = {
    "nodens._engine": {"engine.py"},
    "subprocess": {"network/", "lab/", "cli/run.py"},
    "ctypes": {"lifecycle/watch.py", "network/", "lab/"},
}
PURE_ROOMS = ("corefile", "config", "plan")
NO_IO = {"socket", "os", "subprocess", "threading", "time", "pathlib", "io", "ctypes", "selectors", "signal"}
# The one place of a pure room that touches files: `import` needs a reader, and the real one is handed in.
IO_EXCEPTIONS = {"corefile/files.py"}
# What a lower room hands up by name alone goes through its `__init__`; these files are doors of their own.
OPEN_FILES = {"corefile.tree", "config.model", "plan.model", "plan.facts"}


def imports_of(path: Path) -> set[str]:
    """Give every module that a file imports, in full."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{name.name}" for name in node.names}
    return found


def rooms() -> dict[str, set[str]]:
    """Map each file, relative to the package, to its imports."""
    return {str(path.relative_to(PACKAGE)): imports_of(path) for path in sorted(PACKAGE.rglob("*.py"))}


def test_each_door_is_used_only_from_the_rooms_that_hold_its_key() -> None:
    trespassers = [
        f"{file} imports {door}"
        for file, imported in rooms().items()
        for door, keys in DOORS.items()
        if any(name == door or name.startswith(door + ".") for name in imported)
        and not any(file == key or (key.endswith("/") and file.startswith(key)) for key in keys)
    ]
    assert not trespassers


def test_pure_rooms_import_nothing_that_does_io() -> None:
    leaks = [
        f"{file} imports {name}"
        for file, imported in rooms().items()
        if file.split("/")[0] in PURE_ROOMS and file not in IO_EXCEPTIONS
        for name in imported
        if name.split(".")[0] in NO_IO
    ]
    assert not leaks


# An extra of the package: what needs it is not the agent.
EXTRAS = {"yaml": "lab/kube/"}


def test_no_third_party_is_needed_to_run() -> None:
    allowed = set(sys.stdlib_module_names) | {"nodens", "__future__"}
    strangers = [
        f"{file} imports {name}"
        for file, imported in rooms().items()
        for name in imported
        if name.split(".")[0] not in allowed
        and not ((room := EXTRAS.get(name.split(".")[0])) and file.startswith(room))
    ]
    assert not strangers


def test_rooms_import_rooms_never_a_file_inside_another_room() -> None:
    rooms_by_name = {path.name for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    trespassers = [
        f"{file} imports {name}"
        for file, imported in rooms().items()
        for name in imported
        if (parts := name.split("."))[0] == "nodens"
        and len(parts) > 2
        and parts[1] in rooms_by_name
        and parts[1] != file.split("/")[0]
        and (PACKAGE / parts[1] / f"{parts[2]}.py").exists()
        and f"{parts[1]}.{parts[2]}" not in OPEN_FILES
    ]
    assert not trespassers
