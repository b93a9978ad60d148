"""Pages as PDF, made by WeasyPrint in a process of its own.

A PDF takes a second and 150 MB. A server process has neither to spare, so the work is
done beside it, one at a time, and given up when it takes too long. The same page asked
for again is given from memory.
"""

import base64
import ctypes
import ctypes.util
import hashlib
import importlib.util
import json
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import structlog

from experiments.errors import TooManyRequests, Unavailable
from web.pdf_child import CANNOT_LOAD

PAPERS = {"a4": "A4", "letter": "Letter"}  # as in addresses, as in style sheets
MOST_SECONDS = 20.0
TURN_SECONDS = 3.0  # how long a request waits for the one before it
MOST_KEPT = 16  # PDFs, 30 to 200 kB each
STYLE = Path(__file__).parent / "static" / "paper.css"
# Debian's package -> the library in it that WeasyPrint opens, by any of these names.
LIBRARIES: dict[str, tuple[str, ...]] = {
    "libpango-1.0-0": ("libpango-1.0.so.0", "pango-1.0"),
    "libpangoft2-1.0-0": ("libpangoft2-1.0.so.0", "pangoft2-1.0"),
    "fontconfig": ("libfontconfig.so.1", "fontconfig"),
}
# Without these PDFs are made all the same: larger, or with other letters.
USEFUL = ("libharfbuzz-subset0", "fonts-liberation")

log = structlog.get_logger(__name__)


class NoPdf(Unavailable):
    """No PDF can be made now; the page itself can be printed."""


@dataclass(frozen=True, slots=True)
class Part:
    """A document that begins on a page of its own.

    Attributes:
        html: with all it shows; nothing is fetched.
        fits: whether it must fit one page, and is set smaller until it does.
    """

    html: str
    fits: bool


@cache
def missing() -> tuple[str, ...]:
    """Name what has to be installed before PDFs can be made.

    Returns:
        Packages, Debian's or Python's; empty when all are there.
    """
    found = [name for name, names in LIBRARIES.items() if not _opens(names)]
    if importlib.util.find_spec("weasyprint") is None:
        found.append("weasyprint (pip)")
    return tuple(found)


def _opens(names: Sequence[str]) -> bool:
    for name in names:
        path = name if ".so" in name else ctypes.util.find_library(name)
        if path is None:
            continue
        try:
            ctypes.CDLL(path)
        except OSError:
            continue
        return True
    return False


def data_address(svg: str) -> str:
    """Write a drawing as an address that holds it whole."""
    packed = base64.b64encode(svg.encode()).decode()
    return f"data:image/svg+xml;base64,{packed}"


class Maker:
    """Makes PDFs, one at a time, and keeps the last ones."""

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._command = command or [sys.executable, "-m", "web.pdf_child"]
        self._turn = threading.Lock()
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._cannot_load = False

    @property
    def works(self) -> bool:
        """Whether PDFs can be made here, as far as is known."""
        return not self._cannot_load and not missing()

    def make(self, parts: Sequence[Part], paper: str) -> bytes:
        """Make a PDF.

        Args:
            parts: in their order.
            paper: "A4" or "Letter".

        Returns:
            The file.

        Raises:
            NoPdf: WeasyPrint cannot be loaded, failed, or took too long.
            TooManyRequests: another one is being made.
        """
        if not self.works:
            raise NoPdf(refusal(missing()))
        style = STYLE.read_text()
        asked = {"paper": paper, "style": style, "parts": [asdict(p) for p in parts]}
        body = json.dumps(asked).encode()
        key = hashlib.sha256(body).digest()
        if (kept := self._kept.get(key)) is not None:
            return kept
        if not self._turn.acquire(timeout=TURN_SECONDS):
            raise TooManyRequests(
                "Another PDF is being made. Try again in a few seconds.", retry_after=3
            )
        try:
            made = self._run(body)
            self._kept[key] = made
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        finally:
            self._turn.release()
        return made

    def _run(self, body: bytes) -> bytes:
        try:
            done = subprocess.run(  # noqa: S603  # our own command
                self._command,
                input=body,
                capture_output=True,
                timeout=MOST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            log.warning("pdf_took_too_long", bytes=len(body))
            raise NoPdf(
                f"The PDF was not ready after {MOST_SECONDS:.0f} seconds, so it was"
                " given up. Print this page instead."
            ) from None
        if done.returncode == CANNOT_LOAD:
            self._cannot_load = True  # until this process is started anew
            raise NoPdf(refusal(missing()))
        if done.returncode != 0:
            # Never what it said: that may quote the page.
            log.error("pdf_failed", code=done.returncode, bytes=len(body))
            raise NoPdf("The PDF could not be made. Print this page instead.")
        return done.stdout


def refusal(packages: Sequence[str]) -> str:
    """Say that no PDF can be made here, and what would have to be installed."""
    named = ", ".join(packages or (*LIBRARIES, *USEFUL))
    return (
        "No PDF can be made on this server. Print this page instead. Whoever runs Abide"
        f" can install: {named}."
    )


maker = Maker()
