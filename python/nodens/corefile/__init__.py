"""Text <-> tree. Reads a Corefile into words with their places and writes it back. Knows no directive by name."""

from nodens.corefile.parse import parse
from nodens.corefile.tree import Braces, Corefile, Directive, Import, ServerBlock, Snippet, Word

__all__ = ["Braces", "Corefile", "Directive", "Import", "ServerBlock", "Snippet", "Word", "parse"]
