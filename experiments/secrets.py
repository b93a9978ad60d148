"""Secrets made at first start in the data folder's keys/, readable by the owner only.

They stand apart from each other and from the database: losing the session secret
signs people out, losing the pseudonym key cuts new events from old ones.
"""

import os
import secrets
from pathlib import Path

from experiments.errors import ConfigurationFault


def load_or_create(keys_dir: Path, name: str, size: int = 32) -> bytes:
    """Read the secret `name`, or make it when there is none yet.

    Two processes that start together agree on one: the file is made aside and
    linked into place, which only the first can do.

    Args:
        keys_dir: the folder of secrets; made with mode 0700.
        name: the file's name.
        size: length of a new secret in bytes.

    Returns:
        The secret.

    Raises:
        ConfigurationFault: others can read the file, or it is damaged.
    """
    keys_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = keys_dir / name
    if not path.exists():
        _create(path, secrets.token_bytes(size))
    if path.stat().st_mode & 0o077:
        raise ConfigurationFault(
            f"The secret {path} can be read by others. Run: chmod 600 {path}"
        )
    secret = path.read_bytes()
    if len(secret) < size:
        raise ConfigurationFault(
            f"The secret {path} is damaged. Restore it from a backup."
        )
    return secret


def _create(path: Path, secret: bytes) -> None:
    # A random name: threads share a process id, and containers reuse theirs.
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secret)
        os.fsync(descriptor)
        os.link(aside, path)
        _sync_folder(path.parent)
    except FileExistsError:
        pass  # another process was first; its secret counts
    finally:
        os.close(descriptor)
        aside.unlink()


def _sync_folder(folder: Path) -> None:
    # Until the folder is on disk, a power cut could take the new name away again.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
