// What buttons and keys do.
(() => {
  "use strict";
  const { asked, ask, box, fill } = footnote;

  // --- copying ------------------------------------------------------------------------------------------------------

  // Return an answer for a word processor: question, text, and citations as a numbered list, made from page markup.
  function rich(turn) {
    const made = document.createElement("div");
    const question = document.createElement("p");
    question.append(Object.assign(document.createElement("b"), { textContent: asked(turn) }));
    made.append(question, turn.querySelector(".fn-answer").cloneNode(true));
    const notes = turn.querySelector(".fn-footnotes");
    if (notes) made.append(notes.cloneNode(true));
    for (const marker of made.querySelectorAll(".fn-marker"))
      marker.replaceWith(Object.assign(document.createElement("sup"), { textContent: `[${marker.textContent}]` }));
    for (const link of made.querySelectorAll("cite a")) link.replaceWith(link.textContent);
    for (const one of made.querySelectorAll("*")) for (const name of one.getAttributeNames()) one.removeAttribute(name);
    return made.innerHTML;
  }

  async function copy(button, text, html = "") {
    const kinds = { "text/plain": text, ...(html && { "text/html": html }) };
    try {
      const blobs = Object.entries(kinds).map(([type, value]) => [type, new Blob([value], { type })]);
      await navigator.clipboard.write([new ClipboardItem(Object.fromEntries(blobs))]);
    } catch { // the clipboard needs a secure address
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      on("copy", (event) => {
        event.preventDefault();
        for (const [type, value] of Object.entries(kinds)) event.clipboardData.setData(type, value);
      }, { once: true });
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    const label = button.querySelector(".fn-unseen");
    const words = button.title;
    label.textContent = "Copied";
    button.classList.add("fn-done");
    setTimeout(() => {
      label.textContent = words;
      button.classList.remove("fn-done");
    }, 1500);
  }

  // --- thumbs -------------------------------------------------------------------------------------------------------

  // Send feedback to the server, which stores it as a labelled question; resolves to an error text, or "".
  async function judge(turn, button, kind, answers) {
    const told = { ...JSON.parse(button.dataset.answer), kind, question: asked(turn), answers };
    try {
      const reply = await fetch("feedback", { method: "POST", body: JSON.stringify(told), headers: { "Content-Type": "application/json" } });
      if (!reply.ok) return (await reply.json().catch(() => ({}))).problem || "The server failed. Nothing was kept.";
    } catch {
      return "The server does not answer. Nothing was kept.";
    }
    for (const thumb of turn.querySelectorAll("[data-answer]")) thumb.ariaPressed = thumb === button;
    say(button, "fn-kept", "Kept as a test question");
    footnote.keep(turn, footnoteEvidence.sourcesOf(turn));
    return "";
  }

  // Show the result next to the thumb.
  function say(button, name, words) {
    const foot = button.parentElement;
    const said = foot.querySelector("[role=status]") || foot.appendChild(document.createElement("span"));
    said.role = "status";
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

  // --- clicks -------------------------------------------------------------------------------------------------------

  const layout = footnoteLayout;
  const actions = {
    good: async (turn, button) => {
      const problem = await judge(turn, button, "good", "");
      if (problem) say(button, "fn-problem", problem);
    },
    bad: askWhatWasWrong,
    judge: () => {}, // handled by the form's event
    dismiss: () => by("fn-thumb").close(),
    chat: (turn, button) => {
      location.hash = "chat";
      ask(button.dataset.question);
    },
    edit: (turn, { dataset }) => (fill(dataset.ask || asked(turn)), box().focus()),
    again: (turn) => ask(asked(turn)),
    sources: (turn) => {
      footnoteEvidence.choose(turn.dataset.turn);
      layout.showEvidence();
      by("fn-panel").focus();
    },
    copy: (turn, button) => copy(button, button.dataset.copy, rich(turn)),
    link: (turn, button) => {
      const address = new URL(location.href);
      address.search = "";
      address.searchParams.set("q", asked(turn));
      copy(button, address.href);
    },
    clear: () => {
      location.hash = "chat";
      layout.over("");
      layout.say("");
      footnote.clear();
    },
    add: () => footnoteCompose.add(),
    ticks: layout.showTicks,
    fold: layout.foldRail,
    menu: layout.showMenu,
    evidence: layout.showEvidence,
    close: (turn, button) => (button.closest("#fn-right") ? layout.closePanel() : layout.close()),
    tour: () => by("fn-tour").showModal(),
    theme: layout.theme,
    rename: footnoteConversations.rename,
    star: footnoteConversations.star,
    "star-question": async (turn, button) => {
      const starred = button.getAttribute("aria-pressed") !== "true";
      if (!(await footnoteConversations.starQuestion(turn.dataset.turn, starred))) return;
      button.ariaPressed = starred;
      footnote.keep(turn, footnoteEvidence.sourcesOf(turn));
    },
    delete: footnoteConversations.remove,
    erase: (turn, button) => footnoteConversations.erase(button),
  };

  on("click", (event) => event.target.closest("#fn-send") && footnote.take(event), true);
  on("click", (event) => {
    const link = event.target.closest(".fn-marker, .fn-to-card");
    if (link && by("fn-app").contains(link)) {
      event.preventDefault();
      return footnoteEvidence.lead(link);
    }
    const form = event.target.closest("[data-form]");
    if (form) return footnoteConversations.exported(form);
    const example = event.target.closest(".fn-example");
    if (example) return ask(example.dataset.ask || example.textContent);
    const turn = event.target.closest(".fn-turn");
    const button = event.target.closest("[data-do]");
    if (button) return actions[button.dataset.do](turn, button);
    if (turn) footnoteEvidence.choose(turn.dataset.turn);
  });

  // Scroll to details when they open.
  on("toggle", (event) => event.target.matches(".fn-details") && event.target.scrollIntoView({ block: "nearest" }), true);

  // --- keys ---------------------------------------------------------------------------------------------------------

  on("keydown", (event) => {
    const inBox = event.target.closest("#fn-question");
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || !inBox) return;
    if (footnoteChoice.none()) {
      event.preventDefault();
      event.stopPropagation();
    } else footnote.take(event);
  }, true);

  function escape(typing) {
    const inPanel = document.activeElement.closest("#fn-right");
    footnoteEvidence.hideTip();
    if (layout.closeMenu()) return layout.focusMenu();
    const closed = layout.close();
    if (inPanel && footnoteEvidence.back()) return;
    if (!closed && typing && footnote.busy() && !typing.matches("dialog")) by("fn-stop").click();
  }

  on("keydown", (event) => {
    const typing = event.target.closest("input, textarea, dialog");
    if (event.key === "Escape") escape(typing);
    else if (event.key === "ArrowUp" && typing === box()) footnote.recall() && event.preventDefault();
    else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      if (event.key === "?") actions.tour();
      if (event.key === "/") {
        event.preventDefault();
        box().focus();
      }
    }
  });
})();
