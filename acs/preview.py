"""`acs preview`: every screen of a theme, in every size and language, as a folder of HTML.

For a bank that makes a theme: it needs neither settings nor a database. The folder is made if it is
not there; files of the same names are written anew, nothing else in it is touched.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from acs.pages import themes
from acs.pages.gallery import gallery
from acs.pages.render import LANGUAGES, Pages
from acs.pages.themes import BUILT_IN, BadTheme

if TYPE_CHECKING:
    import argparse

USAGE_ERROR = 2
NOT_NOW = 1


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to fill")
    parser.add_argument(
        "--theme", type=Path, metavar="FILE", help="a theme file; left out: the built-in theme"
    )


def main(options: argparse.Namespace) -> int:
    """Draw and write; 2 when the theme does not fit, 1 when the folder cannot be written."""
    try:
        own = [] if options.theme is None else [themes.read(BUILT_IN, options.theme, LANGUAGES)]
    except BadTheme as error:
        for sentence in error.sentences:
            sys.stderr.write(f"acs: {sentence}\n")
        return USAGE_ERROR
    files = gallery(Pages(own))
    try:
        write(options.out, files)
    except OSError as error:
        sys.stderr.write(f"acs: {options.out} cannot be written: {error.strerror}\n")
        return NOT_NOW
    sys.stdout.write(f"{len(files)} files; open {options.out / 'index.html'}\n")
    return 0


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Write files by their names within a folder; raises OSError."""
    for place in {(folder / name).parent for name in files}:
        place.mkdir(parents=True, exist_ok=True)
    for name, body in files.items():
        (folder / name).write_bytes(body)
