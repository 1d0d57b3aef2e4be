// Puts turns and their evidence in place. The server renders all markup; this script only moves it.
window.footnote = (() => {
  "use strict";
  const kept = window.sessionStorage;
  const sent = []; // sent, not yet begun
  let instead = null; // the next question of Send, instead of the box
  let restored;
  let early; // Send was pressed too early: repeat it
  let opened = new Set(); // the parcels that have been processed

  const root = () => by("fn-app");
  const { choose, sourcesOf } = footnoteEvidence;
  const { make } = footnoteConversations;
  const box = () => by("fn-question").querySelector("textarea");
  const turns = () => [...by("fn-conversation").children];
  const working = () => turns().filter((turn) => turn.classList.contains("fn-working"));
  const asked = (turn) => turn.querySelector(".fn-question").textContent;
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  function fill(text) {
    box().value = text;
    box().dispatchEvent(new Event("input", { bubbles: true }));
  }

  // --- asking -------------------------------------------------------------------------------------------------------

  // Read the box at once: Gradio reads it later, when it may already hold the next question.
  function take(event) {
    if (!restored) {
      early = 1;
      event.preventDefault();
      return event.stopPropagation();
    }
    if (footnoteChoice.none()) return;
    const text = instead ?? box().value;
    if (instead === null) setTimeout(() => box().value === text && fill(""));
    instead = null;
    const one = { text };
    sent.push(one);
    // Gradio connects events only after drawing: repeat an earlier press then.
    setTimeout(() => sent.includes(one) && (sent.splice(sent.indexOf(one), 1), ask(text)), 1000);
  }

  function ask(text) {
    instead = text;
    by("fn-send").click();
  }

  // Show a question at once, so that questions keep their order whichever answer comes first. The ids of all waiting
  // turns go to the server, which replies with these.
  function begin(question, writer) {
    if (sent.length) question = sent.shift().text;
    const id = Date.now().toString(36) + Math.random().toString(36).slice(2, 8);
    const turn = make("article", "", "fn-turn fn-working");
    turn.id = "turn-" + id;
    turn.dataset.turn = id;
    const heading = make("h2", question, "fn-question");
    heading.dir = "auto";
    const status = make("p", "Searching and reading ...", "fn-status");
    status.role = "status";
    turn.append(heading, status);
    by("fn-conversation").append(turn);
    state();
    footnoteEvidence.hideTip();
    keep(turn, null);
    turn.scrollIntoView({ block: "end" });
    return [question, [id, ...working().map((other) => other.dataset.turn)].join(" "), writer];
  }

  // End turns that will get no answer; each says why, and what to do.
  function end(ended, why) {
    for (const turn of ended) {
      turn.className = "fn-turn fn-stopped";
      const foot = make("div", "", "fn-foot");
      for (const [name, label] of [["again", "Ask again"], ["edit", "Edit"]]) {
        const button = make("button", label, "fn-action");
        button.dataset.do = name;
        foot.append(button);
      }
      const said = turn.querySelector(".fn-answer"); // the checked sentences of a language model stay
      turn.replaceChildren(...[turn.querySelector(".fn-question"), said, make("p", why, "fn-status"), foot].filter(Boolean));
      keep(turn, sourcesOf(turn));
    }
    state();
  }

  // Stop all waiting turns; returns their ids.
  function stop() {
    const stopped = working();
    end(stopped, "Stopped.");
    box().focus();
    return stopped.map((turn) => turn.dataset.turn).join(" ");
  }

  // --- receiving ----------------------------------------------------------------------------------------------------

  // Put each turn that arrives from the server at the place of its id.
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

  function place(turn, sources, held) {
    const grows = held.querySelector(".fn-answer") !== null;
    held.replaceWith(turn);
    if (sources) {
      sourcesOf(turn)?.remove();
      by("fn-panel").append(sources);
    }
    keep(turn, sources);
    state();
    if (!turn.classList.contains("fn-working")) footnoteConversations.list();
    // Do not scroll to an earlier turn's answer.
    if (turn !== turns().at(-1)) return choose(document.querySelector(".fn-chosen")?.dataset.turn ?? turn.dataset.turn);
    if (sources || !turn.classList.contains("fn-working")) choose(turn.dataset.turn);
    if (grows) return; // don't scroll while reading
    const tall = turn.getBoundingClientRect().height > innerHeight / 2;
    turn.scrollIntoView({ block: tall ? "start" : "end", behavior: calm() ? "auto" : "smooth" });
  }

  function state() {
    footnoteLayout.title();
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
        if (order.length < 2) return; // not even one fits
        kept.removeItem("fn-turn-" + order.shift());
      }
    }
  }

  function restore() {
    restored = 1;
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
    if (early) setTimeout(() => by("fn-send").click(), 300);
    const address = new URL(location.href);
    const question = address.searchParams.get("q");
    if (question) {
      address.searchParams.delete("q");
      history.replaceState(0, "", address);
      setTimeout(() => ask(question), 300); // Gradio connects events after drawing
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

  // Replace this conversation by another one, rendered by the server.
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
    footnoteConversations.list();
    state();
    box().focus();
  }

  // Put the last question into the box for editing; false if there is none.
  function recall() {
    if (box().value || !turns().length) return false;
    fill(asked(turns().at(-1)));
    return true;
  }

  // --- status -------------------------------------------------------------------------------------------------------

  // Poll the server. If it is gone, end the waiting turns with a message.
  let silent = 0;
  async function watch() {
    const told = await fetch("ready").then((reply) => reply.json()).catch(() => null);
    silent = told ? 0 : silent + 1;
    if (told) tell(told.words, told.kind);
    if (silent > 1) {
      const gone = "The server does not answer";
      tell(gone, "failed");
      end(working(), gone + ". Start it again, then ask again.");
    }
    setTimeout(watch, told?.kind === "busy" ? 500 : 3000);
  }

  function tell(words, kind) {
    const line = document.querySelector(".fn-state");
    if (line.textContent !== words) line.textContent = words;
    line.className = `fn-state fn-state-${kind}${words.endsWith(", ready") ? " fn-calm" : ""}`;
  }

  // A log-in can end at any time, and another tab can begin one of somebody else.
  const plain = window.fetch;
  window.fetch = async (...sent) => {
    const reply = await plain(...sent);
    if (reply.status === 401 || (reply.status === 403 && /session_hash/.test(sent[0]))) loggedOut();
    return reply;
  };

  function loggedOut() {
    const why = "You are not logged in any more. ";
    end(working(), why);
    if (by("fn-out")) return;
    const line = make("p", why);
    const link = make("a", "Log in");
    line.id = "fn-out";
    line.role = "alert";
    link.href = "login";
    line.append(link);
    document.body.append(line);
  }

  // Gradio draws the page after this script runs, and redraws the arrivals on each update.
  new MutationObserver(() => {
    if (!restored && ["fn-conversation", "fn-panel", "fn-send", "fn-sources", "fn-evaluation", "fn-settings", "fn-more"].every(by)) {
      footnoteLayout.begin();
      restore();
      watch();
    }
    if (restored && by("fn-arriving")) receive(by("fn-arriving"));
  }).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-parcel"] });

  return { ask, take, begin, stop, open, clear, fill, keep, asked, box, turns, recall, busy: () => working().length > 0 };
})();
