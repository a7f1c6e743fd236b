"""nodens: a DNS cache for every node of a Kubernetes cluster."""

__version__ = "0.1.0"
