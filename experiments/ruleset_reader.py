"""The doors' copy of the ruleset: follows the file, and keeps the last good one."""

import threading

import structlog

from experiments.enrolled import FOLDER, EnrolledFolder
from experiments.privacy import Pseudonymiser
from experiments.ruleset_designs import Memory
from experiments.ruleset_files import PREVIOUS, Mark, RulesetFolder
from experiments.ruleset_values import Ruleset, RulesetRefusedError

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.25


class RulesetReader:
    """Serves the newest good ruleset that the folder held since the start."""

    def __init__(
        self, folder: RulesetFolder, pseudonymiser: Pseudonymiser | None = None
    ) -> None:
        """Read nothing yet.

        Args:
            folder: of the ruleset, with the enrolled sets in it.
            pseudonymiser: knows customers again; without one nobody keeps a variant
                and no list is asked, as for a process without assignment doors.
        """
        # In force; None until there is one. A request reads it once, so that its
        # answer never mixes two revisions.
        self.current: Ruleset | None = None
        # Why the file now on disk is not served, None when it is.
        self.fault: str | None = None
        self._folder = folder
        self._memory: Memory | None = None
        if pseudonymiser is not None:
            sets = EnrolledFolder(folder.path / FOLDER)
            self._memory = Memory(pseudonymiser, sets)
        self._mark: Mark | None = None
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Load what is there, and follow the file from now on."""
        self.refresh()
        self._thread = threading.Thread(
            target=self._follow, name="ruleset-reader", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop following the file; what was loaded stays."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def refresh(self) -> None:
        """Load the files that changed since the last look; never raises."""
        with self._turn:
            self._look()

    def _look(self) -> None:
        if self._memory is not None:
            self._memory.enrolled.refresh()
        mark = self._folder.mark()
        if mark == self._mark and (mark is not None or self.current is not None):
            return
        self._mark = mark
        try:
            self._take(self._folder.read(memory=self._memory))
        except RulesetRefusedError as refusal:
            self._note(str(refusal))
            self._fall_back()

    def _follow(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            try:
                self.refresh()
            except Exception:  # a dead thread would serve old rules for ever
                log.exception("ruleset not looked at")

    def _take(self, found: Ruleset) -> None:
        held = self.current
        if held is not None and found.revision < held.revision:
            raise RulesetRefusedError(
                f"The file holds revision {found.revision}, older than"
                f" {held.revision}, which is served."
            )
        if held is None or found.revision > held.revision:
            self.current = found
            log.info("ruleset in force", revision=found.revision)
        self.fault = None

    def _fall_back(self) -> None:
        if self.current is None:
            try:
                self.current = self._folder.read(PREVIOUS, self._memory)
            except RulesetRefusedError:
                return  # a fresh installation has neither
            log.warning("previous ruleset in force", revision=self.current.revision)

    def _note(self, fault: str) -> None:
        if fault != self.fault:
            log.warning("ruleset refused", fault=fault)
        self.fault = fault
