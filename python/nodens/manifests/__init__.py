"""Options -> Kubernetes objects -> YAML. Pure: reads no file, asks no cluster, knows nothing of a running agent."""

from nodens.manifests.corefile import at_local
from nodens.manifests.objects import Object, objects
from nodens.manifests.options import DEFAULTS, LOCAL_PILLAR, TEMPLATE, Mode, Options, Refusal, refusals
from nodens.manifests.render import render
from nodens.manifests.sizes import FORMULA, Memory, memory
from nodens.manifests.story import spell, spell_each

__all__ = [
    "DEFAULTS",
    "FORMULA",
    "LOCAL_PILLAR",
    "TEMPLATE",
    "Memory",
    "Mode",
    "Object",
    "Options",
    "Refusal",
    "at_local",
    "memory",
    "objects",
    "refusals",
    "render",
    "spell",
    "spell_each",
]
