"""Template + kube-dns ConfigMap + this node's addresses -> the Corefile that is served.

One walk over the template's tree makes both the merged tree and the edits that turn the template's text into it, so
that the text keeps its comments and its layout. What node-cache does by replacing bytes is done here to words.

Where this differs from node-cache on purpose:

- `force_tcp` goes from a `forward` to `__PILLAR__UPSTREAM__SERVERS__` at any indentation and beside other options.
- `health __PILLAR__LOCAL__DNS__:8080` and its like take the first local address, since they take one.
- A stub-domain block says what node-cache's says, in its order, and then has the `log`, `loop`, `reload` and
  `prometheus` of the template's own block for `.` (its first block, if there is none): who watches the
  template's zones wants to watch these, and a loop through a stub domain hurts like any other.
- A stub domain that the template serves already takes over: that block's `forward` goes to the stub domain's
  servers. With other keys in the same block, only the key moves out, into a block of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nodens.corefile import (
    Corefile,
    Directive,
    Edit,
    Import,
    Layout,
    ServerBlock,
    Snippet,
    Word,
    apply_edits,
    fill_pillars,
    render_item,
    render_words,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nodens.config.kubedns import KubeDns, StubDomain
    from nodens.problems import Problems

CLUSTER_DNS = "__PILLAR__CLUSTER__DNS__"
LOCAL_DNS = "__PILLAR__LOCAL__DNS__"
UPSTREAM_SERVERS = "__PILLAR__UPSTREAM__SERVERS__"
DNS_SERVER = "__PILLAR__DNS__SERVER__"
DNS_DOMAIN = "__PILLAR__DNS__DOMAIN__"

ENDPOINTS = frozenset({"health", "ready", "prometheus", "pprof"})  # directives that take one address
INDENT = "    "
COPIED = frozenset({"log", "loop", "reload", "prometheus"})  # directives that stub-domain blocks take over


@dataclass(frozen=True, slots=True, kw_only=True)
class Pillars:
    """What this node knows: its own addresses, and the cluster DNS service's (none while its variable is not set).

    node-cache leaves nothing of `__PILLAR__DNS__SERVER__` and does not know `__PILLAR__DNS__DOMAIN__`; whoever applies
    the manifest puts them in. `dns_server` (those of `local_dns` that are meant) and `dns_domain` do that here.
    """

    local_dns: tuple[str, ...]
    cluster_dns: tuple[str, ...]
    cluster_dns_variable: str = "KUBE_DNS_UPSTREAM_SERVICE_HOST"
    port: int = 53
    dns_server: tuple[str, ...] = ()
    dns_domain: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The Corefile that is served: as a tree (places are the template's), and as text that parses to it."""

    tree: Corefile
    text: str


def merge(template: Corefile, text: str, kube_dns: KubeDns, pillars: Pillars, problems: Problems) -> Merged | None:
    """Put the ConfigMap and the addresses into a template; `text` is what `template` was parsed from.

    Gives nothing where a value is asked for that is not known: no file is better than one with `<nil>` in it.
    """
    merger = _Merger(template, Layout(text), kube_dns, pillars, problems)
    tree, edits = merger.whole()
    if merger.lacks_value:
        return None
    return Merged(tree=tree, text=apply_edits(text, edits))


