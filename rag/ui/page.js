// Places turns in the conversation and their sources beside it. The server makes all markup; this moves it.
window.footnote = (() => {
  "use strict";
  const by = (id) => document.getElementById(id);
  let marker = null; // the marker that led to the card in view

  // What was sent is taken from the box in that very moment: Gradio reads it later, when the next may stand there.
  const sent = [];
  function take() {
    const box = by("fn-question").querySelector("textarea");
    const text = box.value;
    sent.push(text);
    setTimeout(() => box.value === text && fill(box, ""));
  }

  function fill(box, text) {
    box.value = text;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // Show a question at once, so that questions keep their order whatever answers come first.
  function begin(question) {
    if (sent.length) question = sent.shift();
    const id = Date.now().toString(36) + Math.random().toString(36).slice(2, 8);
    const turn = document.createElement("article");
    turn.className = "fn-turn fn-working";
    turn.id = "turn-" + id;
    turn.dataset.turn = id;
    const asked = document.createElement("h2");
    asked.className = "fn-question";
    asked.dir = "auto";
    asked.textContent = question;
    const status = document.createElement("p");
    status.className = "fn-status";
    status.setAttribute("role", "status");
    status.textContent = "Searching and reading ...";
    turn.append(asked, status);
    by("fn-conversation").append(turn);
    turn.scrollIntoView({ block: "nearest" });
    document.body.classList.add("fn-asked");
    return [question, id];
  }

  // Turns have arrived from the server, in templates: put each where its id says.
  function receive(arriving) {
    for (const template of arriving.querySelectorAll("template")) {
      const fresh = template.content.querySelector(".fn-turn");
      const sources = template.content.querySelector(".fn-sources");
      const held = by("turn-" + fresh.dataset.turn);
      if (!held || held.outerHTML === fresh.outerHTML || !held.classList.contains("fn-working")) continue;
      held.replaceWith(fresh.cloneNode(true));
      if (sources) by("fn-panel").append(sources.cloneNode(true));
      choose(fresh.dataset.turn);
      by("turn-" + fresh.dataset.turn).scrollIntoView({ block: "nearest" });
    }
  }

  // Show the sources of one turn and hide the others'.
  function choose(id) {
    for (const section of by("fn-panel").children) section.hidden = section.dataset.turn !== id;
    for (const turn of by("fn-conversation").children) turn.classList.toggle("fn-chosen", turn.dataset.turn === id);
  }

  function lead(link) {
    const card = document.getElementById(link.getAttribute("href").slice(1));
    if (!card) return;
    marker = link;
    choose(link.closest("[data-turn]").dataset.turn);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    (card.querySelector("mark") || card).scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
    card.focus({ preventScroll: true });
    card.classList.remove("fn-flash");
    void card.offsetWidth; // restarts the animation
    card.classList.add("fn-flash");
  }

  document.addEventListener("click", (event) => event.target.closest("#fn-send") && take(), true);
  document.addEventListener("keydown", (event) => {
    const enters = event.key === "Enter" && !event.shiftKey && !event.isComposing;
    if (enters && event.target.closest("#fn-question")) take();
  }, true);

  document.addEventListener("click", (event) => {
    const link = event.target.closest(".fn-marker");
    if (link) {
      event.preventDefault();
      return lead(link);
    }
    const example = event.target.closest(".fn-example");
    if (example) {
      const box = by("fn-question").querySelector("textarea");
      fill(box, example.textContent);
      box.focus();
      return setTimeout(() => by("fn-send").click(), 50);
    }
    const turn = event.target.closest(".fn-turn");
    if (turn) choose(turn.dataset.turn);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && marker && document.activeElement.closest(".fn-card")) marker.focus();
  });

  // Gradio draws the page after this script has run, and redraws the arrivals whenever some come.
  new MutationObserver(() => {
    const arriving = by("fn-arriving");
    if (arriving) receive(arriving);
  }).observe(document, { childList: true, subtree: true });

  return { begin };
})();
