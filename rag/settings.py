"""All settings with defaults and descriptions. Set each as FOOTNOTE_<NAME> in the environment or in `.env`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from index.encoder.embedder import DEFAULT_MODEL
from index.errors import FootnoteError
from index.program import IS_CHECKOUT, PROJECT
from index.state import DamagedState, read_sealed, write_sealed
from index.text.tokens import OWN_ENCODING
from rag.hosts import host_names, is_loopback

SEEDS = PROJECT / "seeds" if IS_CHECKOUT else Path(__file__).resolve().parent / "seeds"
"""Folder of the sample articles and of questions about them."""
PREFIX = "FOOTNOTE_"
"""The beginning of each setting's variable."""
Writer = Literal["quote", "llm"]
"""How answers are written: as quotes from the sources, or by a language model whose sentences are checked."""
ReaderChoice = Literal["strong", "small"]
LogFormat = Literal["text", "json"]

_URLS = {
    "llm_url": ("http://127.0.0.1:11434/v1", "a key goes into FOOTNOTE_LLM_KEY"),
    "chroma_url": ("http://127.0.0.1:8000", "a token goes into FOOTNOTE_CHROMA_TOKEN"),
}
"""Setting -> an example URL, and the setting for its secret."""


SAVED = "settings.json"
"""File in FOOTNOTE_HOME with the settings chosen on the page."""
CHOSEN_ON_PAGE = ("writer", "llm_url", "llm_model", "refuse_below", "passages")


def _default_home() -> Path:
    """Return `.footnote` in a checkout, else the system's data folder for the user."""
    if IS_CHECKOUT:
        return PROJECT / ".footnote"
    import platformdirs

    return Path(platformdirs.user_data_path("footnote", appauthor=False))


HOME = _default_home()
"""The default home; FOOTNOTE_HOME or --home overrides it."""
ENV_FILE = PROJECT / ".env" if IS_CHECKOUT else HOME / ".env"
"""The settings file: in the checkout, else in the default home."""


def _absolute(home: Path) -> Path:
    """Return the absolute path of a home.

    A relative path starts at the checkout, or without one at the current folder.
    """
    return (PROJECT if IS_CHECKOUT else Path.cwd()) / home


