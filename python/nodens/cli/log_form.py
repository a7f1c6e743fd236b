"""Opens the log in the form that was asked for: lines of both halves of the program are in one."""

from __future__ import annotations

from nodens import engine
from nodens.observe import Log, LogForm


def open_log(form: LogForm, *, before: str = "") -> Log:
    """Give the control plane's log, and have the engine write alike."""
    if form is LogForm.JSON:
        engine.log_as_json()
    return Log(before=before, form=form)
