// The sentence, what was chosen for it, and how far the queue is.

import { called, page, showChosen, showSentence } from "./common.js";
import { $ } from "./desk.js";
import { showModel } from "./model.js";
import { state } from "./state.js";

/** Show the present sentence, or why there is none. */
export function show() {
  const { current } = state;
  $("work").hidden = !current;
  $("empty").hidden = Boolean(current);
  if (current) {
    $("history").href = `/sentences/${current.id}`;
    showSentence(current, remarks(current));
  } else showEmpty();
  showModel();
  showChoices();
  showProgress();
}

function showEmpty() {
  const waits = state.failures > 0;
  $("empty-title").textContent = state.ended
    ? "Nothing is left in this queue"
    : waits
      ? "The desk does not answer"
      : "Getting the next sentence";
  $("empty-text").textContent = state.ended
    ? "What others have on their screens, and what you skipped today, is not shown here."
    : waits
      ? "It is asked again by itself. What you decided is kept in this browser until it is saved."
      : "";
  $("empty-links").hidden = !state.ended;
}

function remarks({ skips, undone, own }) {
  const found = skips.map((skip) => `Skipped before, ${skip}`);
  const said = undone ?? own;
  if (said) {
    found.push(
      undone
        ? `Undone: ${called(said)}. Please judge it again.`
        : `You judged it before: ${called(said)}. A new judgement replaces it.`,
    );
  }
  return found;
}

/** Show what is chosen but not decided yet. */
export function showChoices() {
  showChosen(state);
  $("open").dataset.on = state.isOpen;
  $("open-hint").textContent = state.isOpen ? ": hide the prediction" : ": show the prediction";
  $("open-text").textContent = state.isOpen ? "Open" : "Blind";
  $("own-note").textContent = state.note ? `Note: ${state.note}` : "";
}

function showProgress() {
  const total = Number(page.done) + Number(page.open);
  $("progress").max = Math.max(total, 1);
  $("progress").value = Math.min(state.done, total);
  $("count").textContent =
    `${state.done.toLocaleString("en")} of ${total.toLocaleString("en")} judged`;
}
