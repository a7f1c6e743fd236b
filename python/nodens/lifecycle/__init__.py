"""Time. Who does what, in which order, until when."""

from nodens.lifecycle.node import DRAIN_MS, Asked, live
from nodens.lifecycle.pidfile import why_not_held
from nodens.lifecycle.probe import is_heard_by_stream, is_lack, unheard
from nodens.lifecycle.reload import Prepared, prepare
from nodens.lifecycle.source import BuiltInSource, FileSource, NotYetError, Source, Text, read_file
from nodens.lifecycle.template import FilledSource, TemplateFiles, TemplateSource, service_address, service_variable
from nodens.lifecycle.words import spell, version_lines

__all__ = [
    "DRAIN_MS",
    "Asked",
    "BuiltInSource",
    "FileSource",
    "FilledSource",
    "NotYetError",
    "Prepared",
    "Source",
    "TemplateFiles",
    "TemplateSource",
    "Text",
    "is_heard_by_stream",
    "is_lack",
    "live",
    "prepare",
    "read_file",
    "service_address",
    "service_variable",
    "spell",
    "unheard",
    "version_lines",
    "why_not_held",
]