class Settings(BaseSettings):
    """The settings in force.

    Order of priority: flag, environment, `.env`, choice on the page, default. An empty or blank setting counts as not
    set.
    """

    _saved: frozenset[str] = PrivateAttr(frozenset())
    _typed_key: bool = PrivateAttr(False)

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    home: Path = Field(HOME, description="folder for the index, settings and logs")
    host: str = Field("127.0.0.1", description="address the page is served on")
    port: int = Field(7860, ge=1, le=65535, description="port the page is served on")
    allowed_hosts: str = Field(
        "", description="more host names of the page, separated by commas, for example chat.example.org"
    )

    root_path: str = Field("", description="path below which a reverse proxy serves the page, for example /footnote")

    session_hours: float = Field(168, gt=0, le=8760, description="hours until a person has to log in again")
    max_requests_a_minute: int = Field(
        300,
        ge=0,
        le=1_000_000,
        description="most requests, other than to read, that a user may make in a minute (0: any)",
    )
    proxies: str = Field(
        "",
        description="addresses of reverse proxies, separated by commas, whose X-Forwarded headers count "
        "(none: nobody's)",
    )
    login_header: str = Field(
        "", description="header in which one of FOOTNOTE_PROXIES names the user that it has logged in"
    )

    token: SecretStr | None = Field(None, description="token with which `doctor --url` asks a server that has users")

    embedding_model: str = Field(
        DEFAULT_MODEL,
        description="the shipped encoder, or a sentence-transformers model: a folder, or a name on the hub",
    )
    embedding_revision: str | None = Field(None, description="revision of an embedding model that comes from the hub")
    encoding: str = Field(OWN_ENCODING, description="tiktoken encoding that counts tokens (others are downloaded)")
    chunk_tokens: int = Field(200, ge=16, le=8192, description="most tokens in a passage")
    chunk_overlap: int = Field(40, ge=0, le=4096, description="most tokens a passage shares with the one before it")
    max_source_mb: float = Field(20, gt=0, le=10_000, description="largest source that is indexed, in MB")
    look_every: float = Field(
        30,
        ge=0,
        le=86_400,
        description="seconds between checks for changed files while the page is served (0: none)",
    )
    max_uploads_mb: float = Field(
        1000,
        gt=0,
        le=1_000_000,
        description="most space for all files added on the page, in MB; removed files that can be restored count too",
    )
    fetch_seconds: float = Field(
        20, gt=0, le=3600, description="most time that fetching a web page may take, in seconds"
    )
    allow_private_addresses: bool = Field(
        False, description="true: web pages of this machine and the private network may be fetched"
    )

    chroma_url: str | None = Field(
        None, description="a Chroma server for the vectors, for example http://127.0.0.1:8000 (none: the index folder)"
    )
    chroma_token: SecretStr | None = Field(
        None, description="token for the proxy in front of the Chroma server, if it needs one"
    )
    chroma_tenant: str = Field("default_tenant", min_length=1, description="tenant on the Chroma server")
    chroma_database: str = Field("default_database", min_length=1, description="database of that tenant")

    candidates: int = Field(50, ge=1, le=1000, description="hits taken from each retriever before they are fused")
    passages: int = Field(10, ge=1, le=100, description="passages an answer shows and quotes from")
    dense_weight: float = Field(
        0.6, ge=0, le=1, description="weight of the embeddings in the fused score; the rest is for the words (BM25)"
    )
    reader: ReaderChoice = Field(
        "strong", description="reading models: strong (two; the second reads the best passages again) or small (one)"
    )
    max_quotes: int = Field(3, ge=1, le=10, description="most sentences an answer quotes")
    refuse_below: float | None = Field(
        None,
        ge=0,
        le=1,
        description="evidence score below which a question is refused; higher refuses more (none: the reader's own)",
    )
    writer: Writer = Field(
        "quote", description="who writes answers: quote (the sources' own words) or llm (a language model, checked)"
    )
    llm_url: str | None = Field(
        None, description="a server that speaks OpenAI's chat completions, for example http://127.0.0.1:11434/v1"
    )
    llm_model: str | None = Field(None, description="name of the model on that server")
    llm_key: SecretStr | None = Field(None, description="API key of the language model server, if it needs one")
    llm_timeout: float = Field(
        60, gt=0, le=3600, description="seconds without output from the model before Footnote stops waiting"
    )
    llm_prompt_tokens: int = Field(2500, ge=300, le=1_000_000, description="most tokens a language model is given")
    llm_answer_tokens: int = Field(600, ge=16, le=1_000_000, description="most tokens a language model may write")
    find_models: bool = Field(
        True, description="look for language model servers on this machine, to offer them (only the usual local ports)"
    )
    show_unsupported: bool = Field(False, description="show sentences that failed the check, struck through")
    max_question: int = Field(500, ge=20, le=100_000, description="longest question, in characters")
    max_waiting: int = Field(100, ge=1, le=1000, description="most questions that may wait; more are rejected")
    workers: int = Field(0, ge=0, le=1000, description="questions answered at once (0: one for every four cores)")
    threads: int = Field(
        0,
        ge=0,
        le=1000,
        description="texts that a model reads at once, each on a thread (0: as many as there are cores)",
    )

    log_format: LogFormat = Field("text", description="form of the lines in the log: text or json")
    log_questions: bool = Field(False, description="true: the log has the text of each question")

    @model_validator(mode="before")
    @classmethod
    def _blank_is_not_set(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if not (isinstance(value, str) and not value.strip())}

    @field_validator("home")
    @classmethod
    def _home_can_be_a_folder(cls, home: Path) -> Path:
        try:
            home = home.expanduser()
            named = _absolute(home)
            there = next(path for path in (named, *named.parents) if path.exists())
        except (OSError, RuntimeError) as error:
            raise ValueError(f"a folder is expected; this path can't be used: {_reason(error)}") from error
        if not there.is_dir() or "\0" in str(home):
            raise ValueError("a folder is expected" if there == named else f"a folder is expected; {there} is a file")
        return home

    @field_validator("chunk_overlap")
    @classmethod
    def _overlap_leaves_room(cls, overlap: int, info: ValidationInfo) -> int:
        tokens = info.data.get("chunk_tokens")
        if tokens is not None and overlap > tokens // 2:
            raise ValueError(f"an overlap of at most half of FOOTNOTE_CHUNK_TOKENS ({tokens}) is expected")
        return overlap

    @field_validator("root_path")
    @classmethod
    def _path_is_plain(cls, path: str) -> str:
        path = f"/{path.strip('/')}".rstrip("/")
        if not re.fullmatch(r"(/\w[\w.~-]*)*", path, re.ASCII):
            raise ValueError("a path like /footnote is expected")
        return path

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts_are_names(cls, names: str) -> str:
        return ",".join(host_names(names))

    @field_validator("proxies")
    @classmethod
    def _proxies_are_addresses(cls, proxies: str) -> str:
        ones = [one.strip() for one in proxies.split(",") if one.strip()]
        return ",".join(str(ip_network(one, strict=False)) for one in ones)  # its ValueError names the address

    @field_validator("login_header")
    @classmethod
    def _only_a_proxy_names_users(cls, header: str, info: ValidationInfo) -> str:
        if header and not info.data.get("proxies"):
            raise ValueError("FOOTNOTE_PROXIES has to say which addresses may send it, for example 127.0.0.1")
        if not re.fullmatch(r"[A-Za-z0-9-]*", header):
            raise ValueError("the name of a header is expected, for example X-Forwarded-User")
        return header

    @field_validator("llm_url", "chroma_url")
    @classmethod
    def _url_is_one_without_secrets(cls, url: str | None, info: ValidationInfo) -> str | None:
        if not url:
            return None
        parts = urlsplit(url)
        wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query
        # Reading an invalid port raises ValueError too.
        if wrong or parts.port == 0:
            like, secret = _URLS[info.field_name or ""]
            raise ValueError(f"a URL like {like} is expected; {secret}")
        return url.rstrip("/")

    @field_validator("token", "chroma_token")
    @classmethod
    def _token_can_be_sent(cls, token: SecretStr | None) -> SecretStr | None:
        value = token.get_secret_value().strip() if token else ""
        if not (value.isascii() and value.isprintable()):
            raise ValueError("it contains characters that no token has (a line break, a typographic dash?)")
        return SecretStr(value) if value else None

    @property
    def model_key(self) -> str:
        """The key for requests to the language model; "" for none.

        The key of the environment goes to no server on this machine that was chosen on the page: any program may
        listen there.
        """
        key = self.llm_key.get_secret_value().strip() if self.llm_key else ""
        was_chosen = "llm_url" in self._saved and not self._typed_key
        return "" if was_chosen and is_loopback(urlsplit(self.llm_url or "").hostname or "") else key

    def was_saved(self, name: str) -> bool:
        """True if the value is a choice on the page."""
        return name in self._saved

    @property
    def has_typed_key(self) -> bool:
        """True if a person typed the key on the page."""
        return self._typed_key

    def with_key(self, key: str) -> Settings:
        """Return the settings with a key that a person typed for the server in force; "" for none."""
        made = self.model_copy(update={"llm_key": SecretStr(key) if key else None})
        made._typed_key = bool(key)
        return made

    @property
    def is_for_this_machine(self) -> bool:
        """True if only this machine can reach the page: no other address, and no proxy in front."""
        behind_proxy = self.allowed_hosts or self.proxies or self.login_header or self.root_path
        return is_loopback(self.host) and not behind_proxy

    def is_fixed(self, name: str) -> bool:
        """True if a flag, the environment or `.env` sets it. The page can't change it then."""
        return name in self.model_fields_set and name not in self._saved

    def with_saved(self) -> Settings:
        """Return the settings with the choices on the page, at their priority."""
        saved = {name: value for name, value in read_saved(self.index_home()).items() if not self.is_fixed(name)}
        if not saved and not self._saved:
            return self
        given = {name: getattr(self, name) for name in self.model_fields_set if self.is_fixed(name)}
        made = Settings(**{**saved, **given})
        made._saved = frozenset(saved)
        return made

    def index_home(self) -> Path:
        """Return `home` as an absolute path."""
        return _absolute(self.home)


