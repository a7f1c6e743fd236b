"""Pictures: read by machines and by people who cannot see them, on light and on dark paper, and shown somewhere."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from doc_pages import HOUSE, pages, shown

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
