"""Small preloaded libraries that fake the disk and the time for a process."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Lies:
    """The faked disk and clocks of a run, controlled by files in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._full = folder / "disk-is-full"
        folder.mkdir(parents=True)
        self._disk, self._time = (compiled(HERE / name, folder) for name in ("full_disk.c", "moved_clock.c"))

    def environment(self, name: str, *, disk: bool = False) -> dict[str, str]:
        """Return the environment of a process: its own clock, and optionally a disk that can be full."""
        clock = self._clock(name)
        if not clock.exists():
            self.move_clock(name, 0)
        libraries = [self._time, *([self._disk] if disk else [])]
        return {
            "LD_PRELOAD": " ".join(map(str, libraries)),
            "MOVED_CLOCK": str(clock),
            "FULL_DISK_FLAG": str(self._full),
        }

    def fill_disk(self) -> None:
        """Make all writes to append-only files fail."""
        self._full.touch()

    def free_disk(self) -> None:
        """Make writes succeed again."""
        self._full.unlink(missing_ok=True)

    def move_clock(self, name: str, seconds: int) -> None:
        """Shift the clock of that process and its children."""
        clock = self._clock(name)
        # In place: the file is mapped by the processes that run.
        with clock.open("r+b" if clock.exists() else "wb") as file:
            file.write(struct.pack("q", seconds))

    def _clock(self, name: str) -> Path:
        return self._folder / f"clock-{name}"


def compiled(source: Path, folder: Path) -> Path:
    """Compile that file, and return the library."""
    library = folder / f"{source.stem}.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library