def make_settings(**flags: object) -> Settings:
    """Return the settings in force, with `flags` at the highest priority.

    Raises:
        FootnoteError: A value is invalid; the message names the variable and the expected values.
    """
    try:
        given: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
        return Settings(**given).with_saved()
    except ValidationError as error:
        raise FootnoteError(_complaint(error, flags)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable_env_file(error) from error


def read_saved(home: Path) -> dict[str, Any]:
    """Return the settings chosen on the page; {} if the file is missing or damaged."""
    try:
        kept = read_sealed(home / SAVED)
    except (OSError, DamagedState):
        return {}
    return {name: kept[name] for name in CHOSEN_ON_PAGE if kept.get(name) is not None}


def validated(settings: Settings, chosen: Mapping[str, object]) -> Settings:
    """Return the settings that `chosen` would make; an empty value removes a choice.

    Raises:
        FootnoteError: A value is invalid, or the page can't change the setting.
    """
    for name in chosen:
        if name not in CHOSEN_ON_PAGE or settings.is_fixed(name):
            raise FootnoteError(f"{PREFIX}{name.upper()} can't be changed here.")
    merged: dict[str, Any] = {**read_saved(settings.index_home()), **chosen}
    value = {name: one for name, one in merged.items() if one not in (None, "")}
    try:
        made = Settings(**{**value, "home": settings.home})
    except ValidationError as error:
        raise FootnoteError(_complaint(error, {})) from error
    made._saved = frozenset(value)
    return made


def save(settings: Settings, chosen: Mapping[str, object]) -> Settings:
    """Save the settings chosen on the page and return the settings in force.

    Earlier choices of other settings stay; an empty value removes a choice.

    Raises:
        FootnoteError: A value is invalid, or the page can't change the setting. Nothing is saved then.
    """
    made = validated(settings, chosen)
    kept = [name for name in CHOSEN_ON_PAGE if name in {**read_saved(settings.index_home()), **chosen}]
    value = {
        name: one
        for name in kept
        if chosen.get(name, "kept") not in (None, "") and (one := getattr(made, name)) is not None
    }
    settings.index_home().mkdir(parents=True, exist_ok=True)
    write_sealed(settings.index_home() / SAVED, value)
    return settings.with_saved()


def _complaint(error: ValidationError, flags: dict[str, object]) -> str:
    """Return an error message: the variable or flag, its value, the expected values."""
    problem = error.errors()[0]
    name = str(problem["loc"][0])
    field = Settings.model_fields[name]
    # The values of these settings may contain a secret.
    secret = name in ("token", "llm_key", "llm_url", "chroma_token", "chroma_url")
    given = repr(str(problem["input"]) if isinstance(problem["input"], Path) else problem["input"])
    shown = "not usable" if secret else given if len(given) <= 80 else f"{given[:80]}...'"
    own = problem.get("ctx", {}).get("error") if problem["type"] == "value_error" else None
    variable = f"--{name}" if flags.get(name) is not None else PREFIX + name.upper()
    return f"{variable} is {shown}: {own or f'{_expected(field)} is expected'} ({field.description})."


def _expected(field: FieldInfo) -> str:
    """Return a description of the valid values of a setting."""
    kind = next((one for one in get_args(field.annotation) if one is not NoneType), field.annotation)
    limits = {name: getattr(one, name) for one in field.metadata for name in ("ge", "gt", "le") if hasattr(one, name)}
    if kind is bool:
        return "true or false"
    if kind in (int, float):
        least = f"from {limits['ge']:,}" if "ge" in limits else f"above {limits['gt']:,}"
        most = f" to {limits['le']:,}" if "ge" in limits else f" and up to {limits['le']:,}"
        return f"{'a whole number' if kind is int else 'a number'} {least}{most}"
    choices = get_args(field.annotation)
    return " or ".join(map(str, choices)) if choices and kind is not NoneType and isinstance(kind, str) else "text"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def unreadable_env_file(error: Exception) -> FootnoteError:
    """Return the error for a settings file that can't be read."""
    return FootnoteError(f"{ENV_FILE} can't be read ({_reason(error)}). Save it as UTF-8 text, or delete it.")
