"""A draft's folder as a zip file, with the same bytes for the same texts."""

from __future__ import annotations

import io
import zipfile

from triage_rules.workbench.draft import FILES, Files

NO_TIME = (1980, 1, 1, 0, 0, 0)
"""Earliest date that a zip file can hold; the date of packing would make equal contents differ."""


def pack_files(name: str, files: Files) -> bytes:
    """Pack the draft's files into a zip file with the folder `name`, for `triage check` and `triage deploy`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in FILES:
            if files.get(file):
                entry = zipfile.ZipInfo(f"{name}/{file}", NO_TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, files[file])
    return buffer.getvalue()
