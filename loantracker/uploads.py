"""Files that come in: bounded while they do, whoever sends them and to which page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload

BEYOND_REASON = 10  # times what a document may have: so much is not even read to its end


class BoundedUpload(FileUploadHandler):
    """Drops what would make the files of one request larger than a document may be, and notes it in
    `request.has_dropped_file`; the other fields are still read."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._seen = 0
        self._announced = 0

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803
        content_length: int,
        boundary: Any,
        encoding: Any = None,
    ) -> None:
        self._announced = content_length

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self._seen += len(raw_data)
        if self._seen > settings.DOCUMENT_BYTES:
            self.request.has_dropped_file = True  # type: ignore[union-attr]
            if self._announced > BEYOND_REASON * settings.DOCUMENT_BYTES:
                raise StopUpload(connection_reset=True)
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """The handlers that follow keep the file."""
