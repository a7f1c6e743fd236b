"""Text <-> tree. Reads a Corefile into words with their places and writes it back. Knows no directive by name."""

from nodens.corefile.expand import expand
from nodens.corefile.files import ImportedFile, ReadFile, read_from_disk
from nodens.corefile.parse import parse
from nodens.corefile.render import render
from nodens.corefile.tree import Braces, Corefile, Directive, Import, ServerBlock, Snippet, Word

__all__ = [
    "Braces",
    "Corefile",
    "Directive",
    "Import",
    "ImportedFile",
    "ReadFile",
    "ServerBlock",
    "Snippet",
    "Word",
    "expand",
    "parse",
    "read_from_disk",
    "render",
]
