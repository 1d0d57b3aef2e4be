"""Speed of a long conversation: `python -m benchmarks.conversation [--questions 200]`.

Asks one question after another in one conversation in Chromium. Prints the median time from pressing Enter to the first
words of the answer, for the first ten and the last ten questions; exits with 1 if it has more than doubled. Then starts
another conversation, and prints the time from a click on the long one until its last turn is drawn. The times are
measured in the page.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import expect

from benchmarks.served import ask, chromium, opened, served
from rag.engine import Engine
from rag.settings import SEEDS, Settings

# Milliseconds from Enter to the first drawing of a turn that is answered or refused.
_CLOCK = """() => {
  window.times = [];
  let sent = 0;
  let answered = 0;
  document.addEventListener("keydown", (event) => { if (event.key === "Enter") sent = performance.now(); }, true);
  new MutationObserver(() => {
    const now = document.querySelectorAll(".fn-answered, .fn-refused").length;
    if (now <= answered) return;
    answered = now;
    const from = sent;
    requestAnimationFrame(() => window.times.push(performance.now() - from));
  }).observe(document.getElementById("fn-conversation"), { childList: true });
}"""

# Milliseconds from a click on the conversation until it shows `turns` turns.
_OPENED = """async ([title, turns]) => {
  const link = [...document.querySelectorAll("#fn-history a, #fn-history button")].find(
    (one) => one.textContent.trim().startsWith(title)
  );
  const from = performance.now();
  link.click();
  while (document.querySelectorAll(".fn-answered, .fn-refused").length < turns)
    await new Promise(requestAnimationFrame);
  return performance.now() - from;
}"""


def main() -> None:
    """Ask the questions, measure the times, compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=200)
    count: int = parser.parse_args().questions
    lines = (SEEDS / "questions.jsonl").read_text("utf-8").splitlines()
    questions = list(itertools.islice(itertools.cycle(json.loads(line)["question"] for line in lines), count))
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        home = Path(folder) / "home"
        Engine(Settings(home=home)).index([SEEDS])
        with served(home, Path(folder) / "serve.log") as address, opened(browser, address) as page:
            expect(page.locator(".fn-state-ready")).to_be_visible(timeout=60_000)
            page.evaluate(_CLOCK)
            for number, question in enumerate(questions, 1):
                ask(page, question)
                page.wait_for_function(f"window.times.length === {number}", timeout=60_000)
            times: list[float] = page.evaluate("window.times")
            page.get_by_role("button", name="New conversation").first.click()
            expect(page.locator(".fn-turn")).to_have_count(0)
            opening: float = page.evaluate(_OPENED, [questions[0], count])
            kept = page.evaluate("Object.values(sessionStorage).join('').length")
    first, last = statistics.median(times[:10]), statistics.median(times[-10:])
    print(f"{count} questions; {kept / 1e6:.1f} million characters kept over a reload")
    print(
        f"median from Enter to first words: first ten {first:.0f} ms, last ten {last:.0f} ms ({last / first:.2f} times)"
    )
    print(f"from a click on the conversation to its last turn: {opening:.0f} ms")
    if last > 2 * first:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
