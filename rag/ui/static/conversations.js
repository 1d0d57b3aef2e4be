// The stored conversations: the current one of this tab, the list in the rail, and the actions on them.
// For all scripts of the page.
const by = (id) => document.getElementById(id);
const on = document.addEventListener.bind(document);

window.footnoteConversations = (() => {
  "use strict";
  const KEY = "fn-conversation"; // "New conversation" clears all fn- keys
  const DAY = 86_400_000;
  const search = () => by("fn-search");
  const USER = "footnote-user";
  const user = document.querySelector("meta[name=fn-user]")?.content ?? "";
  // Somebody else used this tab before.
  if ((sessionStorage.getItem(USER) ?? "") !== user) sessionStorage.clear();
  sessionStorage.setItem(USER, user);
  let current = null; // the summary of this tab's conversation, once stored

  // This tab's conversation id; the first question creates one.
  function id() {
    if (!sessionStorage.getItem(KEY)) {
      const random = crypto.getRandomValues(new Uint32Array(4));
      sessionStorage.setItem(KEY, [...random].map((number) => number.toString(16).padStart(8, "0")).join(""));
    }
    return sessionStorage.getItem(KEY);
  }

  // Send a request; resolves to the reply, or to {problem: text}.
  async function call(method, path, body) {
    const options = { method };
    if (body) Object.assign(options, { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
    try {
      const reply = await fetch("conversations" + path, options);
      const value = await reply.json().catch(() => ({}));
      return reply.ok ? value : { problem: value.problem || "The server failed. Try again." };
    } catch {
      return { problem: "The server does not answer. Start it again, then try again." };
    }
  }

  // Once, move a conversation that only the tab has stored to the server.
  async function takeOver(turns) {
    if (turns.length && !sessionStorage.getItem(KEY)) {
      const made = await call("POST", "/import", { turns });
      if (made.id && !sessionStorage.getItem(KEY)) sessionStorage.setItem(KEY, made.id);
    }
    await list();
    // An article's back link names the conversation.
    const named = new URLSearchParams(location.search).get("conversation");
    if (!named) return;
    history.replaceState(null, "", location.pathname + location.hash);
    if (/^[a-z0-9]{8,32}$/.test(named)) await open(named);
  }

  // An opened article gets the back link.
  for (const kind of ["click", "auxclick"])
    on(kind, (event) => {
      const link = event.target.closest("a.fn-open[href^='article?']");
      if (!link || !current) return;
      const address = new URL(link.href);
      address.searchParams.set("conversation", current.id);
      link.href = address.href;
    }, true);

  function make(tag, text, name = "") {
    const made = document.createElement(tag);
    made.textContent = text;
    made.className = name;
    return made;
  }

  // Show a problem above the list; returns true if there is none.
  function sound(value) {
    by("fn-history").querySelector(".fn-problem").textContent = value.problem || "";
    if (value.problem) footnoteLayout.say(value.problem);
    return !value.problem;
  }

  // --- the list -----------------------------------------------------------------------------------------------------

  let asked = 0;
  async function list() {
    const words = search().value;
    const turn = ++asked;
    const found = await call("GET", "?search=" + encodeURIComponent(words));
    if (turn !== asked || !sound(found)) return; // a later search has begun
    const own = found.conversations.find((one) => one.id === sessionStorage.getItem(KEY));
    if (own || !words) current = own ?? null;
    const groups = new Map();
    for (const one of found.conversations) {
      const name = group(one);
      groups.set(name, [...(groups.get(name) ?? []), one]);
    }
    const drawn = ["Starred", "Today", "Yesterday", "Earlier"].filter((name) => groups.has(name)).map((name) => {
      const section = make("section", "");
      const items = make("ul", "");
      items.append(...groups.get(name).map(row));
      section.append(make("h2", name), items);
      return section;
    });
    const none = words ? "Nothing was found." : "What you ask is kept here, on this machine.";
    by("fn-list").replaceChildren(...(drawn.length ? drawn : [make("p", none, "fn-none")]));
    by("fn-history").querySelector("[data-do=erase]").hidden = !drawn.length;
    footnoteLayout.title();
  }

  // Days follow the browser's clock.
  function group(one) {
    if (one.starred) return "Starred";
    const midnight = new Date().setHours(0, 0, 0, 0);
    const used = new Date(one.updated).getTime();
    if (used >= midnight) return "Today";
    return used >= midnight - DAY ? "Yesterday" : "Earlier";
  }

  function row(one) {
    const made = make("li", "");
    const title = make("button", one.title, "fn-open-conversation");
    const day = new Date(one.updated).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
    title.type = "button";
    title.dir = "auto";
    title.title = `${one.title}\n${one.turns} ${one.turns === 1 ? "question" : "questions"} · ${day}`;
    title.addEventListener("click", () => open(one.id));
    if (one.id === current?.id) title.ariaCurrent = "true";
    made.append(title);
    return made;
  }

  // --- one conversation ---------------------------------------------------------------------------------------------

  async function open(which) {
    const found = await call("GET", "/" + which);
    if (!sound(found)) return;
    footnote.open(found.turns.map((turn) => turn.markup));
    sessionStorage.setItem(KEY, which);
    footnoteChoice.set(found.left_out);
    footnoteLayout.over("");
    await list();
  }

  async function change(values) {
    if (current && sound(await call("PATCH", "/" + current.id, values))) await list();
  }

  // Store which sources are unticked, once the conversation is stored.
  const keepTicks = (names) => current && call("PATCH", "/" + current.id, { left_out: names });

  function rename() {
    const title = by("fn-title");
    const box = document.createElement("input");
    box.type = "text";
    box.className = "fn-title-box";
    box.value = current.title;
    box.ariaLabel = "New title";
    let ended = false; // removing the box blurs it, which calls this again
    const end = () => {
      if (ended) return;
      ended = true;
      box.replaceWith(title);
    };
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      end();
      footnoteLayout.focusMenu();
      if (event.key === "Enter") change({ title: box.value });
    });
    box.addEventListener("blur", end);
    title.replaceWith(box);
    box.select();
  }

  async function remove() {
    const gone = current;
    if (!gone || !sound(await call("DELETE", "/" + gone.id))) return;
    footnote.clear();
    footnoteLayout.say("Deleted.", "Undo", async () => {
      if (sound(await call("POST", `/${gone.id}/restore`, {}))) await open(gone.id);
      footnoteLayout.say("");
    });
  }

  // The second press deletes all: there is no undo.
  async function erase(pressed) {
    const sure = pressed.dataset.sure;
    pressed.textContent = sure ? "Delete all" : "Delete all for good? Press again";
    if (sure) delete pressed.dataset.sure;
    else pressed.dataset.sure = "yes";
    if (sure && sound(await call("DELETE", ""))) footnote.clear();
  }

  function exported(link) {
    link.href = `conversations/${current.id}/export?form=${link.dataset.form}`;
  }

  let typed = 0;
  on("input", (event) => {
    if (event.target !== search()) return;
    clearTimeout(typed);
    typed = setTimeout(list, 150);
  });
  // When this tab becomes visible, load the turns of other tabs.
  on("visibilitychange", () => document.hidden || list());

  return {
    make, id, takeOver, list, rename, remove, erase, exported, keepTicks,
    current: () => current,
    starQuestion: async (turn, starred) => sound(await call("PATCH", `/${id()}/turns/${turn}`, { starred })),
    star: () => change({ starred: !current.starred }),
  };
})();
