// Filters the list of questions by words, outcome and tag, in the report and on the page.
document.addEventListener("input", (event) => {
  const filter = event.target.closest(".fn-filter");
  if (!filter) return;
  const words = filter.querySelector("input").value.toLowerCase();
  const picked = [...filter.querySelectorAll("select")].filter((one) => one.value);
  let count = 0;
  for (const row of filter.parentElement.querySelectorAll(".fn-row")) {
    const fits = picked.every((one) => JSON.parse(row.dataset[one.dataset.filter]).includes(one.value));
    row.hidden = !fits || !row.textContent.toLowerCase().includes(words);
    count += !row.hidden;
  }
  filter.querySelector("output").textContent = count.toLocaleString("en") + (count === 1 ? " question" : " questions");
});
// Paper can't unfold details: open all visible questions for printing.
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll(".fn-row:not([hidden], [open])")];
  for (const row of opened) row.open = true;
});
addEventListener("afterprint", () => {
  for (const row of opened) row.open = false;
});
