"""A draft to take along: its folder as a zip file, the same bytes for the same texts."""

from __future__ import annotations

import io
import zipfile

from triage_rules.workbench.draft import FILES, Files

NO_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip file can hold: when it was packed says nothing about what is in it."""


def pack_files(name: str, files: Files) -> bytes:
    """A zip file that holds the folder `name` with the draft's files, as `triage check` and `triage deploy` take it."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in FILES:
            if files.get(file):
                entry = zipfile.ZipInfo(f"{name}/{file}", NO_TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, files[file])
    return into.getvalue()
