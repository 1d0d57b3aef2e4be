// The layout: views, the two folding sides, and the overlays of a narrow page (drawer, evidence, sheets).
window.footnoteLayout = (() => {
  "use strict";
  const FOLDED = "footnote-folded"; // a new conversation clears only fn-... keys
  const ROOMS = { chat: "fn-desk", sources: "fn-sources", evaluation: "fn-evaluation", settings: "fn-settings" };
  const TITLES = { sources: "Sources", evaluation: "Evaluation", settings: "Settings" };
  const app = () => by("fn-app");
  const isWide = () => matchMedia("(min-width: 1200px)").matches;
  const isPhone = () => matchMedia("(max-width: 767px)").matches;
  let opener = null; // the focused element before an overlay opened

  // --- sides that fold, drawer and sheets ---------------------------------------------------------------------------

  const folded = () => JSON.parse(localStorage.getItem(FOLDED) || "{}");

  function fold(side, away) {
    localStorage.setItem(FOLDED, JSON.stringify({ ...folded(), [side]: away }));
    drawFolded();
    const focus = away ? { rail: ".fn-menu-button", evidence: ".fn-evidence-button" } : { rail: "[data-do=fold]", evidence: ".fn-turned" };
    document.querySelector(focus[side]).focus();
  }

  function drawFolded() {
    for (const side of ["rail", "evidence"]) app().classList.toggle("fn-no-" + side, Boolean(folded()[side]));
  }

  // Open the overlay "menu", "evidence" or "ticks"; close it with "".
  function over(name) {
    const before = laid();
    if (name && !before) opener = document.activeElement;
    for (const one of ["menu", "evidence", "ticks"]) app().classList.toggle("fn-over-" + one, one === name);
    by("fn-center").inert = name !== "" && !isWide() && (name !== "evidence" || isPhone());
    if (before && !name && opener?.isConnected) opener.focus();
  }

  const laid = () => ["menu", "evidence", "ticks"].find((one) => app().classList.contains("fn-over-" + one)) ?? "";

  function showMenu() {
    if (isWide()) return fold("rail", false);
    over("menu");
    by("fn-rail").querySelector("[data-do=fold]").focus();
  }

  function showTicks() {
    if (isWide() && folded().rail) fold("rail", false);
    if (!isWide()) over("ticks");
    by("fn-ticks").querySelector("input")?.focus();
  }

  function showEvidence() {
    if (!isWide()) over("evidence");
    else if (folded().evidence) fold("evidence", false);
  }

  // Close the overlay; true if there was one.
  function close() {
    const was = laid();
    closeMenu();
    over("");
    return was !== "";
  }

  function closeMenu() {
    const menu = by("fn-more");
    if (!menu.open) return false;
    menu.open = false;
    return true;
  }

  const focusMenu = () => by("fn-more").querySelector("summary").focus();

  // --- views --------------------------------------------------------------------------------------------------------

  const room = () => (ROOMS[location.hash.slice(1)] ? location.hash.slice(1) : "chat");

  // The address names the view.
  function enter() {
    const now = room();
    for (const [name, id] of Object.entries(ROOMS)) by(id).classList.toggle("fn-away", name !== now);
    app().dataset.room = now;
    for (const link of by("fn-rail").querySelectorAll("a[href^='#']")) {
      if (link.hash === "#" + now) link.ariaCurrent = "page";
      else link.removeAttribute("aria-current");
    }
    over("");
    measure();
    title();
  }

  function title() {
    const one = footnoteConversations.current();
    const first = footnote.turns()[0];
    const words = TITLES[room()] ?? one?.title ?? (first ? footnote.asked(first) : "New conversation");
    const line = by("fn-title");
    by("fn-more").classList.toggle("fn-away", !one || room() !== "chat");
    const star = by("fn-more").querySelector("[data-do=star]");
    star.textContent = one?.starred ? "Take the star away" : "Star";
    if (line && line.textContent !== words) line.textContent = words;
  }

  // Show a status line above the composer, with the button `press` if given.
  function say(words, label = "", press = null) {
    const line = document.querySelector(".fn-told-line");
    line.replaceChildren(words);
    if (!press) return;
    const button = document.createElement("button");
    button.className = "fn-action";
    button.textContent = label;
    button.addEventListener("click", press);
    line.append(" ", button);
  }

  function theme() {
    const dark = document.body.classList.toggle("dark");
    localStorage.setItem("fn-theme", dark ? "dark" : "light");
  }

  // Called once, when the page is drawn.
  function begin() {
    const kept = localStorage.getItem("fn-theme");
    if (kept) document.body.classList.toggle("dark", kept === "dark");
    drawFolded();
    enter();
    addEventListener("hashchange", enter);
    addEventListener("resize", () => {
      measure();
      if (isWide() && laid()) over("");
    });
    on("click", (event) => event.target.closest("#fn-more > summary") || closeMenu());
  }

  // Set the scroll bar's width, so that fixed and scrolling parts align.
  function measure() {
    const { offsetWidth, clientWidth } = by(ROOMS[room()].replace("desk", "left"));
    if (offsetWidth) app().style.setProperty("--fn-bar", `${offsetWidth - clientWidth}px`);
  }

  return {
    begin, title, say, theme, over, close, closeMenu, focusMenu, showMenu, showTicks, showEvidence,
    foldRail: () => (isWide() ? fold("rail", true) : over("")),
    closePanel: () => (isWide() ? fold("evidence", true) : over("")),
  };
})();
