// The ticked sources: checkboxes in the rail and in the list of sources, and their number at the composer.
window.footnoteChoice = (() => {
  "use strict";
  const KEY = "footnote-left-out"; // a new conversation clears only fn-... keys
  const listed = () => [...document.querySelectorAll("#fn-listing .fn-tick")];
  const names = () => listed().map((one) => one.dataset.source);
  const left = new Set(JSON.parse(sessionStorage.getItem(KEY) || "[]"));

  // The names of unticked sources, as JSON for the server. New sources count as ticked.
  function leftOut() {
    const known = new Set(names());
    return JSON.stringify([...left].filter((name) => !known.size || known.has(name)));
  }

  const none = () => listed().length > 0 && names().every((name) => left.has(name));

  function set(those) {
    left.clear();
    for (const name of those) left.add(name);
    sessionStorage.setItem(KEY, JSON.stringify([...left]));
    tell();
  }

  // Gradio draws the page in steps.
  const find = (one) => document.querySelector(one);
  const drawn = () => find(".fn-chip") && find(".fn-untold") && find("#fn-send");

  function tell() {
    if (!drawn()) return;
    const all = names();
    const asked = all.filter((name) => !left.has(name)).length;
    for (const one of document.querySelectorAll(".fn-tick")) one.checked = !left.has(one.dataset.source);
    for (const whole of document.querySelectorAll(".fn-tick-all")) {
      whole.checked = asked === all.length;
      whole.indeterminate = asked > 0 && asked < all.length;
    }
    const total = `${all.length.toLocaleString("en")} ${all.length === 1 ? "source" : "sources"}`;
    const words = asked === all.length ? total : `${asked.toLocaleString("en")} of ${total}`;
    const chip = find(".fn-chip");
    chip.classList.toggle("fn-blank", !all.length);
    if (chip.firstChild.textContent !== words) chip.firstChild.textContent = words;
    chip.ariaLabel = `${words}: choose`;
    find(".fn-untold").classList.toggle("fn-away", !none());
    find("#fn-send").disabled = none();
  }

  function keep(those) {
    set(those);
    footnoteConversations.keepTicks([...left]);
  }

  // Tick only the given sources.
  const only = (those) => keep(names().filter((name) => !those.includes(name)));

  on("change", (event) => {
    const ticked = event.target;
    if (ticked.matches(".fn-tick-all")) keep(ticked.checked ? [] : names());
    if (ticked.matches(".fn-tick")) {
      const now = new Set(left);
      if (ticked.checked) now.delete(ticked.dataset.source);
      else now.add(ticked.dataset.source);
      keep(now);
    }
  });
  on("click", (event) => event.target.closest("[data-choice=all]") && keep([]));

  // Gradio redraws the lists after each change of the sources: restore the ticks.
  new MutationObserver(() => {
    const fresh = document.querySelectorAll(".fn-tick:not([data-set])");
    const gone = !fresh.length && told !== listed().length;
    if (!drawn() || (!fresh.length && !gone)) return;
    for (const one of fresh) one.dataset.set = "";
    told = listed().length;
    tell();
  }).observe(document, { childList: true, subtree: true });
  let told = 0;

  return { leftOut, none, only, set };
})();
