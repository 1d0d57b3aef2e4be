"""The commands for users, tokens and the audit log: user, token, audit."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from dataclasses import asdict

from rag.access.users import AccessError, UserStore
from rag.access.visitor import ROLES, role_named
from rag.cli.codes import ANSWERED
from rag.cli.terminal import print_line
from rag.conversation.store import ConversationStore
from rag.printable import one_line
from rag.settings import make_settings

_BY = "command line"
"""Who makes the changes, in the audit log."""


def user_command(arguments: argparse.Namespace) -> int:
    """Add, list or change users. Raises AccessError if that can't be done."""
    home = make_settings(home=arguments.home).index_home()
    users, name = UserStore(home), getattr(arguments, "name", "")
    step = arguments.step
    if step == "list":
        _list_users(users, arguments.json)
    elif step == "add":
        first = not users.exists()
        role = role_named(arguments.role or ("admin" if first else "reader"))
        if first and str(role) != "admin":
            raise AccessError("The first user has to be an admin, who can change settings and users.")
        users.add(name, None if arguments.no_password else _password(), role, _BY)
        print_line(f"{name} is added, with the role {role}.")
        if first:
            adopted = ConversationStore(home, name).adopt()
            print_line("From now on the page and its routes need a log-in, on this machine too.")
            if adopted:
                print_line(f"{adopted:,} conversations from before belong to {name}.")
    elif step == "remove":
        users.remove(name, _BY)
        print_line(f"{name} is removed, with {ConversationStore(home, name).delete_all():,} conversations.")
    elif step == "role":
        users.set_role(name, role_named(arguments.role), _BY)
        print_line(f"{name} has the role {arguments.role} now.")
    elif step == "password":
        users.set_password(name, _password(), _BY)
        print_line(f"The password of {name} is set; sessions from before have ended.")
    else:
        users.set_disabled(name, step == "disable", _BY)
        print_line(f"{name} is {step}d.")
    return ANSWERED


def token_command(arguments: argparse.Namespace) -> int:
    """Make, list or revoke tokens. Raises AccessError if that can't be done."""
    users = UserStore(make_settings(home=arguments.home).index_home())
    if arguments.step == "new":
        role = role_named(arguments.role or str(users.user(arguments.name).role))
        print_line(users.new_token(arguments.name, role, arguments.label, arguments.days, _BY))
    elif arguments.step == "revoke":
        users.revoke_token(arguments.id, _BY)
        print_line(f"{arguments.id} is revoked.")
    else:
        for one in users.tokens(arguments.name):
            words = f"{one.id}  {one.user}  {one.role}  {(one.ends or 'no end')[:10]}  {one_line(one.label)}"
            print_line(json.dumps({**asdict(one), "role": str(one.role)}) if arguments.json else words)
    return ANSWERED


def audit_command(arguments: argparse.Namespace) -> int:
    """List the last changes."""
    entries = UserStore(make_settings(home=arguments.home).index_home()).audit(arguments.last)
    if not entries and not arguments.json:
        print_line("There are no changes yet. They are noted once there are users.")
    for one in entries:
        print_line(
            json.dumps(asdict(one)) if arguments.json else one_line(f"{one.at}  {one.who}: {one.what} {one.about}")
        )
    return ANSWERED


def _list_users(users: UserStore, as_json: bool) -> None:
    found = users.users()
    for one in found:
        marks = [str(one.role), *(["disabled"] if one.disabled else []), *([] if one.has_password else ["no password"])]
        print_line(json.dumps({**asdict(one), "role": str(one.role)}) if as_json else f"{one.name}  {', '.join(marks)}")
    if not found and not as_json:
        print_line(
            f"There are no users, so the page has no log-in. The first: user add NAME. Roles: {', '.join(ROLES)}."
        )


def _password() -> str:
    """Return a password: typed twice on a terminal, else one line of the standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    try:
        password = getpass.getpass("Password: ")
        again = getpass.getpass("The same again: ")
    except EOFError as error:
        raise AccessError("No password was typed. Nothing was changed.") from error
    if again != password:
        raise AccessError("The two passwords differ. Nothing was changed.")
    return password
