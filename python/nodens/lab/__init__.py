"""A small world on loopback and in namespaces; also the test bench. Runs nodens as a program, never imports it."""

from nodens.lab.cluster import small_cluster

__all__ = ["small_cluster"]
