"""Pictures: read by machines and by people who cannot see them, on light and on dark paper, and shown somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from doc_pages import HOUSE, pages, shown

from nodens.lab.lesson.chapters.words import LOCAL
from nodens.lab.world import kube_dns_upstream, lesson

SVG = "{http://www.w3.org/2000/svg}"
every_picture = pytest.mark.parametrize(
    "picture", [pytest.param(path, id=path.name) for path in sorted((HOUSE / "docs" / "pictures").iterdir())]
)


@every_picture
def test_a_picture_tells_in_words_what_it_shows(picture: Path) -> None:
    root = ET.parse(picture).getroot()  # noqa: S314 - our own file
    assert root.get("role") == "img"
    title, told = root.findtext(f"{SVG}title") or "", root.findtext(f"{SVG}desc") or ""
    assert len(title) > 10
    assert len(title + told) > 60


@every_picture
def test_a_picture_has_two_papers_and_brings_all_that_it_needs(picture: Path) -> None:
    text = picture.read_text(encoding="utf-8")
    light, _, dark = text.partition("@media (prefers-color-scheme: dark)")
    assert "fill:" in light
    assert "fill:" in dark
    assert "<image" not in text
    assert text.count("http") == 1, "the name of SVG itself, and no host"


@every_picture
def test_every_class_of_a_picture_is_painted(picture: Path) -> None:
    root = ET.parse(picture).getroot()  # noqa: S314 - our own file
    painted = root.findtext(f"{SVG}style") or ""
    classes = {name for each in root.iter() for name in (each.get("class") or "").split()}
    assert not {name for name in classes if f".{name}" not in painted}


@every_picture
def test_a_picture_is_shown_with_words_in_its_place(picture: Path) -> None:
    showing = [shown(page.path) for page in pages() if picture.name in page.prose]
    assert showing
    unnamed = [shown(page.path) for page in pages() if "![](" in page.prose]
    assert not unnamed


@every_picture
def test_a_picture_has_the_addresses_of_the_lesson(picture: Path) -> None:
    world = lesson()
    known = {*(pod.address.v4 for pod in world.pods), *(node.address.v4 for node in world.nodes), LOCAL}
    known.add("8.8.8.8")  # somebody's resolver outside, as an example
    known |= {service.address.v4 for service in (*world.services, kube_dns_upstream())}
    assert set(re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", picture.read_text(encoding="utf-8"))) <= known


def test_cluster_dns_stands_on_the_nodes_where_the_lesson_has_it() -> None:
    """A box lies within its node's, left of it where its address says so."""
    text = (HOUSE / "docs" / "pictures" / "architecture.svg").read_text(encoding="utf-8")
    starts = {name: int(x) for x, name in re.findall(r'x="(\d+)" y="61">(k01-[\w-]+)<', text)}
    for pod in lesson().pods_of("kube-dns"):
        places = [int(x) for x in re.findall(rf'x="(\d+)"[^>]*>{re.escape(pod.address.v4)}:53<', text)]
        assert len(places) == 2
        assert {max((x, name) for name, x in starts.items() if x < place)[1] for place in places} == {pod.node}


@pytest.mark.parametrize("paper", ["#ffffff", "#0d1117"], ids=["light", "dark"])
@every_picture
def test_no_line_runs_along_the_edge_of_a_picture(picture: Path, paper: str) -> None:
    """Where a picture paints its own paper, it reaches over the edge: half a pixel of the page would be seen there."""
    root = ET.parse(picture).getroot()  # noqa: S314 - our own file
    assert paper in picture.read_text(encoding="utf-8")
    _, _, width, height = (float(each) for each in root.get("viewBox", "").split())
    for sheet in root.iter(f"{SVG}rect"):
        if sheet.get("class") == "paper":
            x, y, wide, high = (float(sheet.get(name, "0")) for name in ("x", "y", "width", "height"))
            assert x < 0
            assert y < 0
            assert x + wide > width
            assert y + high > height
