"""node-cache's way to a Corefile: template, kube-dns ConfigMap and service address, merged, written, and served."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from nodens import config, corefile
from nodens.errors import ConfigError
from nodens.lifecycle.files import write_whole
from nodens.lifecycle.source import SIZE_LIMIT_BYTES, NotYetError, Text, read_file
from nodens.observe import SETUP_ERRORS
from nodens.problems import Place, Problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nodens.observe import Log, Numbers

FILES_LIMIT = 64  # keys of the ConfigMap that are looked at; it has three


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFiles:
    """The template, the Corefile to write, and the folder of the ConfigMap, which may appear later."""

    template: str
    written: str
    kube_dns: str


class TemplateSource:
    """Merges anew each time it is asked; writes the Corefile only when it can be served and came out different."""

    def __init__(self, asked: TemplateFiles, *, service: str, local_dns: Sequence[str], port: int) -> None:
        """Merge these files for a node that listens on `local_dns` and `port`."""
        self._template = asked.template
        self._written = asked.written
        self._folder = asked.kube_dns
        self._service = service
        self._local_dns = tuple(local_dns)
        self._port = port
        self._last_text: str | None = None
        self._pending: tuple[str, config.KubeDns] | None = None
        self._last_kube_dns = config.KubeDns()
        self._said: set[str] = set()
        self._log: Log | None = None
        self._numbers: Numbers | None = None

    def report_to(self, log: Log, numbers: Numbers) -> None:
        """Say and count there what goes wrong, and what is written."""
        self._log = log
        self._numbers = numbers

    def watched(self) -> Sequence[Path]:
        """Template, ConfigMap, and the written file: who edits that by hand is heard, too."""
        return (Path(self._template), Path(self._folder), Path(self._written))

    def read(self) -> Text:
        """Merge, and give what is to be served; places are the template's and the ConfigMap's."""
        try:
            text = read_file(self._template)
        except ConfigError as error:
            self._complain(f"Failed to read node-cache coreFile {self._template} - {error}")
            content = self._read_written()
            if not content:
                raise
            return Text(file=self._written, content=content)  # somebody else wrote it: served as it is
        warnings = Problems()
        kube_dns = self._read_kube_dns(warnings)
        merged = self._merge(text, kube_dns, warnings)
        self._pending = merged.text, kube_dns
        written = self._read_written() if merged.text == self._last_text else ""
        if written and written != merged.text:
            return Text(file=self._written, content=written)  # edited by hand since
        beside = str(Path(self._written).parent)  # as node-cache, which loads the written file
        return Text(file=self._template, content=merged.text, tree=merged.tree, warnings=warnings, beside=beside)

    def accept(self) -> None:
        """Write the Corefile if it came out different. One that cannot be written is served all the same."""
        if self._log is None or self._pending is None or self._pending[0] == self._last_text:
            return
        text, kube_dns = self._pending
        self._last_text = text
        try:
            write_whole(Path(self._written), text)
        except OSError as error:
            self._complain(f"Failed to write config file {self._written} - err {error}")
        servers = " ".join(kube_dns.upstream_nameservers)
        stubs = len(kube_dns.stub_domains)
        self._log.info(f"Updated Corefile with {stubs} custom stubdomains and upstream servers [{servers}]")
        self._log.info(f"Using config file:\n{text}")

    def _merge(self, text: str, kube_dns: config.KubeDns, warnings: Problems) -> config.Merged:
        """Merge template and ConfigMap."""
        cluster_dns = service_address(self._service, os.environ)
        pillars = config.Pillars(
            local_dns=self._local_dns,
            cluster_dns=(cluster_dns,) if cluster_dns else (),
            cluster_dns_variable=service_variable(self._service),
            port=self._port,
        )
        merged = fill(text, self._template, kube_dns, pillars, warnings)
        if merged is None:
            raise NotYetError(warnings.render_faults()) if not cluster_dns else ConfigError(warnings)
        return merged

    def _read_kube_dns(self, warnings: Problems) -> config.KubeDns:
        """Read the ConfigMap; what cannot be read is said once, and the last good one stays."""
        problems = Problems()
        try:
            files = read_folder(Path(self._folder))
        except (OSError, UnicodeDecodeError) as error:
            self._complain(f"Failed to sync kube-dns config directory {self._folder}, err: {error}")
            return self._last_kube_dns
        found = config.read_kube_dns(files, problems, self._folder)
        if problems.are_fatal or found is None:
            self._complain(f"Invalid config: {problems.render_faults()}")
            return self._last_kube_dns
        warnings.take(problems)
        self._said.clear()
        self._last_kube_dns = found
        return found

    def _read_written(self) -> str:
        """Read the Corefile as it stands; empty if it cannot be read."""
        try:
            return read_file(self._written)
        except ConfigError:
            return ""

    def _complain(self, text: str) -> None:
        """Say it once, count it."""
        if self._log is None or self._numbers is None or text in self._said:
            return
        self._said.add(text)
        self._numbers.add(SETUP_ERRORS, "configmap")
        self._log.error(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledSource:
    """A template as node-cache would fill it in, for a look: nothing is written, nothing waited for.

    `file` is what its places name; without a `kube_dns` folder there is no ConfigMap.
    """

    file: str
    content: str
    pillars: config.Pillars
    kube_dns: str = ""

    def report_to(self, log: Log, numbers: Numbers) -> None:
        """Has nothing to say."""

    def accept(self) -> None:
        """Stands where it stands."""

    def watched(self) -> Sequence[Path]:
        """Nothing."""
        return ()

    def read(self) -> Text:
        """Fill it in. Raises ConfigError, for the ConfigMap too."""
        problems = Problems()
        asked: config.KubeDns | None = config.KubeDns()
        if self.kube_dns:
            try:
                asked = config.read_kube_dns(read_folder(Path(self.kube_dns)), problems, self.kube_dns)
            except (OSError, UnicodeDecodeError) as error:
                problems.note(Place(file=self.kube_dns), f"cannot read: {error}")
        if asked is None or problems.are_fatal:
            raise ConfigError(problems)
        merged = fill(self.content, self.file, asked, self.pillars, problems)
        if merged is None:
            raise ConfigError(problems)
        return Text(file=self.file, content=merged.text, tree=merged.tree, warnings=problems)


def fill(
    text: str, file: str, kube_dns: config.KubeDns, pillars: config.Pillars, problems: Problems
) -> config.Merged | None:
    """Merge a template's text, a ConfigMap and this node's values; None if one is missing. Raises ConfigError."""
    tree = corefile.parse(text, file, problems)
    if tree is None or problems.are_fatal:
        raise ConfigError(problems)
    return config.merge(tree, text, kube_dns, pillars, problems)


def service_variable(service: str) -> str:
    """The environment variable that Kubernetes gives for a Service."""
    return f"{service.replace('-', '_').upper()}_SERVICE_HOST"


def service_address(service: str, environment: Mapping[str, str]) -> str | None:
    """The address of a Service, canonical; None if the variable is missing or holds no IP."""
    try:
        return str(ip_address(environment.get(service_variable(service), "")))
    except ValueError:
        return None


def read_folder(folder: Path) -> dict[str, str]:
    """Read the visible files of a folder, by name; a missing folder has none."""
    if not folder.is_dir():
        return {}
    paths = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file())
    texts = {}
    for path in paths[:FILES_LIMIT]:
        with path.open("rb") as file:
            texts[path.name] = file.read(SIZE_LIMIT_BYTES).decode()
    return texts
