"""Log-in, users, roles and tokens, through the real server."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from benchmarks.served import served
from rag.access.middleware import PageSessions
from rag.access.permissions import is_for_anybody, listed_role
from rag.access.throttle import Guesses, Throttle
from rag.access.users import AccessError, UserStore
from rag.access.visitor import Role, Visitor, least_role
from rag.cli.main import main
from rag.conversation.store import ConversationStore, NoConversation
from rag.engine import Engine
from rag.settings import Settings
from rag.types import Answer
from rag.ui.gate import _NEEDED
from rag.ui.server import make_server
from tests.conftest import Run
from tests.programs import until_ready
from tests.test_gate import gradio_of, routes, walk

PASSWORD = "four plain words here"
NAMES = {"anna": Role.ADMIN, "edda": Role.EDITOR, "rita": Role.READER, "otto": Role.READER}
QUESTION = {"question": "How many jobs will the TDK deal create?"}


@dataclass(frozen=True)
class House:
    """A server with users, and a token of each."""

    address: str
    home: Path
    tokens: dict[str, str]

    def visit(self, name: str = "", **headers: str) -> httpx.Client:
        """Return a client with the token of a user; "" for none."""
        if name:
            headers["Authorization"] = f"Bearer {self.tokens[name]}"
        return httpx.Client(base_url=self.address, headers=headers, timeout=120, trust_env=False)

    def session(self, name: str) -> str:
        """Return the secret of a new session of a user."""
        return UserStore(self.home).begin_session(name, 1)

    @contextmanager
    def logged_in(self, name: str) -> Iterator[httpx.Client]:
        """Yield a client with the session of a user."""
        with self.visit() as client:
            client.cookies.set("footnote_session", self.session(name))
            yield client


@pytest.fixture(scope="module")
def house(seeds_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home = Path(shutil.copytree(seeds_home, tmp_path_factory.mktemp("access") / "home"))
    users = UserStore(home)
    for name, role in NAMES.items():
        users.add(name, PASSWORD, role, "test")
    tokens = {name: users.new_token(name, role, "", None, "test") for name, role in NAMES.items()}
    with served(home, home.parent / "log", FOOTNOTE_MAX_REQUESTS_A_MINUTE="0") as address:
        yield House(until_ready(address), home, tokens)


@pytest.fixture
def users(tmp_path: Path) -> UserStore:
    made = UserStore(tmp_path)
    made.add("anna", PASSWORD, Role.ADMIN, "test")
    made.add("rita", PASSWORD, Role.READER, "test")
    return made


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """Return an application like the served one, to read its routes and events."""
    return make_server(Engine(Settings(home=tmp_path_factory.mktemp("routes"))))


def events(app: FastAPI) -> dict[str, Any]:
    """Return the events of the page that run code, by module and name of the handler."""
    blocks: gr.Blocks = gradio_of(app).get_blocks()  # type: ignore[attr-defined]
    return {f"{one.fn.__module__.split('.')[-1]}.{one.fn.__name__}": one for one in blocks.fns.values() if one.fn}


# Users


def test_a_password_lets_in_only_its_user(users: UserStore) -> None:
    assert users.check_password("anna", PASSWORD) == Visitor("anna", Role.ADMIN)
    assert users.check_password("ANNA", PASSWORD) == Visitor("anna", Role.ADMIN)
    for name, password in (("anna", PASSWORD + "x"), ("anna", ""), ("nobody", PASSWORD), ("", "")):
        assert users.check_password(name, password) is None
    users.set_disabled("rita", True, "anna")
    assert users.check_password("rita", PASSWORD) is None


def test_a_user_without_a_password_cannot_log_in(users: UserStore) -> None:
    users.add("proxied", None, Role.READER, "anna")
    assert users.check_password("proxied", "") is None and users.check_password("proxied", "None") is None


@pytest.mark.parametrize("name", ["", "-a", "a b", "a/b", "a\n", "<b>", "é", "x" * 65, "anna", "Anna"])
def test_a_bad_name_is_refused(users: UserStore, name: str) -> None:
    with pytest.raises(AccessError):
        users.add(name, PASSWORD, Role.READER, "anna")
    assert [one.name for one in users.users()] == ["anna", "rita"]


@pytest.mark.parametrize("password", ["", "short", "aaaaaaaaaaaaaaa", "annemarie7annemarie7"[:9], "x" * 257])
def test_a_weak_password_is_refused(users: UserStore, password: str) -> None:
    with pytest.raises(AccessError, match="password"):
        users.set_password("anna", password, "anna")
    assert users.check_password("anna", PASSWORD)


def test_the_file_has_no_secret(users: UserStore, tmp_path: Path) -> None:
    session, token = users.begin_session("anna", 1), users.new_token("anna", Role.ADMIN, "", None, "anna")
    assert users.of_session(session) and users.of_token(token)
    (file,) = tmp_path.iterdir()
    held = file.read_bytes()
    assert not any(secret.encode() in held for secret in (PASSWORD, session, token, token.split("_", 2)[2]))
    assert file.stat().st_mode & 0o077 == 0


def test_sessions_end(users: UserStore, tmp_path: Path) -> None:
    first, second, old = (users.begin_session("rita", hours) for hours in (1, 1, -1))
    assert users.of_session(first) == Visitor("rita", Role.READER) and users.of_session(old) is None
    users.end_session(first)
    assert users.of_session(first) is None and users.of_session(second)
    users.set_password("rita", PASSWORD + "!", "anna")
    assert users.of_session(second) is None and users.of_session("") is None


def test_a_token_has_the_lesser_role_and_ends(users: UserStore) -> None:
    low, high = (users.new_token("rita", role, "", None, "anna") for role in (Role.READER, Role.ADMIN))
    assert users.of_token(low) == users.of_token(high) == Visitor("rita", Role.READER)
    users.set_role("rita", Role.ADMIN, "anna")
    assert (users.of_token(low), users.of_token(high)) == (Visitor("rita", Role.READER), Visitor("rita", Role.ADMIN))
    assert users.of_token(low[:-1] + ("A" if low[-1] != "A" else "B")) is None and users.of_token("fn_") is None
    with closing(sqlite3.connect(users._path)) as db:
        db.execute("update tokens set ends = '2020-01-01T00:00:00+00:00' where id = ?", [low.split("_")[1]])
        db.commit()
    assert users.of_token(low) is None
    with pytest.raises(AccessError):
        users.revoke_token(high.split("_")[1], "anna", "anna")  # another user's
    users.revoke_token(high.split("_")[1], "anna")
    assert users.of_token(high) is None


def test_an_admin_is_always_left(users: UserStore) -> None:
    for change in (
        lambda: users.set_role("anna", Role.READER, "anna"),
        lambda: users.set_disabled("anna", True, "anna"),
        lambda: users.remove("anna", "anna"),
    ):
        with pytest.raises(AccessError, match="last admin"):
            change()  # type: ignore[no-untyped-call]
    assert users.user("anna").role == Role.ADMIN and not users.user("anna").disabled
    users.set_role("rita", Role.ADMIN, "anna")
    users.remove("anna", "rita")
    assert [one.name for one in users.users()] == ["rita"]


def test_changes_are_in_the_audit_log(users: UserStore) -> None:
    users.set_role("rita", Role.EDITOR, "anna")
    users.note("rita", "source removed", "a.txt")
    last = [(one.who, one.what, one.about) for one in users.audit(2)]
    assert last == [("anna", "user role set to editor", "rita"), ("rita", "source removed", "a.txt")]


def test_a_damaged_file_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "users.sqlite").write_bytes(b"no database" * 100)
    users = UserStore(tmp_path)
    for step in (users.exists, users.users, lambda: users.of_session("x"), lambda: users.check_password("a", "b")):
        with pytest.raises(AccessError, match=r"users\.sqlite"):
            step()


def test_a_throttle_counts_within_its_time() -> None:
    now = [0.0]
    throttle = Throttle(2, 10, lambda: now[0])
    for _ in range(2):
        assert throttle.wait("a") == 0
        throttle.count("a")
    assert throttle.wait("a") == 11 and throttle.wait("b") == 0
    now[0] = 10.0
    assert throttle.wait("a") == 0


# Conversations


def test_a_conversation_exists_only_for_its_owner(tmp_path: Path) -> None:
    rita, otto = (ConversationStore(tmp_path, name) for name in ("rita", "otto"))
    rita.add("conversation1", "turn1", Answer("Who?", "Ada.", False))
    rita.star_turn("conversation1", "turn1", True)
    assert otto.summaries() == [] and otto.summaries("Ada") == [] and otto.starred_turns() == []
    for step in (
        lambda: otto.get("conversation1"),
        lambda: otto.answer("turn1"),
        lambda: otto.add("conversation1", "turn2", Answer("And?", "Otto was here.", False)),
        lambda: otto.add("conversation1", "turn1", Answer("And?", "Otto was here.", False)),
        lambda: otto.change("conversation1", title="Otto's"),
        lambda: otto.star_turn("conversation1", "turn1", False),
        lambda: otto.delete("conversation1"),
    ):
        with pytest.raises(Exception, match=r"not there any more|not saved"):
            step()
    assert otto.delete_all() == 0
    (turn,) = rita.get("conversation1").turns
    assert turn.text == "Ada." and turn.starred and rita.get("conversation1").title == "Who?"
    rita.delete("conversation1")
    with pytest.raises(Exception, match="not there any more"):
        otto.restore("conversation1")
    rita.restore("conversation1")
    assert [one.id for one in rita.summaries()] == ["conversation1"]


def test_conversations_of_a_former_version_stay_and_can_be_adopted(tmp_path: Path) -> None:
    ConversationStore(tmp_path).add("conversation1", "turn1", Answer("Who?", "Ada.", False))
    with closing(sqlite3.connect(tmp_path / "conversations.sqlite")) as db:
        db.executescript("alter table conversations drop column owner; pragma user_version = 1;")
    assert ConversationStore(tmp_path).get("conversation1").turns[0].text == "Ada."
    assert ConversationStore(tmp_path, "anna").adopt() == 1
    with pytest.raises(NoConversation):
        ConversationStore(tmp_path).get("conversation1")
    assert ConversationStore(tmp_path, "anna").get("conversation1").turns[0].text == "Ada."


# Roles


def test_every_route_and_every_event_of_the_page_has_a_role(app: FastAPI) -> None:
    own = {(method, path) for method, path in routes(app) if not path.startswith("/gradio_api") and path != "/{path}"}
    gradio = {
        (method, re.sub(r"\{.*?\}", "x", route.path))
        for route in walk(gradio_of(app).routes)
        for method in route.methods or ()
    }
    assert [one for one in own - gradio if not has_role(*one)] == []
    needed = [(method, path) for method, path in gradio if method in _NEEDED and _NEEDED[method].fullmatch(path)]
    assert len(needed) > 5 and [one for one in needed if not has_role(*one)] == []
    assert len(events(app)) > 15
    assert [name for name, one in events(app).items() if least_role(one.fn) is None] == []


def has_role(method: str, path: str) -> bool:
    """True if the table of roles has an entry for a request."""
    return is_for_anybody(method, path) or listed_role(method, path) is not None


LEAST = [
    ("POST", "/api/ask", Role.READER),
    ("POST", "/v1/chat/completions", Role.READER),
    ("GET", "/api/sources", Role.READER),
    ("GET", "/conversations", Role.READER),
    ("GET", "/article?source=x", Role.READER),
    ("GET", "/", Role.READER),
    ("GET", "/config", Role.READER),
    ("GET", "/account", Role.READER),
    ("POST", "/feedback", Role.EDITOR),
    ("GET", "/report?run=x", Role.EDITOR),
    ("GET", "/users", Role.ADMIN),
    ("POST", "/users", Role.ADMIN),
    ("GET", "/metrics", Role.ADMIN),
    ("GET", "/unlisted", Role.ADMIN),
]


@pytest.mark.parametrize(("method", "path", "least"), LEAST)
def test_a_route_needs_its_role(house: House, method: str, path: str, least: Role) -> None:
    for name, role in NAMES.items():
        with house.logged_in(name) as client:
            status = client.request(method, path).status_code
        assert (status in (401, 403)) == (role < least), (name, status)
    with house.visit() as client:
        reply = client.request(method, path)
    is_document = method == "GET" and path.partition("?")[0] in ("/", "/article", "/report", "/account", "/users")
    assert reply.status_code == (303 if is_document else 401)
    assert is_document or "WWW-Authenticate" in reply.headers


def test_health_needs_no_login(house: House) -> None:
    with house.visit() as client:
        assert (
            client.get("/health").status_code
            == client.get("/ready").status_code
            == client.get("/login").status_code
            == 200
        )


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer fn_00000000_" + "x" * 43}, {"Authorization": "Bearer"}])
def test_a_wrong_token_is_refused_even_beside_a_session(house: House, headers: dict[str, str]) -> None:
    with house.logged_in("rita") as client:
        assert client.get("/api/sources").status_code == 200
        assert client.get("/api/sources", headers=headers).status_code == 401


def test_a_header_of_a_proxy_counts_for_nothing_unless_it_is_set(house: House) -> None:
    with house.visit(**{"X-Forwarded-User": "anna", "Remote-User": "anna"}) as client:
        assert client.get("/api/sources").status_code == 401


def join(client: httpx.Client, app: FastAPI, event: str, data: list[Any], session: str) -> str:
    """Cause an event of the page, named by its handler; return what its stream says, or the refusal."""
    body = {"data": data, "fn_index": events(app)[event]._id, "session_hash": session}
    joined = client.post("/gradio_api/queue/join", json=body)
    if joined.status_code != 200:
        return joined.text
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
        for text in stream.iter_lines():
            if "process_completed" in text or stream.status_code != 200:
                return text
    return ""


@pytest.mark.parametrize(("name", "may"), [("rita", False), ("edda", True)])
def test_an_event_of_the_page_needs_its_role(house: House, app: FastAPI, name: str, may: bool) -> None:
    with house.logged_in(name) as client:
        said = join(client, app, "sources.refresh", [], f"session{name}")
    assert ('"success": true' in said or '"success":true' in said) == may and ("Your role" in said) != may, said


def test_an_event_of_the_opening_page_is_empty_for_a_lesser_role(house: House, app: FastAPI) -> None:
    with house.logged_in("edda") as client:
        said = join(client, app, "preferences.show", [], "sessionshow")
        assert "FOOTNOTE_" not in said and "success" in said
    with house.logged_in("anna") as client:
        assert "FOOTNOTE_" in join(client, app, "preferences.show", [], "sessionshow2")


def test_the_opening_and_the_closing_of_a_page_are_no_error_for_any_role(house: House, app: FastAPI) -> None:
    blocks: gr.Blocks = gradio_of(app).get_blocks()  # type: ignore[attr-defined]
    own = [one for one in blocks.fns.values() if all(event in ("load", "unload") for _, event in one.targets)]
    assert any((least_role(one.fn) or Role.READER) > Role.READER for one in own)
    with house.logged_in("rita") as client:
        for one in own:
            session = f"ritas{one._id}"
            body = {"data": [None] * len(one.inputs), "fn_index": one._id, "session_hash": session}
            assert client.post("/gradio_api/queue/join", json=body).status_code == 200
            with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
                (done,) = [line for line in stream.iter_lines() if "process_completed" in line]
            assert '"success":true' in done, done


def test_a_session_of_the_page_belongs_to_one_user(house: House, app: FastAPI) -> None:
    with house.logged_in("rita") as rita, house.logged_in("otto") as otto:
        asked = [QUESTION["question"], "turn1", "quote", "", "conversationofrita"]
        assert '"success":true' in join(rita, app, "chat.ask", asked, "sessionofrita")
        body = {"data": asked, "fn_index": events(app)["chat.ask"]._id, "session_hash": "sessionofrita"}
        assert otto.post("/gradio_api/queue/join", json=body).status_code == 200
        with rita.stream("GET", "/gradio_api/queue/data", params={"session_hash": "sessionofrita"}) as stream:
            (done,) = [line for line in stream.iter_lines() if "process_completed" in line]
        assert "This session belongs to another user" in done  # the event did not run
        data = otto.get("/gradio_api/queue/data", params={"session_hash": "sessionofrita"})
        beat = otto.get("/gradio_api/heartbeat/sessionofrita")
        assert data.status_code == beat.status_code == 403
        assert [one["id"] for one in rita.get("/conversations").json()["conversations"]] == ["conversationofrita"]
        assert otto.get("/conversations").json()["conversations"] == []
        assert otto.get("/conversations/conversationofrita").status_code == 404


def test_an_upload_is_only_for_its_user(house: House, app: FastAPI) -> None:
    with house.logged_in("edda") as edda, house.logged_in("anna") as anna:
        edda.get("/")
        (place,) = edda.post("/gradio_api/upload", files={"files": ("notes.txt", b"The heron of Alm.")}).json()
        anna.cookies.set("footnote_visit", edda.cookies["footnote_visit"])
        file = [{"path": place, "meta": {"_type": "gradio.FileData"}}]
        assert "not uploaded through this page" in join(anna, app, "sources.add", [file], "sessionanna2")
        said = join(edda, app, "sources.add", [file], "sessionedda2")
    assert "notes&#46;txt" in said and "not uploaded" not in said


def test_changes_of_sources_are_in_the_audit_log(house: House, app: FastAPI, tmp_path: Path) -> None:
    (tmp_path / "otters.md").write_text("Ivo Marsh counts the otters of the river Alm.\n", "utf-8")
    orders: list[dict[str, Any]] = [
        {"do": "paste", "name": "Voles", "text": "Dora Pell counts the voles."},
        {"do": "remove", "sources": ["Voles.txt"]},
        {"do": "group", "name": "Animals", "sources": ["otters.md"]},
        {"do": "ungroup", "name": "Animals"},
        {"do": "anew", "sources": ["otters.md"]},
    ]
    folder = {"do": "folder", "name": str(tmp_path)}
    with house.logged_in("anna") as anna:
        assert "fn-problem" not in join(anna, app, "sources.obey", [json.dumps(folder)], "orders")
    with house.logged_in("edda") as edda:
        assert "Only an admin" in join(edda, app, "sources.obey", [json.dumps(folder)], "orders0")
        for number, order in enumerate(orders, 1):
            said = join(edda, app, "sources.obey", [json.dumps(order)], f"orders{number}")
            assert "fn-problem" not in said and '"success":true' in said
    with house.visit("anna") as anna:
        assert anna.delete("/api/sources/otters.md").status_code == 200
    changes = [(one.who, one.what, one.about) for one in UserStore(house.home).audit(8)]
    assert changes == [
        ("anna", "source added", str(tmp_path)),
        ("edda", "source added", "Voles.txt"),
        ("edda", "source removed", "Voles.txt"),
        ("edda", "group saved", "Animals"),
        ("edda", "group deleted", "Animals"),
        ("edda", "looked for changes", "0 added, 0 changed, 0 removed"),
        ("edda", "source read again", "otters.md"),
        ("anna", "source removed", "otters.md"),
    ]


def test_a_conversation_over_the_api_is_its_users_own(house: House) -> None:
    with house.visit("rita") as rita, house.visit("otto") as otto:
        id_ = rita.post("/api/ask", json={**QUESTION, "conversation": "new"}).json()["conversation"]
        more = {"question": "Where will it be built?", "conversation": id_}
        assert rita.post("/api/ask", json=more).status_code == 200
        assert otto.post("/api/ask", json=more).status_code == 404


# Log-in


def test_a_person_logs_in_and_out(house: House) -> None:
    with house.visit() as client:
        sent = client.get("/article?source=a b")
        assert sent.status_code == 303 and sent.headers["location"].startswith("login?next=article")
        form = client.get("/login", params={"next": "article?source=a"}).text
        assert 'value="article?source=a"' in form and "<script" not in form
        reply = client.post("/login", data={"name": "rita", "password": PASSWORD, "next": "article?source=a"})
        assert reply.status_code == 303 and reply.headers["location"] == "article?source=a"
        cookie = reply.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Max-Age" in cookie
        assert client.get("/account").status_code == 200 and "rita" in client.get("/account").text
        kept = client.cookies["footnote_session"]
        client.post("/logout")
        client.cookies.set("footnote_session", kept)
        assert client.get("/api/sources").status_code == 401  # the session has ended on the server too


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x", "a\nb", "\\\\x"]
)
def test_a_login_leads_to_no_other_site(house: House, target: str) -> None:
    with house.visit() as client:
        reply = client.post("/login", data={"name": "rita", "password": PASSWORD, "next": target})
    assert reply.headers["location"] == "./"


@pytest.mark.parametrize("origin", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_another_site_can_neither_log_in_nor_change_users(house: House, origin: dict[str, str]) -> None:
    with house.logged_in("anna") as client:
        for path in ("/login", "/logout", "/account", "/users"):
            assert client.post(path, data={"step": "add"}, headers=origin).status_code == 403
        assert client.get("/account").status_code == 200


def test_guessing_is_slowed_down(house: House) -> None:
    with house.visit() as client:
        statuses = [
            client.post("/login", data={"name": "Otto", "password": f"wrong {n}"}).status_code for n in range(7)
        ]
        assert statuses == [401] * 5 + [429] * 2
        late = client.post("/login", data={"name": "otto", "password": PASSWORD})
        assert late.status_code == 429 and int(late.headers["retry-after"]) > 0
        assert client.post("/login", data={"name": "rita", "password": PASSWORD}).status_code == 303
    assert any(one.what == "wrong password" and one.who == "otto" for one in UserStore(house.home).audit(50))


def test_the_pages_of_account_and_users_work(house: House) -> None:
    with house.logged_in("anna") as client:
        made = client.post("/account", data={"step": "token", "label": "<b>x", "role": "reader", "days": "3"})
        token = re.search(r"fn_[0-9a-f]{8}_[\w-]{43}", made.text)
        assert token and "<b>x" not in made.text and "&lt;b&gt;x" in made.text
        assert (
            httpx.get(f"{house.address}/api/sources", headers={"Authorization": f"Bearer {token[0]}"}).status_code
            == 200
        )
        client.post("/account", data={"step": "revoke", "id": token[0].split("_")[1]})
        assert (
            httpx.get(f"{house.address}/api/sources", headers={"Authorization": f"Bearer {token[0]}"}).status_code
            == 401
        )
        added = client.post("/users", data={"step": "add", "name": "nora", "password": PASSWORD, "role": "reader"})
        assert "nora is added" in added.text
        again = client.post("/users", data={"step": "add", "name": "nora", "password": PASSWORD, "role": "reader"})
        assert again.status_code == 400 and "already" in again.text
        assert "is disabled" in client.post("/users", data={"step": "disable", "name": "nora"}).text
        assert client.post("/users", data={"step": "role", "name": "nora", "role": "king"}).status_code == 400
        assert client.post("/users", data={"step": "dance"}).status_code == 400
    with house.visit() as client:
        assert client.post("/login", data={"name": "nora", "password": PASSWORD}).status_code == 401


def test_a_reader_can_make_no_token_with_a_greater_role(house: House) -> None:
    with house.logged_in("rita") as client:
        made = client.post("/account", data={"step": "token", "role": "admin"}).text
    token = re.search(r"fn_[0-9a-f]{8}_[\w-]{43}", made)
    users = UserStore(house.home)
    assert token and users.of_token(token[0]) == Visitor("rita", Role.READER)
    assert users.tokens("rita")[-1].role == Role.READER  # so that it stays one if rita becomes an admin


# Settings of the server


@pytest.mark.slow
def test_a_trusted_proxy_names_the_user_and_others_do_not(seeds_home: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(seeds_home, tmp_path / "home"))
    UserStore(home).add("anna", PASSWORD, Role.ADMIN, "test")
    named = {"X-User": "anna"}
    for proxies, right in (("127.0.0.0/8", True), ("192.0.2.7", False)):
        env = {"FOOTNOTE_LOGIN_HEADER": "X-User", "FOOTNOTE_PROXIES": proxies}
        with served(home, tmp_path / "log", **env) as address:
            while httpx.get(f"{address}/ready").status_code == 503:
                time.sleep(0.2)
            assert httpx.get(f"{address}/api/sources").status_code == 401
            assert httpx.get(f"{address}/metrics", headers=named).status_code == (200 if right else 401)
            new = httpx.get(f"{address}/api/sources", headers={"X-User": "sven"})
            assert new.status_code == (200 if right else 401)
            assert httpx.get(f"{address}/metrics", headers={"X-User": "sven"}).status_code == (403 if right else 401)
    assert UserStore(home).user("sven").role == Role.READER


@pytest.mark.slow
def test_a_user_has_a_number_of_requests_a_minute(seeds_home: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(seeds_home, tmp_path / "home"))
    users = UserStore(home)
    users.add("anna", PASSWORD, Role.ADMIN, "test")
    bearer = {"Authorization": f"Bearer {users.new_token('anna', Role.ADMIN, '', None, 'test')}"}
    with served(home, tmp_path / "log", FOOTNOTE_MAX_REQUESTS_A_MINUTE="3") as address:
        replies = [httpx.post(f"{address}/api/ask", json={}, headers=bearer) for _ in range(4)]
    assert [one.status_code for one in replies] == [400, 400, 400, 429] and int(replies[3].headers["retry-after"]) > 0


def test_the_first_user_is_an_admin_and_gets_the_conversations(run: Run, tmp_path: Path) -> None:
    ConversationStore(tmp_path).add("conversation1", "turn1", Answer("Who?", "Ada.", False))
    refused = run("user", "add", "anna", "--role", "reader", home=tmp_path, lines=PASSWORD)
    assert refused.returncode == 1 and "has to be an admin" in refused.stderr
    done = run("user", "add", "anna", home=tmp_path, lines=f"{PASSWORD}\n")
    assert done.returncode == 0 and "1 conversations" in done.stdout and "admin" in done.stdout
    assert ConversationStore(tmp_path, "anna").get("conversation1")
    made = run("token", "new", "anna", "--role", "reader", "--days", "2", home=tmp_path)
    assert UserStore(tmp_path).of_token(made.stdout.strip()) == Visitor("anna", Role.READER)
    listed = json.loads(run("token", "list", "--json", home=tmp_path).stdout)
    assert listed["user"] == "anna" and made.stdout.strip() not in json.dumps(listed)
    assert run("user", "remove", "anna", home=tmp_path).returncode == 1
    assert "user added anna" in run("audit", home=tmp_path).stdout


def test_a_password_that_is_not_typed_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ends(_prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", ends)
    assert main(["user", "add", "anna", "--home", str(tmp_path)]) == 1
    assert "No password was typed" in capsys.readouterr().err and not UserStore(tmp_path).users()


@pytest.mark.parametrize("path", ["", "/footnote", "/footnote/footnote"])
def test_below_a_path_of_a_proxy_roles_hold_and_the_session_is_for_that_path(tmp_path: Path, path: str) -> None:
    users = UserStore(tmp_path)
    users.add("rita", PASSWORD, Role.READER, "test")
    app = make_server(Engine(Settings(home=tmp_path, root_path="/footnote")))
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as client:
        assert client.get(f"{path}/users").status_code in (303, 401)
        reply = client.post("/footnote/login", data={"name": "rita", "password": PASSWORD})
        assert "path=/footnote/;" in reply.headers["set-cookie"].lower()
        assert client.get("/footnote/account").status_code == 200
        cookie = {"Cookie": reply.headers["set-cookie"].partition(";")[0]}
        assert client.get(f"{path}/users", headers=cookie).status_code == 403


# Attacks


@pytest.mark.parametrize("order", [("mine", "theirs"), ("theirs", "mine"), ("", "theirs")])
def test_a_second_session_in_the_address_is_no_way_to_another_user(
    house: House, app: FastAPI, order: tuple[str, str]
) -> None:
    names = {"mine": f"ottos{order[0]}", "theirs": f"ritas{order[0]}", "": ""}
    body = {"fn_index": events(app)["chat.ask"]._id, "session_hash": names["theirs"]}
    with house.logged_in("rita") as rita, house.logged_in("otto") as otto:
        assert "success" in join(rita, app, "chat.stop", ["x"], names["theirs"])
        rita.post("/gradio_api/queue/join", json={**body, "data": [QUESTION["question"], "turn1", "quote", "", ""]})
        query = "&".join(f"session_hash={names[one]}" for one in order)
        assert otto.get(f"/gradio_api/queue/data?{query}").status_code == 403
        assert otto.post("/gradio_api/cancel", json={**body, "event_id": "x"}).status_code in (403, 404)
        with rita.stream("GET", "/gradio_api/queue/data", params={"session_hash": names["theirs"]}) as stream:
            assert any("process_completed" in line for line in stream.iter_lines())


def test_a_session_has_a_short_name(house: House, app: FastAPI) -> None:
    with house.logged_in("rita") as client:
        assert client.get("/gradio_api/heartbeat/" + "x" * 65).status_code == 403
        body = {"data": [], "fn_index": events(app)["chat.arrive"]._id, "session_hash": "x" * 65}
        client.post("/gradio_api/queue/join", json=body)
        assert client.get("/gradio_api/queue/data", params={"session_hash": "x" * 65}).status_code == 403
    sessions = PageSessions()
    assert sessions.belongs("x" * 64, Visitor("rita", Role.READER))
    assert not sessions.belongs("x" * 65, Visitor("rita", Role.READER))


def test_no_spelling_of_a_path_is_a_way_round_a_role(house: House) -> None:
    spelt = ("/users/", "//users", "/USERS", "/%75sers", "/account/../users", "/assets/..%2fusers", "/users%00")
    more = (
        "/assets/%2e%2e/users",
        "/static/..%2f..%2fusers.sqlite",
        "/users;x",
        "/account%0a",
        "//metrics",
        "/Metrics",
    )
    cookie = house.session("rita")
    host, port = house.address.removeprefix("http://").split(":")
    for path in (*spelt, *more, f"{house.address}/users"):
        for method in ("GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE"):
            with closing(http.client.HTTPConnection(host, int(port), timeout=60)) as connection:
                # Only a raw request keeps such a path as it is.
                connection.request(method, path, headers={"Cookie": f"footnote_session={cookie}"})
                assert connection.getresponse().status in (401, 403, 404, 405), (method, path)


def test_a_token_makes_no_token_and_changes_no_user(house: House) -> None:
    with house.visit("anna") as client:
        for path, data in (
            ("/account", {"step": "token", "role": "admin"}),
            ("/account", {"step": "sessions"}),
            ("/users", {"step": "role", "name": "rita", "role": "admin"}),
        ):
            assert client.post(path, data=data).status_code == 403
    assert UserStore(house.home).user("rita").role == Role.READER


@pytest.mark.parametrize("days", ["0", "-1", "3651", "9" * 30, "soon", "٣٠٠٠٠"])
def test_a_token_cannot_end_at_a_strange_time(house: House, days: str) -> None:
    before = UserStore(house.home).tokens("otto")
    with house.logged_in("otto") as client:
        reply = client.post("/account", data={"step": "token", "role": "reader", "days": days})
    assert reply.status_code == 400 and "1 to 3,650 days" in reply.text
    assert UserStore(house.home).tokens("otto") == before


def test_a_user_has_so_many_tokens(users: UserStore) -> None:
    for _ in range(100):
        users.new_token("rita", Role.READER, "", 1, "rita")
    with pytest.raises(AccessError, match="Revoke"):
        users.new_token("rita", Role.READER, "", 1, "rita")


def test_the_present_password_cannot_be_guessed_on_the_account_page(house: House) -> None:
    with house.logged_in("edda") as client:
        wrong = {"step": "password", "old": "a wrong password", "password": "another one here"}
        replies = [client.post("/account", data=wrong).text for _ in range(6)]
        assert "another one" in replies[4] and "Too many wrong passwords" in replies[5]
        right = client.post("/account", data={**wrong, "old": PASSWORD})
        assert "Too many" in right.text
    assert UserStore(house.home).check_password("edda", PASSWORD)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_forged_address_is_no_way_round_the_limit(house: House, header: str) -> None:
    with house.visit() as client:
        forged = [{header: f"203.0.113.{n}"} for n in range(6)]
        tries = [client.post("/login", data={"name": f"no{header}", "password": "x"}, headers=one) for one in forged]
    assert [one.status_code for one in tries] == [401] * 5 + [429]


def test_many_tries_at_once_are_no_way_round_the_limit(house: House) -> None:
    def attempt(n: int) -> int:
        name = "many" if n % 2 else "MANY"
        return httpx.post(
            f"{house.address}/login", data={"name": name, "password": f"wrong {n}"}, timeout=60
        ).status_code

    with ThreadPoolExecutor(12) as pool:
        assert sorted(pool.map(attempt, range(12))) == [401] * 5 + [429] * 7


def test_guesses_count_by_name_by_address_and_by_both() -> None:
    guesses = Guesses()
    assert [bool(guesses.wait("anna", "192.0.2.1")) for _ in range(6)] == [False] * 5 + [True]
    assert not guesses.wait("anna", "192.0.2.2") and not guesses.wait("rita", "192.0.2.1")
    # All addresses below one IPv6 prefix are one customer's.
    assert [bool(guesses.wait("otto", f"2001:db8::{n}")) for n in range(1, 7)] == [False] * 5 + [True]
    assert not guesses.wait("otto", "2001:db8:0:1::1")
    # Many names from one address, and one name from many addresses.
    assert [bool(guesses.wait(f"name{n}", "192.0.2.9")) for n in range(51)] == [False] * 50 + [True]
    assert [bool(guesses.wait("edda", f"198.51.100.{n}")) for n in range(51)] == [False] * 50 + [True]
    # A name that is spelt like an address is not that address.
    for n in range(50):
        guesses.wait("192.0.2.77", f"203.0.113.{n}")
    assert not guesses.wait("someone", "192.0.2.77")


def test_right_passwords_do_not_use_up_an_address_but_forgive_no_wrong_ones() -> None:
    guesses = Guesses()
    for n in range(200):
        assert not guesses.wait(f"worker{n}", "192.0.2.1")
        guesses.forget(f"worker{n}", "192.0.2.1")
    for n in range(50):
        assert not guesses.wait(f"victim{n}", "192.0.2.1")
    assert guesses.wait("eve", "192.0.2.1")


def test_refused_tries_drop_no_others_from_the_memory() -> None:
    throttle = Throttle(1, 900)
    throttle.count("victim")
    for n in range(20_000):
        throttle.wait(n)
    assert throttle.wait("victim")


def test_the_audit_log_has_no_unknown_name_and_an_end(house: House, tmp_path: Path) -> None:
    with house.visit() as client:
        client.post("/login", data={"name": "my secret \x1b[31m\npassword", "password": "x"})
    (last,) = UserStore(house.home).audit(1)
    assert (last.who, last.what) == ("an unknown name", "wrong password")
    users = UserStore(tmp_path)
    users.add("anna", PASSWORD, Role.ADMIN, "test")
    with closing(sqlite3.connect(users._path)) as db:
        db.executemany("insert into audit values ('', '', '', ?)", [[str(n)] for n in range(100_010)])
        db.commit()
    users.note("anna", "last", "\x1b[2J\u202e")
    with closing(sqlite3.connect(users._path)) as db:
        assert db.execute("select count(*) from audit").fetchone()[0] == 100_000
    assert users.audit(1)[0].what == "last"


def test_the_audit_log_escapes_for_the_terminal(run: Run, tmp_path: Path) -> None:
    assert "no changes yet" in run("audit", home=tmp_path).stdout and run("audit", "--json", home=tmp_path).stdout == ""
    UserStore(tmp_path).add("anna", PASSWORD, Role.ADMIN, "test")
    UserStore(tmp_path).note("anna", "noted", "\x1b[2J\u202e\nanna: forged line")
    for words in ((), ("--json",)):
        said = run("audit", *words, home=tmp_path).stdout
        assert "\x1b" not in said and "\u202e" not in said and "\nanna: forged" not in said


def test_users_that_are_lost_open_nothing(tmp_path: Path) -> None:
    users = UserStore(tmp_path)
    users.add("anna", PASSWORD, Role.ADMIN, "test")
    with TestClient(make_server(Engine(Settings(home=tmp_path))), "http://127.0.0.1") as client:
        assert client.get("/api/sources").status_code == 401
        (tmp_path / "users.sqlite").unlink()
        assert client.get("/api/sources").status_code == client.get("/metrics").status_code == 401


def test_without_login_nobody_sees_the_users(tmp_path: Path) -> None:
    UserStore(tmp_path).add("anna", PASSWORD, Role.ADMIN, "test")
    with TestClient(make_server(Engine(Settings(home=tmp_path)), login=False), "http://127.0.0.1") as client:
        for reply in (client.get("/users"), client.post("/users", data={"step": "disable", "name": "anna"})):
            assert "no log-in here" in reply.text and "anna" not in reply.text


def test_a_browser_stores_nothing_of_a_user(house: House) -> None:
    with house.logged_in("rita") as client:
        for path in ("/", "/config", "/conversations", "/account", "/api/sources"):
            assert client.get(path).headers["cache-control"] == "no-store", path


def test_a_session_ends_with_the_user_and_with_the_password(house: House) -> None:
    users = UserStore(house.home)
    users.add("nils", PASSWORD, Role.READER, "test")
    for end, begin in (
        (lambda: users.set_disabled("nils", True, "test"), lambda: users.set_disabled("nils", False, "test")),
        (lambda: users.set_password("nils", PASSWORD, "test"), lambda: None),
    ):
        with house.logged_in("nils") as client:
            assert client.get("/api/sources").status_code == 200
            end()  # type: ignore[no-untyped-call]
            begin()  # type: ignore[no-untyped-call]
            assert client.get("/api/sources").status_code == 401


def test_a_log_in_always_begins_a_session_of_its_own(house: House) -> None:
    with house.visit() as client:
        client.cookies.set("footnote_session", "chosen-by-somebody-else")
        reply = client.post("/login", data={"name": "rita", "password": PASSWORD})
        assert "chosen-by-somebody-else" not in reply.headers["set-cookie"]
    with house.visit() as client:
        client.cookies.set("footnote_session", "chosen-by-somebody-else")
        assert client.get("/api/sources").status_code == 401


def test_a_token_in_the_address_counts_for_nothing(house: House) -> None:
    with house.visit() as client:
        for name in ("token", "access_token", "api_key"):
            assert client.get("/api/sources", params={name: house.tokens["anna"]}).status_code == 401


def test_many_at_once_do_not_lock_the_users(users: UserStore) -> None:
    def work(n: int) -> bool:
        secret = users.begin_session("rita", 1)
        users.note("rita", "did", str(n))
        named = users.of_name(f"new{n % 3}", "proxy")
        return users.of_session(secret) is not None and named is not None

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(work, range(120)))
    assert len(users.users()) == 5


def test_a_page_shows_a_reader_no_tool_of_an_editor(house: House) -> None:
    with house.logged_in("rita") as client:
        document = client.get("/").text
        assert '<meta name="fn-user" content="rita">' in document and "#fn-evaluation" in document
        assert 'action="logout"' in client.get("/account").text and 'href="users"' not in client.get("/account").text
    with house.visit("rita") as client:
        assert 'action="logout"' not in client.get("/account").text
