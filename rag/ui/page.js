// Places turns in the conversation and their sources beside it. The server makes all markup; this moves it about.
window.footnote = (() => {
  "use strict";
  const by = (id) => document.getElementById(id);
  const kept = window.sessionStorage;
  const sent = []; // what was sent and not yet begun
  let instead = null; // what the next press of Send asks, in place of the box
  let marker = null; // the marker that led to the card in view
  let restored = false;
  let opened = new Set(); // the parcels that lie there and were dealt with

  const root = () => by("fn-desk"); // Gradio lets a page's media rules begin only inside its own container
  const box = () => by("fn-question").querySelector("textarea");
  const turns = () => [...by("fn-conversation").children];
  const working = () => turns().filter((turn) => turn.classList.contains("fn-working"));
  const asked = (turn) => turn.querySelector(".fn-question").textContent;
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  function make(tag, name, text) {
    const made = document.createElement(tag);
    made.className = name;
    made.textContent = text;
    return made;
  }

  function fill(text) {
    box().value = text;
    box().dispatchEvent(new Event("input", { bubbles: true }));
  }

  // --- asking -------------------------------------------------------------------------------------------------------

  // What is sent is taken in that very moment: Gradio reads the box later, when the next question may stand in it.
  function take() {
    const text = instead ?? box().value;
    if (instead === null) setTimeout(() => box().value === text && fill(""));
    instead = null;
    const one = { text };
    sent.push(one);
    // Gradio wires its events only after it has drawn: what was pressed before that is pressed again.
    setTimeout(() => sent.includes(one) && (sent.splice(sent.indexOf(one), 1), ask(text)), 1000);
  }

  function ask(text) {
    instead = text;
    by("fn-send").click();
  }

  // Show a question at once, so that questions keep their order whatever answers come first. The ids of all that wait
  // go along, and the server answers with these.
  function begin(question, writer) {
    if (sent.length) question = sent.shift().text;
    const id = Date.now().toString(36) + Math.random().toString(36).slice(2, 8);
    const turn = make("article", "fn-turn fn-working", "");
    turn.id = "turn-" + id;
    turn.dataset.turn = id;
    const heading = make("h2", "fn-question", question);
    heading.dir = "auto";
    const status = make("p", "fn-status", "Searching and reading ...");
    status.setAttribute("role", "status");
    turn.append(heading, status);
    by("fn-conversation").append(turn);
    state();
    hideTip();
    keep(turn, null);
    turn.scrollIntoView({ block: "end" });
    return [question, [id, ...working().map((other) => other.dataset.turn)].join(" "), writer];
  }

  // End turns that will get no answer: each says why, and how to go on.
  function end(ended, why) {
    for (const turn of ended) {
      turn.className = "fn-turn fn-stopped";
      const foot = make("p", "fn-foot", "");
      for (const [name, label] of [["again", "Ask again"], ["edit", "Edit"]]) {
        const button = make("button", "fn-action", label);
        button.type = "button";
        button.dataset.do = name;
        foot.append(button);
      }
      const said = turn.querySelector(".fn-answer"); // what a language model had written by then is checked: it stays
      turn.replaceChildren(...[turn.querySelector(".fn-question"), said, make("p", "fn-status", why), foot].filter(Boolean));
      keep(turn, sourcesOf(turn));
    }
    state();
  }

  // Stop all that wait; the server is told which these are.
  function stop() {
    const stopped = working();
    end(stopped, "Stopped.");
    box().focus();
    return stopped.map((turn) => turn.dataset.turn).join(" ");
  }

  // --- receiving ----------------------------------------------------------------------------------------------------

  // Turns have arrived from the server, in parcels: put each where its id says.
  function receive(arriving) {
    const parcels = [...arriving.querySelectorAll("[data-parcel]")].map((one) => one.dataset.parcel);
    const fresh = parcels.filter((one) => !opened.has(one));
    opened = new Set(parcels);
    for (const parcel of fresh) {
      const template = document.createElement("template");
      template.innerHTML = parcel;
      const turn = template.content.querySelector(".fn-turn");
      const held = by("turn-" + turn.dataset.turn);
      if (!held || !held.classList.contains("fn-working")) continue;
      place(turn, template.content.querySelector(".fn-sources"), held);
    }
  }

  const sourcesOf = (turn) => [...by("fn-panel").children].find((one) => one.dataset.turn === turn.dataset.turn) ?? null;

  function place(turn, sources, held) {
    const grows = held.querySelector(".fn-answer") !== null;
    held.replaceWith(turn);
    if (sources) {
      sourcesOf(turn)?.remove();
      by("fn-panel").append(sources);
    }
    keep(turn, sources);
    state();
    // An earlier turn's answer does not take the reader away from the last one.
    if (turn !== turns().at(-1)) return choose(document.querySelector(".fn-chosen")?.dataset.turn ?? turn.dataset.turn);
    if (sources || !turn.classList.contains("fn-working")) choose(turn.dataset.turn);
    if (grows) return; // who reads along is not moved
    const tall = turn.getBoundingClientRect().height > innerHeight / 2;
    turn.scrollIntoView({ block: tall ? "start" : "end", behavior: calm() ? "auto" : "smooth" });
  }

  function state() {
    root().classList.toggle("fn-asked", turns().length > 0);
    root().classList.toggle("fn-busy", working().length > 0);
  }

  // --- keeping the conversation over a reload -----------------------------------------------------------------------

  function keep(turn, sources) {
    const id = turn.dataset.turn;
    const order = JSON.parse(kept.getItem("fn-order") || "[]");
    if (!order.includes(id)) order.push(id);
    for (;;) {
      try {
        kept.setItem("fn-turn-" + id, JSON.stringify([turn.outerHTML, sources ? sources.outerHTML : ""]));
        kept.setItem("fn-order", JSON.stringify(order));
        return;
      } catch {
        if (order.length < 2) return; // no room for even one
        kept.removeItem("fn-turn-" + order.shift());
      }
    }
  }

  function restore() {
    restored = true;
    for (const id of JSON.parse(kept.getItem("fn-order") || "[]")) {
      const [turn, sources] = JSON.parse(kept.getItem("fn-turn-" + id) || '["",""]');
      by("fn-conversation").insertAdjacentHTML("beforeend", turn);
      by("fn-panel").insertAdjacentHTML("beforeend", sources);
    }
    const answered = turns().filter((turn) => !turn.classList.contains("fn-working") && turn.querySelector(".fn-answer"));
    footnoteConversations.takeOver(
      answered.map((turn) => ({ question: asked(turn), text: turn.querySelector(".fn-answer").innerText })));
    end(working(), "The page was left before the answer came.");
    settle();
    const address = new URL(location.href);
    const question = address.searchParams.get("q");
    if (question) {
      address.searchParams.delete("q");
      history.replaceState(null, "", address);
      setTimeout(() => ask(question), 300); // Gradio wires its events just after it draws
    }
  }

  // Show the last turn and its sources.
  function settle() {
    const last = turns().at(-1);
    if (last) {
      choose(last.dataset.turn);
      last.scrollIntoView({ block: "end" });
    }
    state();
  }

  // Show another conversation, whose turns the server has drawn, in the place of this one.
  function open(drawn) {
    if (working().length) by("fn-stop").click();
    clear();
    for (const markup of drawn) {
      const template = document.createElement("template");
      template.innerHTML = markup;
      const turn = template.content.querySelector(".fn-turn");
      const sources = template.content.querySelector(".fn-sources");
      by("fn-conversation").append(turn);
      if (sources) by("fn-panel").append(sources);
      keep(turn, sources);
    }
    location.hash = "chat";
    settle();
    box().focus();
  }

  function clear() {
    for (const key of Object.keys(kept)) if (key.startsWith("fn-")) kept.removeItem(key);
    by("fn-conversation").replaceChildren();
    by("fn-panel").replaceChildren();
    state();
    box().focus();
  }

  // --- sources ------------------------------------------------------------------------------------------------------

  // Show the sources of one turn and hide the others'.
  function choose(id) {
    for (const section of by("fn-panel").children) section.hidden = section.dataset.turn !== id;
    for (const turn of turns()) turn.classList.toggle("fn-chosen", turn.dataset.turn === id);
  }

  function sheet(open) {
    root().classList.toggle("fn-sheet", open);
  }

  function lead(link) {
    const card = by(link.getAttribute("href").slice(1));
    if (!card) return;
    marker = link;
    hideTip();
    choose(link.closest("[data-turn]").dataset.turn);
    sheet(true);
    (card.querySelector("mark") || card).scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
    card.focus({ preventScroll: true });
    card.classList.remove("fn-flash");
    void card.offsetWidth; // restarts the animation
    card.classList.add("fn-flash");
  }

  // The quote beside a marker that is pointed at or focused.
  function showTip(link) {
    const card = by(link.getAttribute("href").slice(1));
    if (!card) return;
    const quote = card.querySelector("mark").textContent;
    const tip = make("div", "fn-tip", quote.length > 280 ? quote.slice(0, 280) + " ..." : quote);
    tip.id = "fn-tip";
    tip.dir = "auto";
    tip.setAttribute("role", "tooltip");
    hideTip();
    root().append(tip);
    link.setAttribute("aria-describedby", "fn-tip");
    placeTip();
  }

  function placeTip() {
    const tip = by("fn-tip");
    if (!tip) return;
    const at = document.querySelector("[aria-describedby=fn-tip]").getBoundingClientRect();
    const width = tip.offsetWidth;
    tip.style.left = Math.max(8, Math.min(innerWidth - width - 8, at.left - width / 3)) + "px";
    const above = at.top - tip.offsetHeight - 8;
    tip.style.top = (above > 8 ? above : at.bottom + 8) + "px";
  }

  document.addEventListener("scroll", placeTip, true);

  function hideTip() {
    by("fn-tip")?.remove();
    document.querySelector("[aria-describedby=fn-tip]")?.removeAttribute("aria-describedby");
  }

  // --- actions ------------------------------------------------------------------------------------------------------

  async function copy(button, text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // the clipboard is only there on a secure address
      const area = make("textarea", "", "");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = label), 1500);
  }

  // A judged answer goes to the server, which keeps it as a labelled question; resolves to what is wrong, or "".
  async function judge(turn, button, kind, answers) {
    const told = { ...JSON.parse(button.dataset.answer), kind, question: asked(turn), answers };
    try {
      const reply = await fetch("feedback", { method: "POST", body: JSON.stringify(told), headers: { "Content-Type": "application/json" } });
      if (!reply.ok) return (await reply.json().catch(() => ({}))).problem || "The server failed. Nothing was kept.";
    } catch {
      return "The server does not answer. Nothing was kept.";
    }
    for (const thumb of turn.querySelectorAll(".fn-thumb")) thumb.setAttribute("aria-pressed", thumb === button);
    say(button, "fn-kept", "Kept as a test question");
    keep(turn, sourcesOf(turn));
    return "";
  }

  // What came of pressing a thumb, beside it.
  function say(button, name, words) {
    const foot = button.parentElement;
    const said = foot.querySelector("[role=status]") || foot.appendChild(make("span", "", ""));
    said.setAttribute("role", "status");
    said.className = name;
    said.textContent = words;
  }

  function askWhatWasWrong(turn, button) {
    const dialog = by("fn-thumb");
    const form = dialog.querySelector("form");
    const problem = form.querySelector(".fn-problem");
    form.reset();
    problem.textContent = "";
    form.onsubmit = async (event) => {
      event.preventDefault();
      problem.textContent = await judge(turn, button, form.elements.kind.value, form.elements.answers.value);
      if (!problem.textContent) dialog.close();
    };
    dialog.showModal();
  }

  const rooms = { chat: "fn-desk", sources: "fn-sources", evaluation: "fn-evaluation" };

  // The address says which room is shown.
  function enter() {
    const room = rooms[location.hash.slice(1)] ? location.hash.slice(1) : "chat";
    for (const [name, id] of Object.entries(rooms)) by(id).classList.toggle("fn-away", name !== room);
    for (const link of document.querySelectorAll(".fn-tabs a")) {
      if (link.hash === "#" + room) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }
  addEventListener("hashchange", () => enter());

  const actions = {
    good: async (turn, button) => {
      const problem = await judge(turn, button, "good", "");
      if (problem) say(button, "fn-problem", problem);
    },
    bad: askWhatWasWrong,
    judge: () => {}, // the form's own event does it
    dismiss: () => by("fn-thumb").close(),
    chat: (turn, button) => {
      location.hash = "chat";
      ask(button.dataset.question);
    },
    edit: (turn) => (fill(asked(turn)), box().focus()),
    again: (turn) => ask(asked(turn)),
    sources: (turn) => (choose(turn.dataset.turn), sheet(true), by("fn-panel").focus()),
    copy: (turn, button) => copy(button, button.dataset.copy),
    link: (turn, button) => {
      const address = new URL(location.href);
      address.search = "";
      address.searchParams.set("q", asked(turn));
      copy(button, address.href);
    },
    close: () => (sheet(false), marker?.focus()),
    keys: () => by("fn-keys").showModal(),
    clear,
    theme: () => {
      const dark = document.body.classList.toggle("dark");
      localStorage.setItem("fn-theme", dark ? "dark" : "light");
    },
  };

  document.addEventListener("click", (event) => event.target.closest("#fn-send") && take(), true);
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".fn-marker");
    if (link) {
      event.preventDefault();
      return lead(link);
    }
    const example = event.target.closest(".fn-example");
    if (example) return ask(example.dataset.ask || example.textContent);
    const turn = event.target.closest(".fn-turn");
    const button = event.target.closest("[data-do]");
    if (button) return actions[button.dataset.do](turn, button);
    if (turn) choose(turn.dataset.turn);
  });

  document.addEventListener("keydown", (event) => {
    const inBox = event.target.closest("#fn-question");
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && inBox) take();
  }, true);
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, dialog");
    if (event.key === "Escape") {
      const inCard = document.activeElement.closest("#fn-panel");
      hideTip();
      sheet(false);
      if (inCard && marker) marker.focus();
      else if (typing && working().length && !typing.matches("dialog")) by("fn-stop").click();
    } else if (event.key === "ArrowUp" && typing === box() && !box().value && turns().length) {
      event.preventDefault();
      fill(asked(turns().at(-1)));
    } else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      if (event.key === "?") actions.keys();
      if (event.key === "/") {
        event.preventDefault();
        box().focus();
      }
    }
  });

  for (const [on, off] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
    document.addEventListener(on, (event) => event.target.closest(".fn-marker") && showTip(event.target.closest(".fn-marker")));
    document.addEventListener(off, (event) => event.target.closest(".fn-marker") && hideTip());
  }

  // --- how things stand ---------------------------------------------------------------------------------------------

  // Ask the server again and again. One that went away never answers: whoever waits for it is told so.
  let silent = 0;
  async function watch() {
    const told = await fetch("ready").then((reply) => reply.json()).catch(() => null);
    silent = told ? 0 : silent + 1;
    if (told) tell(told.words, told.kind);
    if (silent > 1) {
      tell("The server does not answer", "failed");
      end(working(), "The server does not answer. Start it again, then ask again.");
    }
    setTimeout(watch, told?.kind === "busy" ? 500 : 3000);
  }

  function tell(words, kind) {
    const line = document.querySelector(".fn-state");
    if (line.textContent !== words) line.textContent = words;
    line.className = "fn-state fn-state-" + kind;
  }

  // Gradio draws the page after this script has run, and redraws the arrivals whenever some come.
  new MutationObserver(() => {
    if (!restored && ["fn-conversation", "fn-panel", "fn-send", "fn-sources", "fn-evaluation"].every(by)) {
      const theme = localStorage.getItem("fn-theme");
      if (theme) document.body.classList.toggle("dark", theme === "dark");
      restore();
      enter();
      watch();
    }
    if (restored && by("fn-arriving")) receive(by("fn-arriving"));
  }).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-parcel"] });

  return { begin, stop, open, clear };
})();
