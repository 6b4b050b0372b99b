"""From a key to the next sentence on the screen, for ``benchmarks/review_pages.py``."""

from __future__ import annotations

from typing import Final

from review_desk import CHROMIUM, launch

from claimwire.data.labels import LABELS

WATCH: Final = """
() => {
  window.times = [];
  let pressed = 0;
  addEventListener("keydown", (event) => { pressed = event.timeStamp; }, true);
  const watcher = new MutationObserver(() => {
    const start = pressed;
    if (!start) return;
    pressed = 0;
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      // The message comes after the frame was drawn.
      port1.onmessage = () => {
        window.times.push(performance.now() - start);
        window.tell();
      };
      port2.postMessage(0);
    });
  });
  const sentence = document.getElementById("sentence");
  watcher.observe(sentence, { childList: true, characterData: true, subtree: true });
}
"""
EXPECT: Final = "() => { window.shown = new Promise((resolve) => { window.tell = resolve; }); }"
SAVED: Final = """
async () => {
  const state = document.getElementById("state");
  while (state.dataset.state !== "ok") await new Promise((resolve) => setTimeout(resolve, 20));
}
"""


def key_times(port: int, count: int) -> dict[str, list[float]]:
    """Judge so many sentences of two queues by keyboard; nothing where there is no browser.

    Returns:
        By queue milliseconds from the key's own time stamp until the frame that shows the next
        sentence was handed to the screen.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return {}
    if not CHROMIUM.exists():
        return {}
    times: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page()
        for queue in ("uncertain", "random"):
            page.goto(f"http://127.0.0.1:{port}/judge?queue={queue}")
            page.wait_for_selector("#work:not([hidden])")
            page.evaluate(WATCH)
            for number in range(count):
                page.evaluate(EXPECT)
                page.keyboard.press(str(1 + number % len(LABELS)))
                page.evaluate("() => window.shown")
            times[f"key to next sentence ({queue})"] = page.evaluate("() => window.times")
            page.evaluate(SAVED)
        browser.close()
    return times
