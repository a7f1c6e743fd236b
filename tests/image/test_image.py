"""What is in the image, and what is not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from container import Image

import nodens

pytestmark = pytest.mark.image

LIMIT_BYTES = 60_000_000  # compressed
STRANGERS = re.compile(
    r"/(sh|bash|dash|busybox|perl|apt|apt-get|dpkg|pip\d?|gcc|cc|ld|as|cargo|rustc|maturin|curl|wget|openssl|su|mount)$"
)


def files(image: Image) -> list[Path]:
    return [path for path in image.root.rglob("*") if path.is_file() and not path.is_symlink()]


def inside(image: Image, *words: str) -> str:
    """Run a program of the image in its own root."""
    done = subprocess.run(["chroot", image.root, *words], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return done.stdout


def test_it_is_small(image: Image) -> None:
    size = sum(layer.stat().st_size for layer in image.layers)
    assert size < LIMIT_BYTES


def test_it_says_what_it_is_and_starts_as_the_original_does(image: Image) -> None:
    labels = {key.removeprefix("org.opencontainers.image."): value for key, value in image.config["Labels"].items()}
    assert (labels["title"], labels["version"], labels["licenses"]) == ("nodens", nodens.__version__, "Apache-2.0")
    assert re.fullmatch(r"[0-9a-f]{40}|unknown", labels["revision"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", labels["created"])
    assert image.config["Entrypoint"] == ["/usr/local/bin/node-cache"]
    for command in ("/usr/local/bin/node-cache", "/node-cache"):  # the second is where the original's image has it
        assert f"nodens-{nodens.__version__}" in inside(image, command, "-version")
    assert "usage: nodens COMMAND" in inside(image, "/usr/local/bin/nodens", "--help")


def test_it_holds_no_shell_no_compiler_and_no_package_manager(image: Image) -> None:
    assert [str(path) for path in files(image) if STRANGERS.search(str(path)) and "bin" in path.parts] == []


def test_nothing_in_it_gives_rights(image: Image) -> None:
    special = [str(path) for path in files(image) if path.stat().st_mode & 0o7000 or path.stat().st_uid]
    assert special == []
    writable = [str(path) for path in files(image) if path.stat().st_mode & 0o002]
    assert writable == []
    capable = [str(path) for path in files(image) if "security.capability" in os.listxattr(path)]
    assert capable == []


def test_nothing_of_the_machine_that_built_it_is_in_it(image: Image) -> None:
    assert [name for name in ("root", "build", "etc/ssl", "etc/pip.conf", "etc/apt", "image", "installed")
            if (image.root / name).exists()] == []  # fmt: skip
    engine = next(image.root.rglob("_engine*.so")).read_bytes()
    assert b"/build/crates" not in engine
    assert b"/cargo/registry" not in engine


def test_every_module_of_the_program_can_be_imported(image: Image) -> None:
    told = inside(
        image, "/usr/bin/python3", "-c",
        "import importlib, pkgutil, nodens\n"
        "names = [each.name for each in pkgutil.walk_packages(nodens.__path__, 'nodens.')]\n"
        # The lab is for a machine of one's own, with PyYAML.
        "names = [name for name in names if name != 'nodens.__main__' and 'lab' not in name.split('.')]\n"
        "[importlib.import_module(name) for name in names]\n"
        "print(len(names))",
    )  # fmt: skip
    assert int(told) > 100


@pytest.mark.parametrize("family", ["iptables", "ip6tables"])
@pytest.mark.parametrize(("flavour", "word"), [("-nft", "nf_tables"), ("-legacy", "legacy"), ("", "nf_tables")])
def test_both_iptables_are_there(image: Image, family: str, flavour: str, word: str) -> None:
    for verb in ("", "-save", "-restore"):
        assert f"({word})" in inside(image, f"/usr/sbin/{family}{flavour}{verb}", "--version")


def test_byte_code_is_there_for_every_source_since_nobody_can_write_it_later(image: Image) -> None:
    bare = [
        str(path)
        for path in image.root.rglob("*.py")
        if not list((path.parent / "__pycache__").glob(f"{path.stem}.cpython-*.pyc"))
    ]
    assert bare == []


def test_the_bill_of_materials_names_the_engines_crates_and_every_package_of_which_there_is_a_file(
    image: Image,
) -> None:
    bill = json.loads((image.root / "usr/share/doc/nodens/sbom.cdx.json").read_text())
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "nodens")
    references = [bill["metadata"]["component"]["bom-ref"], *(each["bom-ref"] for each in bill["components"])]
    assert len(references) == len(set(references))
    assert {each["ref"] for each in bill["dependencies"]} <= set(references)
    assert {ref for each in bill["dependencies"] for ref in each.get("dependsOn", [])} <= set(references)

    purls = {each["purl"].partition("@")[0] for each in bill["components"]}
    locked = ("pyo3", "libc", "socket2", "nodens-core")
    assert {f"pkg:cargo/{name}" for name in locked} <= purls
    assert {"pkg:pypi/nodens", "pkg:deb/debian/iptables", "pkg:deb/debian/libc6"} <= purls
    described = {path.name for path in (image.root / "var/lib/dpkg/status.d").iterdir()}
    assert described == {name.removeprefix("pkg:deb/debian/") for name in purls if name.startswith("pkg:deb/")}
    unlicensed = [name for name in described if not (image.root / "usr/share/doc" / name / "copyright").exists()]
    assert unlicensed == []


def test_the_bill_of_materials_is_what_scanners_read_and_names_the_versions_that_were_locked(image: Image) -> None:
    """CycloneDX 1.5 asks for these fields; a version that is not the built one hides a weakness."""
    bill = json.loads((image.root / "usr/share/doc/nodens/sbom.cdx.json").read_text())
    assert bill["specVersion"] in {"1.4", "1.5", "1.6"}
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill["serialNumber"])
    assert all({"type", "name", "version", "purl"} <= set(each) for each in bill["components"])
    lock = tomllib.loads((Path(__file__).parents[2] / "Cargo.lock").read_text())["package"]
    locked = {(each["name"], each["version"]) for each in lock}
    crates = {(each["name"], each["version"]) for each in bill["components"] if each["purl"].startswith("pkg:cargo/")}
    assert crates - locked == set()
    told = {each["name"]: each["version"] for each in bill["components"] if each["purl"].startswith("pkg:deb/")}
    for path in (image.root / "var/lib/dpkg/status.d").iterdir():
        assert f"Version: {told[path.name]}\n" in path.read_text()


def test_the_bill_beside_the_image_is_the_one_inside(image: Image) -> None:
    beside = Path(__file__).parents[2] / "dist/image/sbom.cdx.json"
    assert beside.read_text() == (image.root / "usr/share/doc/nodens/sbom.cdx.json").read_text()
