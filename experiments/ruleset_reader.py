"""The doors' copy of the ruleset: follows the file, and keeps the last good one."""

import threading
from collections.abc import Callable

import structlog

from experiments.privacy import Pseudonymiser
from experiments.ruleset_designs import Memory, memory_in
from experiments.ruleset_files import PREVIOUS, Mark, RulesetFolder
from experiments.ruleset_values import Ruleset, RulesetRefusedError
from experiments.serving import Place

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.1
# The sets change seldom, and there may be hundreds: they are looked at twice a second.
LOOKS_PER_SETS = 5


class RulesetReader:
    """Serves the newest good ruleset that the folder held since the start."""

    def __init__(
        self,
        folder: RulesetFolder,
        pseudonymiser: Pseudonymiser | None = None,
        join: Callable[[], Place] | None = None,
    ) -> None:
        """Read nothing yet.

        Args:
            folder: of the ruleset, with the sets of customers in it.
            pseudonymiser: knows customers again; without one nobody keeps a variant
                and no list is asked, as for a process without assignment doors.
            join: takes a place on the serving board, so that publishers wait for
                this process.
        """
        # In force; None until there is one. A request reads it once, so that its
        # answer never mixes two revisions.
        self.current: Ruleset | None = None
        # Why the file now on disk is not served, None when it is.
        self.fault: str | None = None
        self._folder = folder
        self._memory: Memory | None = None
        if pseudonymiser is not None:
            self._memory = memory_in(folder.path, pseudonymiser)
        self._mark: Mark | None = None
        self._turn = threading.Lock()
        self._join = join
        self._place: Place | None = None
        self._hurry = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Load what is there, and follow the file from now on."""
        self._take_place()
        self.refresh()
        self._thread = threading.Thread(
            target=self._follow, name="ruleset-reader", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop following the file; what was loaded stays."""
        self._stopping = True
        self._hurry.set()
        if self._thread is not None:
            self._thread.join()
        if self._place is not None:
            self._place.leave()
            self._place = None

    def hurry(self) -> None:
        """Look at the file at once, for it was replaced."""
        self._hurry.set()

    def refresh(self) -> None:
        """Load the files that changed since the last look; never raises."""
        with self._turn:
            self._look()

    def _look(self, *, at_sets: bool = True) -> None:
        if at_sets and self._memory is not None:
            self._memory.refresh()
        mark = self._folder.mark()
        if mark == self._mark and (mark is not None or self.current is not None):
            return
        self._mark = mark
        if not at_sets and self._memory is not None:
            # A later phase may start as soon as the sets reach past the earlier one.
            self._memory.refresh()
        try:
            self._take(self._folder.read(memory=self._memory))
        except RulesetRefusedError as refusal:
            self._note(str(refusal))
            self._fall_back()

    def _follow(self) -> None:
        looks = 0
        while not self._stopping:
            self._hurry.wait(POLL_SECONDS)
            self._hurry.clear()
            looks += 1
            try:
                with self._turn:
                    self._look(at_sets=looks % LOOKS_PER_SETS == 0)
            except Exception:  # a dead thread would serve old rules for ever
                log.exception("ruleset not looked at")

    def _take_place(self) -> None:
        if self._join is None:
            return
        try:
            self._place = self._join()
        except OSError as error:  # a full disk: publishers go on without this process
            log.warning("no place on the serving board", reason=error.strerror)

    def _serve(self, ruleset: Ruleset) -> None:
        self.current = ruleset
        if self._place is not None:
            self._place.say(ruleset.revision)

    def _take(self, found: Ruleset) -> None:
        held = self.current
        if held is not None and found.revision < held.revision:
            raise RulesetRefusedError(
                f"The file holds revision {found.revision}, older than"
                f" {held.revision}, which is served."
            )
        if held is None or found.revision > held.revision:
            self._serve(found)
            log.info("ruleset in force", revision=found.revision)
        self.fault = None

    def _fall_back(self) -> None:
        if self.current is None:
            try:
                found = self._folder.read(PREVIOUS, self._memory)
            except RulesetRefusedError:
                return  # a fresh installation has neither
            self._serve(found)
            log.warning("previous ruleset in force", revision=found.revision)

    def _note(self, fault: str) -> None:
        if fault != self.fault:
            log.warning("ruleset refused", fault=fault)
        self.fault = fault
