"""What browsers send stays in memory: a form's file may hold customers' ids.

The framework would put a part of more than 500 KB into a temporary file.
"""

import io
from typing import IO

from flask import Request
from typing_extensions import override


class MemoryRequest(Request):
    """A request none of whose bytes touch a disk; its size is bounded by its view."""

    @override
    def _get_file_stream(self, *_: object, **__: object) -> IO[bytes]:
        return io.BytesIO()
