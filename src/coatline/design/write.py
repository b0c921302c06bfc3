"""Writing a file in one step."""

import os
from pathlib import Path


def replace_file(path: Path, text: str) -> None:
    """Write a text file in one step, so that nobody ever reads half of it.

    Args:
        path: the file; its folder is made.
        text: its whole content.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.urandom(6).hex()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