class _Merger:
    """One merge: the edits so far."""

    def __init__(
        self, template: Corefile, layout: Layout, kube_dns: KubeDns, pillars: Pillars, problems: Problems
    ) -> None:
        """Settle what each pillar stands for."""
        self._template = template
        self._layout = layout
        self._kube_dns = kube_dns
        self._pillars = pillars
        self._problems = problems
        self._edits: list[Edit] = []
        self._values: dict[str, tuple[str, ...]] = {
            LOCAL_DNS: tuple(each for each in pillars.local_dns if each not in pillars.dns_server),
            UPSTREAM_SERVERS: kube_dns.upstream_nameservers or ("/etc/resolv.conf",),
            DNS_SERVER: pillars.dns_server,
        }
        if pillars.dns_domain:
            self._values[DNS_DOMAIN] = (pillars.dns_domain,)
        if pillars.cluster_dns:
            self._values[CLUSTER_DNS] = pillars.cluster_dns
        self.lacks_value = False
        self._settled: list[StubDomain] = []  # stub domains that took over a block of the template
        self._last_lines: list[str] = []  # for a last block without braces

    def whole(self) -> tuple[Corefile, tuple[Edit, ...]]:
        """Merge all: the template's items in their order, then a block for each stub domain that has none."""
        items = [self._item(item) for item in self._template.items]
        blocks = [item for item in items if isinstance(item, ServerBlock)]
        added = [self._stub_block(stub, blocks) for stub in self._kube_dns.stub_domains if stub not in self._settled]
        self._add_at_end(blocks, added)
        return Corefile(file=self._template.file, items=(*items, *added)), tuple(self._edits)

    def _item(self, item: ServerBlock | Snippet | Import) -> ServerBlock | Snippet | Import:
        """Merge one item of the template."""
        match item:
            case Import():
                return replace(item, arguments=self._words(item.arguments))
            case Snippet():
                return replace(item, directives=tuple(self._directive(line) for line in item.directives))
            case ServerBlock():
                return self._block(item)

    # ------------ pillars ------------

    def _words(self, words: Sequence[Word], *, takes_one: bool = False) -> tuple[Word, ...]:
        """Fill words in, in the tree and in the text."""
        found: list[Word] = []
        for word in words:
            filled = self._fill(word, takes_one=takes_one)
            if filled != (word,):
                self._edits.append(self._layout.replacing(word, word, render_words(filled)))
            found += filled
        return tuple(found)

    def _fill(self, word: Word, *, takes_one: bool = False) -> tuple[Word, ...]:
        """Give the words that a word stands for; say once what it takes to know the cluster DNS address."""
        if CLUSTER_DNS in word.text and CLUSTER_DNS not in self._values:
            if not self.lacks_value:
                what = f"`{CLUSTER_DNS}` has no value: the variable `{self._pillars.cluster_dns_variable}` is not set"
                what += "; expected the IP address of the cluster DNS service"
                hint = "create the Service that `-upstreamsvc` names, then restart this pod: "
                hint += "Kubernetes sets the variable when a pod starts"
                self._problems.note(word.at, what, hint=hint)
            self.lacks_value = True
        values = self._values | ({LOCAL_DNS: self._pillars.local_dns[:1]} if takes_one else {})
        return fill_pillars(word, values)

    def _directive(self, line: Directive) -> Directive:
        """Merge one line and its body."""
        name, *arguments = self._words(line.words, takes_one=line.name.text in ENDPOINTS) or (line.name,)
        body = line.body
        asks_upstreams = any(UPSTREAM_SERVERS in word.text for word in line.arguments)
        if line.name.text == "forward" and asks_upstreams and self._kube_dns.upstream_nameservers:
            body = self._without_force_tcp(line)
        body = None if body is None else tuple(self._directive(inner) for inner in body)
        return replace(line, name=name, arguments=tuple(arguments), body=body)

    def _without_force_tcp(self, line: Directive) -> tuple[Directive, ...] | None:
        """Take `force_tcp` out of a body, and with it the braces if they hold nothing else, not even a comment.

        The cluster's own DNS speaks TCP; of a nameserver that somebody wrote into a ConfigMap nobody knows.
        """
        dropped = [inner for inner in line.body or () if inner.name.text == "force_tcp"]
        if not dropped or line.braces is None:
            return line.body
        opens, closes = self._layout.start(line.braces.opens), self._layout.start(line.braces.closes)
        if self._layout.text[opens + 1 : closes].split() == ["force_tcp"] * len(dropped):
            self._edits.append(Edit(start=self._layout.end(line.words[-1]), end=closes + 1, text=""))
            return None
        self._edits += [self._layout.line(inner.name) for inner in dropped]
        return tuple(inner for inner in line.body or () if inner not in dropped)

    # ------------ stub domains ------------

    def _block(self, block: ServerBlock) -> ServerBlock:
        """Merge one block of the template; stub domains among its keys take over."""
        keys = [word for key in block.keys for word in self._fill(key)]
        stubs = {stub.domain: stub for stub in self._kube_dns.stub_domains}
        taken = [stub for key in keys if (stub := stubs.get(self._zone(key) or ""))]
        staying = [key for key in keys if self._zone(key) not in stubs]
        target = None
        if taken and not staying:
            target, *taken = taken
            staying = [keys[0]]
            self._settled.append(target)
            what = (
                f"the template serves `{target.domain}` too, at {keys[0].at}; its `forward` now goes to these servers"
            )
            self._problems.warn(target.at, what)
        for stub in taken:
            what = f"the template serves `{stub.domain}` too, at {block.keys[0].at}; it gets a block of its own instead"
            self._problems.warn(stub.at, what)
        if taken:
            self._edits.append(self._layout.replacing(block.keys[0], block.keys[-1], render_words(staying)))
        else:
            self._words(block.keys)
        if target is None:
            lines = tuple(self._directive(line) for line in block.directives)
        else:
            lines = self._retargeted(block, target)
        return replace(block, keys=tuple(staying), directives=lines)

    def _retargeted(self, block: ServerBlock, stub: StubDomain) -> tuple[Directive, ...]:
        """Merge the lines of a block whose zone is a stub domain: its `forward` goes to the stub domain's servers."""
        lines: list[Directive] = []
        is_found = False
        for line in block.directives:
            is_whole = line.arguments[:1] and line.arguments[0].text.rstrip(".").lower() in {"", stub.domain}
            if line.name.text != "forward" or not is_whole:
                lines.append(self._directive(line))
                continue
            is_found = True
            body = self._without_force_tcp(line)
            source, *servers = line.arguments
            text = " ".join(stub.servers)
            edit = (
                self._layout.replacing(servers[0], servers[-1], text)
                if servers
                else self._layout.after(source, f" {text}")
            )
            self._edits.append(edit)
            body = None if body is None else tuple(self._directive(inner) for inner in body)
            lines.append(replace(line, arguments=(source, *_as_words(stub, *stub.servers)), body=body))
        if not is_found:
            lines.append(_line(stub, "forward", ".", *stub.servers))
            self._add_line(block, f"{INDENT}forward . {' '.join(stub.servers)}\n")
        return tuple(lines)

    def _add_line(self, block: ServerBlock, line: str) -> None:
        """Write a line at the end of a block's text."""
        if block.braces is None:
            self._last_lines.append(line)
            return
        closes = self._layout.start(block.braces.closes)
        before = self._layout.text[:closes].rstrip(" \t")
        start = len(before) if before.endswith("\n") else closes
        text = line if before.endswith("\n") else f"\n{line}"
        self._edits.append(Edit(start=start, end=start, text=text))

    def _stub_block(self, stub: StubDomain, blocks: Sequence[ServerBlock]) -> ServerBlock:
        """Make the block of a stub domain: node-cache's four lines, then those of the template's block for `.`."""
        lines = [_line(stub, "errors"), _line(stub, "cache", "30")]
        if self._pillars.local_dns:
            lines.append(_line(stub, "bind", *self._pillars.local_dns))
        lines.append(_line(stub, "forward", ".", *stub.servers))
        roots = [block for block in blocks if any(self._zone(key) == "" for key in block.keys)]
        for model in (roots or blocks)[:1]:
            lines += [replace(line, braces=None) for line in model.directives if line.name.text in COPIED]
        keys = _as_words(stub, f"{stub.domain}:{self._pillars.port}")
        return ServerBlock(keys=keys, directives=tuple(lines))

    def _add_at_end(self, blocks: Sequence[ServerBlock], added: Sequence[ServerBlock]) -> None:
        """Write what comes after the template's text; a last block without braces gets them, if anything follows it."""
        lines = list(self._last_lines)
        if added and blocks and blocks[-1].braces is None and isinstance(self._template.items[-1], ServerBlock):
            self._edits.append(self._layout.after(self._template.items[-1].keys[-1], " {"))
            lines.append("}\n")
        lines += ["\n" + render_item(block) for block in added]
        text = self._layout.text
        if lines and not text.endswith("\n"):
            lines.insert(0, "\n")
        if lines:
            self._edits.append(Edit(start=len(text), end=len(text), text="".join(lines)))

    def _zone(self, key: Word) -> str | None:
        """Give the zone of a key without its final dot, if it is served over plain DNS on our port."""
        scheme, is_url, rest = key.text.rpartition("://")
        zone, _, port = rest.rpartition(":")
        if not (zone and port.isascii() and port.isdecimal()):
            zone, port = rest, str(self._pillars.port)
        is_ours = (not is_url or scheme.lower() == "dns") and port == str(self._pillars.port)
        return zone.rstrip(".").lower() if is_ours else None


def _as_words(stub: StubDomain, *texts: str) -> tuple[Word, ...]:
    """Make words that stand where the stub domain stands in the ConfigMap."""
    return tuple(Word(text=text, at=stub.at) for text in texts)


def _line(stub: StubDomain, *texts: str) -> Directive:
    """Make a directive of words."""
    name, *arguments = _as_words(stub, *texts)
    return Directive(name=name, arguments=tuple(arguments))
