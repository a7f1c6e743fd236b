"""Text <-> tree. Reads a Corefile into words with their places and writes it back. Knows no directive by name."""

from nodens.corefile.edit import Edit, Layout, apply_edits
from nodens.corefile.expand import expand
from nodens.corefile.files import ImportedFile, ReadFile, open_regular, read_from_disk
from nodens.corefile.parse import parse
from nodens.corefile.references import fill_pillars
from nodens.corefile.render import render, render_item, render_words
from nodens.corefile.tokens import Lines
from nodens.corefile.tree import Braces, Corefile, Directive, Import, ServerBlock, Snippet, Word

__all__ = [
    "Braces",
    "Corefile",
    "Directive",
    "Edit",
    "Import",
    "ImportedFile",
    "Layout",
    "Lines",
    "ReadFile",
    "ServerBlock",
    "Snippet",
    "Word",
    "apply_edits",
    "expand",
    "fill_pillars",
    "open_regular",
    "parse",
    "read_from_disk",
    "render",
    "render_item",
    "render_words",
]
