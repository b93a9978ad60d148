"""Which statistics this is: a number that changes whenever they may compute otherwise.

A certificate stands for the estimators it was made with. Nobody has to remember to
raise a version: the number is made from the code of `analysis/stats` itself, read as
text, so that nothing of it is loaded. Comments, docstrings and layout do not count.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).parent.parent / "analysis" / "stats"
_BYTES = 4
_MOST = 2**31 - 1  # the column holds whole numbers of 32 bits with a sign


@cache
def statistics_version(folder: Path = SOURCES) -> int:
    """Give the number of the statistics.

    Args:
        folder: of their code.

    Returns:
        1 to 2^31 - 1; the same for the same code, wherever it is installed.

    Raises:
        FileNotFoundError: there is no code.
    """
    digest = hashlib.sha256()
    paths = sorted(folder.rglob("*.py"))
    if not paths:
        raise FileNotFoundError(folder)
    for path in paths:
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(_meaning(path.read_text("utf-8")).encode())
    return max(1, int.from_bytes(digest.digest()[:_BYTES], "big") & _MOST)


def _meaning(source: str) -> str:
    """Write code without what changes nothing."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            node.body = body[1:]  # type: ignore[attr-defined]  # what has a body
    return ast.unparse(tree)  # `ast.dump` differs between versions of Python


def _is_text(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Expr):
        return False
    return isinstance(statement.value, ast.Constant)
