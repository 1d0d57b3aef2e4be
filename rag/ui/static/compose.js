// The composer: adds files by button, drop or paste, and web addresses as sources; shows the result in a line.
(() => {
  "use strict";
  const ADDRESS = /^https?:\/\/\S+$/i;
  const input = () => document.querySelector("#fn-add input[type=file]");
  const mayAdd = () => getComputedStyle(by("fn-attach")).display !== "none";
  let adding = false;

  // Pass files to the Sources view's upload.
  function send(files) {
    const list = new DataTransfer();
    for (const file of files) list.items.add(file);
    if (!mayAdd() || !list.files.length) return;
    input().files = list.files;
    input().dispatchEvent(new Event("change", { bubbles: true }));
  }

  on("change", (event) => {
    if (event.target !== input() || !input().files.length) return;
    adding = true;
    const [first, ...others] = input().files;
    footnoteLayout.say(`Adding ${first.name}${others.length ? ` and ${others.length} more` : ""} ...`);
  }, true);

  // --- drop and paste -----------------------------------------------------------------------------------------------

  const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const mark = (on) => by("fn-app")?.classList.toggle("fn-dropping", on);

  on("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    mark(mayAdd());
  });
  on("dragleave", (event) => event.relatedTarget || mark(false));
  on("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    mark(false);
    const items = [...event.dataTransfer.items];
    const files = items.length ? items.filter((one) => !one.webkitGetAsEntry?.()?.isDirectory).map((one) => one.getAsFile()) : [];
    send(files.filter(Boolean).length ? files.filter(Boolean) : event.dataTransfer.files);
  });
  on("paste", (event) => {
    if (!event.clipboardData?.files.length || event.target.closest("input")) return;
    event.preventDefault();
    send(event.clipboardData.files);
  });

  // --- a web address ------------------------------------------------------------------------------------------------

  let offered = false;
  on("input", (event) => {
    if (!event.target.closest("#fn-question")) return;
    const address = event.target.value.trim();
    const had = offered;
    offered = ADDRESS.test(address) && mayAdd();
    if (offered) footnoteLayout.say("A web address.", "Add as a source", () => addPage(address));
    else if (had) footnoteLayout.say("");
  });

  function addPage(address) {
    const box = by("fn-address").querySelector("input, textarea");
    offered = false;
    adding = true;
    footnote.fill("");
    box.value = address;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    footnoteLayout.say(`Adding ${address} ...`);
    const press = { key: "Enter", bubbles: true, cancelable: true };
    setTimeout(() => ["keydown", "keypress"].forEach((kind) => box.dispatchEvent(new KeyboardEvent(kind, press))), 50);
  }

  // --- results ------------------------------------------------------------------------------------------------------

  // The Sources view shows an upload's progress: the composer's line repeats it while files are being added.
  let last = "";
  new MutationObserver(() => {
    if (!adding || !by("fn-syncing")) return;
    if (document.querySelector(".toast-body.error")) {
      adding = false; // Gradio's message says why
      footnoteLayout.say("");
      return;
    }
    const words = [...by("fn-syncing").querySelectorAll("p, li")].map((one) => one.textContent).join(" ");
    if (!words || words === last) return;
    last = words;
    footnoteLayout.say(words);
    // Only work in progress has a bar.
    if (by("fn-syncing").querySelector("[role=progressbar]")) return;
    adding = false;
    if (footnoteSources.offers() && !by("fn-syncing").querySelector(".fn-problem")) footnoteLayout.say(words, "Remove the sample articles", () => footnoteSources.obey({ do: "sample" }));
  }).observe(document, { childList: true, subtree: true, characterData: true });

  window.footnoteCompose = { add: () => input()?.click() };
})();
