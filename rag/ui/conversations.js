// The conversations that the server keeps: which one this tab is in, and the list to open, name, star, export and delete them.
window.footnoteConversations = (() => {
  "use strict";
  const KEY = "fn-conversation"; // cleared by "New conversation", as all keys that begin so
  const dialog = () => document.getElementById("fn-history");
  const part = (selector) => dialog().querySelector(selector);

  // The conversation of this tab; the first question makes one.
  function id() {
    if (!sessionStorage.getItem(KEY)) {
      const random = crypto.getRandomValues(new Uint32Array(4));
      sessionStorage.setItem(KEY, [...random].map((number) => number.toString(16).padStart(8, "0")).join(""));
    }
    return sessionStorage.getItem(KEY);
  }

  // Send a request; resolves to the reply, or to {problem} in words.
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

  // What a tab held before conversations were kept by the server moves there, once.
  async function takeOver(turns) {
    if (!turns.length || sessionStorage.getItem(KEY)) return;
    const made = await call("POST", "/import", { turns });
    if (made.id && !sessionStorage.getItem(KEY)) sessionStorage.setItem(KEY, made.id);
  }

  function make(tag, text, name) {
    const made = document.createElement(tag);
    made.textContent = text;
    if (name) made.className = name;
    return made;
  }

  function button(label, press, name = "fn-action") {
    const made = make("button", label, name);
    made.type = "button";
    made.addEventListener("click", () => press(made));
    return made;
  }

  function say(value, undo) {
    part(".fn-problem").textContent = value.problem || "";
    part(".fn-status").replaceChildren(...(undo && !value.problem ? ["Deleted. ", button("Undo", undo)] : []));
    return !value.problem;
  }

  async function list() {
    const found = await call("GET", "?search=" + encodeURIComponent(part("input").value));
    if (found.problem) return say(found);
    const rows = found.conversations.map(row);
    const none = part("input").value ? "Nothing was found." : "Nothing was asked yet. What you ask is kept here, on this machine.";
    part("ul").replaceChildren(...(rows.length ? rows : [make("li", none, "fn-none")]));
    part("[data-history=erase]").hidden = !rows.length;
  }

  function row(one) {
    const made = make("li", "");
    const title = button(one.title, () => open(one.id), "fn-open-conversation");
    title.dir = "auto";
    if (one.id === sessionStorage.getItem(KEY)) title.setAttribute("aria-current", "true");
    const day = new Date(one.updated).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
    const foot = make("p", "", "fn-foot");
    const star = button("Star", () => change(one, { starred: !one.starred }));
    star.setAttribute("aria-pressed", one.starred);
    foot.append(make("span", `${one.turns} ${one.turns === 1 ? "question" : "questions"} · ${day}`), star);
    foot.append(button("Rename", () => rename(one, title)));
    for (const [form, label] of [["html", "HTML"], ["markdown", "Markdown"], ["json", "JSON"]]) {
      const link = make("a", label, "fn-action");
      link.href = `conversations/${one.id}/export?form=${form}`;
      link.download = "";
      link.setAttribute("aria-label", `Export as ${label}`);
      foot.append(link);
    }
    foot.append(button("Delete", () => remove(one)));
    made.append(title, foot);
    return made;
  }

  async function change(one, values) {
    if (say(await call("PATCH", "/" + one.id, values))) await list();
  }

  function rename(one, title) {
    const box = document.createElement("input");
    box.value = one.title;
    box.setAttribute("aria-label", "New title");
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter") change(one, { title: box.value });
      if (event.key === "Escape") {
        event.preventDefault();
        event.stopPropagation();
        box.replaceWith(title);
        title.focus();
      }
    });
    title.replaceWith(box);
    box.select();
  }

  async function remove(one) {
    if (!say(await call("DELETE", "/" + one.id), () => restore(one))) return;
    await list();
    part(".fn-status button").focus();
  }

  async function restore(one) {
    if (say(await call("POST", `/${one.id}/restore`, {}))) await list();
  }

  // Everything is deleted at the second press: there is no way back.
  async function erase(pressed) {
    if (!pressed.dataset.sure) {
      pressed.dataset.sure = "yes";
      pressed.textContent = "Delete all for good? Press again";
      return;
    }
    calm(pressed);
    if (!say(await call("DELETE", ""))) return;
    window.footnote.clear();
    await list();
  }

  function calm(pressed) {
    delete pressed.dataset.sure;
    pressed.textContent = "Delete all";
  }

  async function open(which) {
    const found = await call("GET", "/" + which);
    if (!say(found)) return;
    window.footnote.open(found.turns.map((turn) => turn.markup));
    sessionStorage.setItem(KEY, which);
    dialog().close();
  }

  function show() {
    say({});
    calm(part("[data-history=erase]"));
    part("input").value = "";
    list();
    dialog().showModal();
  }

  let typed = 0;
  document.addEventListener("input", (event) => {
    if (!event.target.matches("#fn-history input[type=search]")) return;
    clearTimeout(typed);
    typed = setTimeout(list, 150);
  });
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-history]");
    if (pressed) ({ show, erase })[pressed.dataset.history](pressed);
  });

  return { id, takeOver };
})();
