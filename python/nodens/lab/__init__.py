"""A small world on loopback and in namespaces; also the test bench. Runs nodens as a program, never imports it."""

from nodens.lab.client import ask
from nodens.lab.cluster import small_cluster
from nodens.lab.message import Message, query

__all__ = ["Message", "ask", "query", "small_cluster"]
