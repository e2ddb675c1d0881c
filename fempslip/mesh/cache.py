"""Meshes kept by their content: the same geometry and sizes are meshed once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fempslip.contract import Array


def folder() -> Path:
    """$FEMPSLIP_CACHE, or ~/.cache/fempslip."""
    given = os.environ.get("FEMPSLIP_CACHE")
    return Path(given) if given else Path.home() / ".cache" / "fempslip"


def key(*parts: object) -> str:
    """Name of the content: a hash of the parts' representations."""
    return hashlib.sha256("\n".join(repr(part) for part in parts).encode()).hexdigest()[:32]


def digest(file: str) -> str:
    """Hash of a file's content; of one that cannot be read, or is no plain file (a device has no end), its name."""
    try:
        if not Path(file).is_file():
            return file
        with open(file, "rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except (OSError, ValueError):
        return file


def get(name: str) -> dict[str, Array] | None:
    """The arrays kept under this name, or None: one that cannot be read counts as absent."""
    try:
        with np.load(folder() / f"{name}.npz", allow_pickle=False) as kept:
            return {part: kept[part] for part in kept.files}
    except Exception:  # a torn zip file raises errors of many kinds
        return None


def put(name: str, arrays: Mapping[str, Array]) -> None:
    """Keep arrays under a name, by rename, so that a reader sees all or nothing; a read-only place is ignored."""
    with contextlib.suppress(OSError, RuntimeError):
        place = folder()
        place.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=place, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
            os.replace(temporary, place / f"{name}.npz")
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
