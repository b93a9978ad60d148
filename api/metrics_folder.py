"""Where the processes of one server keep their figures, for `/metrics` to add up.

The files are mapped into memory, and the kernel kills (SIGBUS) whoever touches a mapped
page that the disk has no room for. So they lie in memory where there is such a disk,
and never beside the data: a full data disk must not take the server down.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108  # only its size is used: names are random
_PREFIX = "abide-metrics-"


@contextmanager
def metrics_folder(data_dir: Path, pool: str) -> Iterator[Path]:
    """Make an empty folder, and remove it with all in it in the end.

    Args:
        data_dir: keeps a link to the folder, so that the next start removes what a
            killed server left.
        pool: name of the server; each has its own.

    Yields:
        The folder, readable for this account alone.
    """
    link = data_dir / "run" / f"metrics-{pool}"
    link.parent.mkdir(mode=0o700, exist_ok=True)
    _remove(link)
    memory = str(MEMORY) if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=memory) as folder:
        link.symlink_to(folder)
        yield Path(folder)
    _remove(link)


def _remove(link: Path) -> None:
    if link.is_symlink():
        target = link.readlink()
        if target.name.startswith(_PREFIX):
            shutil.rmtree(target, ignore_errors=True)
        link.unlink()
    else:  # versions before kept the files here
        shutil.rmtree(link, ignore_errors=True)
