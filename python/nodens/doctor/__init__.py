"""Signs -> verdicts. Looks at a node and says what is well and what is not; must not change anything on it."""

from nodens.doctor.examine import examine
from nodens.doctor.model import Line, Verdict, is_well
from nodens.doctor.report import as_plain, render
from nodens.doctor.subject import Asked

__all__ = ["Asked", "Line", "Verdict", "as_plain", "examine", "is_well", "render"]
