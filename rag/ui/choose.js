// Which sources are asked: the ticks in the list of sources, kept for this visit, and the line in the chat that tells.
window.footnoteChoice = (() => {
  "use strict";
  const KEY = "footnote-left-out"; // a new conversation clears only what is called fn-...
  const by = (id) => document.getElementById(id);
  const ticks = () => [...document.querySelectorAll("#fn-listing .fn-tick")];
  const kept = () => new Set(JSON.parse(sessionStorage.getItem(KEY) || "[]"));

  // The names that are not ticked, as the server takes them. A source that has come since is asked.
  const leftOut = () => JSON.stringify(ticks().filter((one) => !one.checked).map((one) => one.dataset.source));

  function keep() {
    sessionStorage.setItem(KEY, leftOut());
    tell();
  }

  function tell() {
    const all = ticks();
    const asked = all.filter((one) => one.checked).length;
    const whole = document.querySelector("#fn-listing .fn-tick-all");
    if (whole) {
      whole.checked = asked === all.length;
      whole.indeterminate = asked > 0 && asked < all.length;
    }
    const words = asked === all.length ? "" : `Asking ${asked} of ${all.length} sources.`;
    for (const line of document.querySelectorAll(".fn-asking")) {
      line.classList.toggle("fn-away", !words);
      const said = line.querySelector("span");
      if (said.textContent !== words) said.textContent = words;
    }
  }

  document.addEventListener("change", (event) => {
    const ticked = event.target;
    if (ticked.matches("#fn-listing .fn-tick-all")) for (const one of ticks()) one.checked = ticked.checked;
    else if (!ticked.matches("#fn-listing .fn-tick")) return;
    keep();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-choice=all]")) return;
    for (const one of ticks()) one.checked = true;
    keep();
  });

  // The list is drawn anew after every change of the sources: what was not ticked stays so.
  new MutationObserver(() => {
    const fresh = document.querySelectorAll("#fn-listing .fn-tick:not([data-set])");
    if (!fresh.length) return;
    const left = kept();
    for (const one of fresh) {
      one.checked = !left.has(one.dataset.source);
      one.dataset.set = "";
    }
    tell();
  }).observe(document, { childList: true, subtree: true });

  return { leftOut };
})();
