// The Sources view: commands of its buttons and forms, filter, sorting, and groups of ticks.
window.footnoteSources = (() => {
  "use strict";
  const KEPT = "footnote-sample-kept"; // a new conversation clears only fn-... keys
  const list = () => by("fn-listing");
  let wanted = {};
  let sorted = null; // [column, backwards]

  // Send a command to the server; the button's event reads `order`.
  function obey(order, button = "fn-obey") {
    wanted = order;
    footnoteLayout.say("");
    by(button).click();
  }

  const ticked = () => [...list().querySelectorAll(".fn-tick:checked")].map((one) => one.dataset.source);

  on("click", (event) => {
    const button = event.target.closest("button[data-order]");
    if (button?.dataset.order === "keep") {
      localStorage.setItem(KEPT, "yes");
      draw();
    } else if (button) {
      const row = button.closest("tr");
      const picked = by("fn-group")?.selectedOptions[0];
      const name = button.dataset.name ?? picked?.dataset.name ?? "";
      obey({ do: button.dataset.order, name, sources: row ? [row.dataset.source] : [] });
    }
    const head = event.target.closest(".fn-sort");
    if (head) sort(head.closest("th").cellIndex);
  });

  on("submit", (event) => {
    const form = event.target.closest("form[data-order]");
    if (!form) return;
    event.preventDefault();
    const values = Object.fromEntries(new FormData(form));
    if (form.dataset.order === "settings") return obey(values, "fn-save");
    const { name, text } = values;
    obey({ do: form.dataset.order, name, text, sources: form.dataset.order === "group" ? ticked() : [] });
    form.reset();
    form.closest("details")?.removeAttribute("open");
  });

  // --- sorting and filter -------------------------------------------------------------------------------------------

  function sort(column) {
    sorted = [column, sorted?.[0] === column && !sorted[1]];
    draw();
  }

  const key = (row, column) => row.cells[column].dataset.key ?? row.cells[column].textContent;

  function draw() {
    const offer = list().querySelector(".fn-offer");
    if (offer) offer.hidden = localStorage.getItem(KEPT) !== null;
    const table = list().querySelector("table");
    if (!table) return;
    if (sorted) {
      const [column, backwards] = sorted;
      const compare = new Intl.Collator("en", { numeric: true }).compare;
      const rows = [...table.tBodies[0].rows].sort((a, b) => compare(key(a, column), key(b, column)));
      table.tBodies[0].append(...(backwards ? rows.reverse() : rows));
      for (const head of table.tHead.rows[0].cells) head.removeAttribute("aria-sort");
      table.tHead.rows[0].cells[column].ariaSort = backwards ? "descending" : "ascending";
    }
    const words = by("fn-sift").value.toLowerCase();
    for (const row of table.tBodies[0].rows) row.hidden = !row.textContent.toLowerCase().includes(words);
  }

  on("input", (event) => event.target.id === "fn-sift" && draw());

  // --- many ticks at once -------------------------------------------------------------------------------------------

  on("change", (event) => {
    if (event.target.id !== "fn-group") return;
    const picked = event.target.selectedOptions[0];
    list().querySelector("[data-order=ungroup]").hidden = picked.dataset.kind !== "groups";
    if (picked.value) footnoteChoice.only(JSON.parse(picked.value));
  });

  // Gradio redraws the list after each change of the sources.
  let seen = null;
  new MutationObserver(() => {
    const table = list()?.querySelector("table");
    if (table && table !== seen) {
      seen = table;
      draw();
    }
  }).observe(document, { childList: true, subtree: true });

  return { order: () => JSON.stringify(wanted), obey, offers: () => Boolean(list()?.querySelector(".fn-offer:not([hidden])")) };
})();
