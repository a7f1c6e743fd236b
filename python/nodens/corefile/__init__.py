"""Text <-> tree. Reads a Corefile into words with their places and writes it back. Knows no directive by name."""
