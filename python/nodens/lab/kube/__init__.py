"""What the API server and the kubelet do for the lesson, and no more: objects from a file become pods on the nodes.

It is no Kubernetes. It reads manifests, keeps the objects in a file of the world, writes ConfigMaps as the kubelet
does, and starts a DaemonSet's containers - our own program, whatever image is named - with the arguments, environment,
mounts and capabilities that the manifest asks for.
"""

from nodens.lab.kube.cluster import READY_S, Cluster
from nodens.lab.kube.editing import edit
from nodens.lab.kube.objects import Key, KubeObject, kind_of, matches, read_manifest, read_object
from nodens.lab.kube.pods import Pod
from nodens.lab.kube.seen import plural
from nodens.lab.kube.views import read_asked, render

__all__ = [
    "READY_S",
    "Cluster",
    "Key",
    "KubeObject",
    "Pod",
    "edit",
    "kind_of",
    "matches",
    "plural",
    "read_asked",
    "read_manifest",
    "read_object",
    "render",
]
