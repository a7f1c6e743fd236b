"""Picks out of a Debian root what a node needs, and nothing else: `assemble.py INSTALLED DESTINATION`.

Run in the image's `root` stage. Python without what nodens never imports, both iptables, the libraries these link with,
and for each package its copyright and its entry in `/var/lib/dpkg/status.d`, where scanners look for it.
"""

from __future__ import annotations

import compileall
import os
import py_compile
import re
import shutil
import subprocess
import sys
from pathlib import Path

# What to take of each package. Libraries follow by what these files link with.
WANTED = {
    r"python3-minimal": r"/usr/bin/python3$",
    r"python3\.\d+-minimal": r"/usr/bin/python3\.\d+$",
    r"libpython3\.\d+-minimal": r"/usr/lib/python3\.\d+/",
    r"libpython3\.\d+-stdlib": r"/usr/lib/python3\.\d+/",
    r"iptables": r"/usr/sbin/(xtables-(nft|legacy)-multi|ip6?tables-(nft|legacy)(-save|-restore)?)$"
    r"|/usr/lib/[^/]+/xtables/",
}
# Parts of Python that nodens does not import: what would bring a library with it (TLS, SQLite, terminals), and weight.
UNWANTED = re.compile(
    r"/python3\.\d+/("
    r"ensurepip|test|idlelib|lib2to3|pydoc_data|sqlite3|curses|dbm|tkinter|turtledemo|venv|distutils|xmlrpc|wsgiref|unittest"
    r"|EXTERNALLY-MANAGED|sitecustomize\.py|_sysconfigdata|_pyrepl|pydoc\.py|turtle\.py"
    r"|lib-dynload/(_ssl|_hashlib|_sqlite3|_curses|_curses_panel|readline|_dbm|_gdbm|_tkinter|_uuid|_test|xx|nis|_crypt)"
    r")"
)
# Plain names lead to iptables-nft, as on Debian; nodens finds out by itself which one a node uses.
PLAIN = [f"{name}{verb}" for name in ("iptables", "ip6tables") for verb in ("", "-save", "-restore")]
USERS = {"passwd": "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n",
         "group": "root:x:0:\nnonroot:x:65532:\n"}  # fmt: skip
FOLDERS = {"tmp": 0o1777, "run": 0o755, "proc": 0o555, "sys": 0o555, "dev": 0o755, "etc/coredns": 0o755,
           "run/nodens": 0o755}  # fmt: skip


def ask(*words: str) -> str:
    """Run a program and give what it prints."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def pick() -> dict[str, list[str]]:
    """Name the files to take, by package."""
    packages = ask("dpkg-query", "-W", "-f", "${Package}\n").split()
    picked: dict[str, list[str]] = {}
    for pattern, files in WANTED.items():
        (package,) = [name for name in packages if re.fullmatch(pattern, name)]
        listed = ask("dpkg", "-L", package).split("\n")
        picked[package] = [
            path
            for path in listed
            if re.match(files, path) and not UNWANTED.search(path) and (os.path.islink(path) or os.path.isfile(path))
        ]
    return picked


def is_elf(path: Path) -> bool:
    """Whether the loader has work with this file."""
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def libraries_of(files: list[Path]) -> set[str]:
    """Name the libraries that files link with, and the loader; a missing one is an error."""
    found: set[str] = set()
    for path in files:
        if path.is_symlink() or not is_elf(path):
            continue
        linked = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
        if "not found" in linked:
            sys.exit(f"{path}: a library is missing; expected all to be installed:\n{linked}")
        found |= set(re.findall(r"(/\S+) \(0x", linked))
    return found


def owner_of(library: str) -> tuple[str, str]:
    """Give the package a library belongs to, and the path that the package knows it by (`/lib` is `/usr/lib`)."""
    path = library if library.startswith("/usr") else f"/usr{library}"
    for known in (path, path.removeprefix("/usr")):
        told = subprocess.run(["dpkg", "-S", known], capture_output=True, text=True, check=False)
        if told.returncode == 0:
            return told.stdout.partition(":")[0], path
    sys.exit(f"{library}: no package owns it; expected one to")


def copy(path: str, destination: Path) -> Path:
    """Copy a file, or a link and what it leads to."""
    target = destination / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(target):
        shutil.copy2(path, target, follow_symlinks=False)
        if os.path.islink(path):
            copy(os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path))), destination)
    return target


def describe(package: str, destination: Path) -> None:
    """Leave a package's entry for scanners, and its copyright."""
    name = package.partition(":")[0]
    status = destination / "var/lib/dpkg/status.d" / name
    status.parent.mkdir(parents=True, exist_ok=True)
    status.write_text(ask("dpkg", "-s", package), encoding="utf-8")
    copyright_file = f"/usr/share/doc/{name}/copyright"
    if os.path.exists(copyright_file):
        target = destination / copyright_file.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(copyright_file, target)


def main(installed: Path, destination: Path) -> None:
    """Make the root."""
    destination.mkdir()
    for name in ("bin", "sbin", "lib", "lib64"):
        (destination / "usr" / name).mkdir(parents=True)
        (destination / name).symlink_to(f"usr/{name}")
    for name, mode in FOLDERS.items():
        (destination / name).mkdir(parents=True)
        (destination / name).chmod(mode)
    shutil.copytree(installed, destination, symlinks=True, dirs_exist_ok=True)
    packages = pick()
    files = [copy(path, destination) for paths in packages.values() for path in paths]
    ours = list(destination.glob("usr/local/lib/python3*/dist-packages/nodens/*.so"))
    for library in sorted(libraries_of([*files, *ours])):
        package, path = owner_of(library)
        packages.setdefault(package, []).append(path)
        copy(path, destination)
    for name in PLAIN:
        (destination / "usr/sbin" / name).symlink_to("xtables-nft-multi")
    (destination / "node-cache").symlink_to("usr/local/bin/node-cache")  # where the original's image has it
    for package in packages:
        describe(package, destination)
    for name, text in USERS.items():
        (destination / "etc" / name).write_text(text, encoding="utf-8")
    shutil.copy2("/etc/os-release", destination / "usr/lib/os-release")
    (destination / "etc/os-release").symlink_to("../usr/lib/os-release")
    subprocess.run(["ldconfig", "-r", destination], check=True)
    (destination / "var/cache/ldconfig/aux-cache").unlink(missing_ok=True)
    # Nobody can write byte code later: the root is read-only. Unchecked: nobody changes a source there, either.
    compiled = compileall.compile_dir(
        destination / "usr", quiet=1, stripdir=str(destination), maxlevels=20,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )  # fmt: skip
    if not compiled:
        sys.exit("a Python file does not compile")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
