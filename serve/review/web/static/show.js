// The sentence, what was chosen for it, and how far the queue is.

import { $, element } from "./desk.js";
import { showModel } from "./model.js";
import { CLAIMS, KINDS, named, page, state } from "./state.js";

/** Show the present sentence, or why there is none. */
export function show() {
  const { current } = state;
  $("work").hidden = !current;
  $("empty").hidden = Boolean(current);
  if (current) {
    const { title, theatre, source, article } = current;
    $("title").textContent = title || `Article ${article}`;
    $("place").textContent = [source, theatre, `sentence ${current.position + 1}`]
      .filter(Boolean)
      .join(" · ");
    $("history").href = `/sentences/${current.id}`;
    $("before").textContent = current.before.map((sentence) => sentence.text).join(" ");
    $("sentence").textContent = current.text;
    $("after").textContent = current.after.map((sentence) => sentence.text).join(" ");
    $("sentence").scrollTop = 0;
    $("remarks").replaceChildren(...remarks(current).map((text) => element("li", {}, text)));
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
    const what = said.kind === "label" ? named(said.labels) : KINDS[said.kind];
    found.push(
      undone
        ? `Undone: ${what}. Please judge it again.`
        : `You judged it before: ${what}. A new judgement replaces it.`,
    );
  }
  return found;
}

/** Show what is chosen but not decided yet. */
export function showChoices() {
  for (const name of CLAIMS) {
    document
      .querySelector(`[data-extra=${name}]`)
      .setAttribute("aria-pressed", state.extra.includes(name));
  }
  $("pending").textContent = state.extra.length
    ? `Second label: ${named(state.extra)}. Now choose what the sentence mainly says.`
    : "";
  $("second").hidden = state.extra.length > 0;
  $("hard").setAttribute("aria-pressed", state.hard);
  $("open").dataset.on = state.isOpen;
  $("open-hint").textContent = state.isOpen ? ": hide the prediction" : ": show the prediction";
  $("open-text").textContent = state.isOpen ? "Open" : "Blind";
  $("own-note").textContent = state.note ? `Note: ${state.note}` : "";
  const last = state.made.at(-1);
  $("last").textContent = last
    ? `Last: ${last.kind === "label" ? named(last.labels) : KINDS[last.kind]}.`
    : "";
}

function showProgress() {
  const total = Number(page.done) + Number(page.open);
  $("progress").max = Math.max(total, 1);
  $("progress").value = Math.min(state.done, total);
  $("count").textContent =
    `${state.done.toLocaleString("en")} of ${total.toLocaleString("en")} judged`;
}
