// The evidence panel: which turn's cards are shown, and the links from a marker to its card and back.
window.footnoteEvidence = (() => {
  "use strict";
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  let marker = null; // the marker of the current card

  const turns = () => [...by("fn-conversation").children];
  const sourcesOf = (turn) => [...by("fn-panel").children].find((one) => one.dataset.turn === turn.dataset.turn) ?? null;

  // Show the cards of one turn; hide all others.
  function choose(id) {
    for (const section of by("fn-panel").children) section.hidden = section.dataset.turn !== id;
    for (const turn of turns()) turn.classList.toggle("fn-chosen", turn.dataset.turn === id);
  }

  function lead(link) {
    const target = by(link.getAttribute("href").slice(1));
    const card = target?.closest(".fn-card");
    if (!card) return;
    marker = link;
    hideTip();
    choose(link.closest("[data-turn]").dataset.turn);
    footnoteLayout.showEvidence();
    (target.closest("mark") || card).scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
    card.focus({ preventScroll: true });
    card.classList.remove("fn-flash");
    void card.offsetWidth; // restarts the animation
    card.classList.add("fn-flash");
  }

  // Go from a card back to its marker; false if none led there.
  function back() {
    if (!marker?.isConnected) return false;
    marker.focus();
    return true;
  }

  // Show the quote of a hovered or focused marker.
  function showTip(link) {
    if (!link.dataset.quote) return;
    hideTip();
    const tip = document.createElement("div");
    tip.className = "fn-tip";
    tip.textContent = link.dataset.quote;
    tip.id = "fn-tip";
    tip.dir = "auto";
    tip.role = "tooltip";
    by("fn-app").append(tip);
    link.setAttribute("aria-describedby", "fn-tip");
    placeTip();
  }

  function placeTip() {
    const tip = by("fn-tip");
    if (!tip) return;
    const at = document.querySelector("[aria-describedby=fn-tip]").getBoundingClientRect();
    tip.style.left = Math.max(8, Math.min(innerWidth - tip.offsetWidth - 8, at.left - tip.offsetWidth / 3)) + "px";
    const above = at.top - tip.offsetHeight - 8;
    tip.style.top = (above > 8 ? above : at.bottom + 8) + "px";
  }

  function hideTip() {
    by("fn-tip")?.remove();
    document.querySelector("[aria-describedby=fn-tip]")?.removeAttribute("aria-describedby");
  }

  on("scroll", placeTip, true);
  for (const [enter, leave] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
    on(enter, (event) => event.target.closest(".fn-marker") && showTip(event.target.closest(".fn-marker")));
    on(leave, (event) => event.target.closest(".fn-marker") && hideTip());
  }

  return { choose, lead, back, hideTip, sourcesOf };
})();
