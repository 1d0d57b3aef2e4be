"""Lists the settings as environment variables, and reports variables that are no setting."""

from __future__ import annotations

import difflib
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

from index.program import command
from rag.settings import ENV_FILE, PREFIX, Settings, unreadable_env_file


def unknown_variables(env_file: Path = ENV_FILE) -> list[str]:
    """Return a message for each unknown FOOTNOTE_ variable.

    Checks the environment and `env_file`. The message suggests the most similar setting.

    Raises:
        FootnoteError: The file can't be read.
    """
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    try:
        given = {
            "the environment": EnvSettingsSource(Settings).env_vars,
            env_file.name: DotEnvSettingsSource(Settings, env_file).env_vars,
        }
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable_env_file(error) from error
    lines = []
    for where, variables in given.items():
        for name in sorted({name.upper() for name in variables} - set(known)):
            if name.startswith(PREFIX):
                near = difflib.get_close_matches(name, known, 1, 0.75)
                meant = f"did you mean {near[0]}?" if near else f"`{command('settings')}` lists all."
                lines.append(f"{name} in {where} is not a setting and has no effect: {meant}")
    return lines


def list_settings(settings: Settings) -> list[tuple[str, str, str]]:
    """Return (variable, value in force, description) of each setting.

    A secret is shown only as "set" or "not set".
    """
    rows = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, SecretStr) or "SecretStr" in str(field.annotation):
            value = "set" if value else "not set"
        shown = f"{'' if value is None else value}{' (chosen on the page)' if settings.was_saved(name) else ''}"
        rows.append((f"{PREFIX}{name.upper()}", shown, field.description or ""))
    return rows
