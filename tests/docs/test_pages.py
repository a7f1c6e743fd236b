"""Every page: its blocks are what they claim to be, its commands are there, its links lead somewhere."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from doc_checks import (
    dead_links,
    disguised,
    misread,
    refusals,
    strange_commands,
    strange_flags,
    strange_metrics,
    unknown_commands,
    unmarked,
)
from doc_pages import Page, pages, shown
from doc_run import make_folder, run, take_down

PAGES = pages()
every_page = pytest.mark.parametrize("page", [pytest.param(page, id=shown(page.path)) for page in PAGES])


def with_mark(mark: str, *, without: str = "") -> pytest.MarkDecorator:
    """Take the pages that have a block with this mark and not the other."""
    marked = [
        page for page in PAGES if any(mark in block.marks and without not in block.marks for block in page.blocks)
    ]
    return pytest.mark.parametrize("page", [pytest.param(page, id=shown(page.path)) for page in marked])


def expect_none(troubles: Iterable[str]) -> None:
    """Show all troubles, each on its lines, not as a list cut short."""
    assert not (told := "\n".join(troubles)), told


@every_page
def test_every_block_says_what_it_is(page: Page) -> None:
    expect_none(unmarked(page))


@every_page
def test_no_command_hides_in_plain_text(page: Page) -> None:
    expect_none(disguised(page))


@every_page
def test_every_corefile_can_be_served(page: Page, tmp_path: Path) -> None:
    expect_none(refusals(page, tmp_path))


@every_page
def test_every_block_of_data_parses(page: Page) -> None:
    expect_none(misread(page))


@every_page
def test_every_command_is_one_that_exists(page: Page) -> None:
    expect_none(unknown_commands(page))


@every_page
def test_commands_named_in_passing_exist(page: Page) -> None:
    expect_none(strange_commands(page))


@every_page
def test_metrics_named_in_passing_exist(page: Page) -> None:
    expect_none(strange_metrics(page))


@every_page
def test_flags_named_in_passing_exist(page: Page) -> None:
    expect_none(strange_flags(page))


@every_page
def test_every_link_leads_somewhere(page: Page) -> None:
    expect_none(dead_links(page, PAGES))


@with_mark("run", without="root")
def test_what_is_marked_runs_and_says_what_the_page_says(page: Page, tmp_path: Path) -> None:
    folder = make_folder(page, tmp_path)
    blocks = [block for block in page.blocks if "run" in block.marks and "root" not in block.marks]
    expect_none([trouble for block in blocks for trouble in run(block, folder)])


@pytest.mark.netns
@with_mark("root")
def test_what_needs_root_runs_in_a_namespace(page: Page, tmp_path: Path, needs) -> None:  # noqa: ANN001 - a fixture
    needs(root=True, programs=("unshare", "ip"))
    folder = make_folder(page, tmp_path)
    blocks = [block for block in page.blocks if "root" in block.marks]
    try:
        expect_none([trouble for block in blocks for trouble in run(block, folder)])
    finally:
        take_down(folder)
