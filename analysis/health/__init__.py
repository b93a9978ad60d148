"""May these results be used? Each check with its state and a sentence.

FAILED blocks: the verdict is "do not use". NOTICE stands beside the answer. Limits
are those of statistics 4.13.
"""

from analysis.health.check import Check
from analysis.health.checking import Circumstances, check
from analysis.health.of_answer import OF_ANSWER, check_answer
from analysis.health.stored import check_rows, repeated_checks

__all__ = [
    "OF_ANSWER",
    "Check",
    "Circumstances",
    "check",
    "check_answer",
    "check_rows",
    "repeated_checks",
]
