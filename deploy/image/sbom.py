"""Writes what is in the image, as one CycloneDX document: `sbom.py ROOT`.

The engine's crates (maturin leaves them in the wheel), the Python package, and Debian's packages that files came from.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

PLACE = "usr/share/doc/nodens/sbom.cdx.json"


def debian(root: Path) -> list[dict[str, Any]]:
    """Describe the Debian packages that gave files."""
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', (root / "usr/lib/os-release").read_text(), re.MULTILINE))
    told = []
    for path in sorted((root / "var/lib/dpkg/status.d").iterdir()):
        field = dict(re.findall(r"^([A-Z][\w-]*): (.*)$", path.read_text(), re.MULTILINE))
        place = f"arch={field['Architecture']}&distro=debian-{release['VERSION_ID']}"
        purl = f"pkg:deb/debian/{field['Package']}@{quote(field['Version'])}?{place}"
        told.append(
            {"type": "library", "bom-ref": purl, "name": field["Package"], "version": field["Version"], "purl": purl}
        )
    return told


def main(root: Path) -> None:
    """Join the documents."""
    (wheel,) = root.glob("usr/local/lib/python3*/dist-packages/nodens-*.dist-info")
    (crates,) = wheel.glob("sboms/*.cyclonedx.json")
    rust = json.loads(crates.read_text())
    fields = dict(re.findall(r"^(Name|Version): (.*)$", (wheel / "METADATA").read_text(), re.MULTILINE))
    purl = f"pkg:pypi/{fields['Name']}@{fields['Version']}"
    engine = rust["metadata"]["component"]
    packages = debian(root)
    ourselves = {
        "type": "container", "bom-ref": "image", "name": fields["Name"], "version": fields["Version"],
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }  # fmt: skip
    package = {
        "type": "application",
        "bom-ref": purl,
        "name": fields["Name"],
        "version": fields["Version"],
        "purl": purl,
    }
    when = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), UTC)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": rust["specVersion"],
        "version": 1,
        "metadata": {
            "timestamp": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": ourselves,
            "properties": [{"name": "nodens:architecture", "value": platform.machine()}],
        },
        "components": [package, engine, *rust["components"], *packages],
        "dependencies": [
            {"ref": "image", "dependsOn": [purl, *[each["bom-ref"] for each in packages]]},
            {"ref": purl, "dependsOn": [engine["bom-ref"]]},
            *rust["dependencies"],
        ],
    }
    # The same content has the same number.
    document["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True)).urn
    place = root / PLACE
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
