"""Options -> YAML. Prints the Kubernetes objects that run nodens; reads no cluster."""
