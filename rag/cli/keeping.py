"""The commands that move a home to another machine: backup, restore."""

from __future__ import annotations

import argparse

from index.program import command
from rag.backup.contents import names_left_out
from rag.backup.restore import restore_backup
from rag.backup.write import write_backup
from rag.cli.codes import ANSWERED
from rag.cli.terminal import count, print_line, print_trouble
from rag.printable import one_line
from rag.settings import make_settings


def backup_command(arguments: argparse.Namespace) -> int:
    """Write a backup of the home."""
    home = make_settings(home=arguments.home).index_home()
    contents = write_backup(home, arguments.file, with_index=arguments.with_index)
    print_line(f"{arguments.file} holds {count(len(contents.files), 'file')} of {home}.")
    for name in names_left_out(home):
        print_trouble(
            f"Left out: {one_line(name)}. Other systems can't have this name: rename the file and add it again."
        )
    if not contents.with_index:
        print_line("The index is not included: it is rebuilt from the sources (--with-index includes it).")
    print_line("Folders outside the home are not included either, only their paths.")
    return ANSWERED


def restore_command(arguments: argparse.Namespace) -> int:
    """Make a home from a backup, and say what is still to be done."""
    home = make_settings(home=arguments.home).index_home()
    done = restore_backup(arguments.file, home, replace=arguments.replace)
    made = f"by Footnote {done.contents.version} on {done.contents.created[:10]}"
    print_line(f"{home} holds {count(len(done.contents.files), 'file')} of the backup made {made}.")
    if done.moved_to:
        print_line(f"What was there before is in {done.moved_to}. Delete it when it is no longer needed.")
    for root in done.missing:
        print_line(f"Missing here: {root}")
    if done.missing:
        print_line(
            "These sources stay registered, but their texts are left out until the files are back. Copy the files to "
            f"the same place, or add their new place with `{command('index FOLDER')}` and remove the old one with "
            f"`{command('forget FOLDER')}`."
        )
    if not done.contents.with_index:
        print_line("The next start builds the index.")
    return ANSWERED
