// What judging and adjudicating share: the labels, the sentence to read, what is chosen for it.

import { $, element } from "./desk.js";

const TOAST = 4_000;

export const page = $("main").dataset;
export const LABELS = [...document.querySelectorAll("[data-label]")].map(
  (button) => button.dataset.label,
);
export const CLAIMS = LABELS.slice(0, 3);
export const NAMES = Object.fromEntries(
  LABELS.map((label) => [label, document.querySelector(`[data-label=${label}]`).dataset.name]),
);

/** Labels as people read them. */
export const named = (labels) => labels.map((label) => NAMES[label]).join(" + ");

/** A decision or an answer as people read it. */
export function called({ kind, labels }) {
  if (labels.length) return named(labels);
  return kind === "skip" ? "Skipped" : "Not a sentence";
}

/** Tell something for a moment. */
export function say(text) {
  const toast = $("toast");
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (toast.hidden = true), TOAST);
}

/** Show a sentence with what stands around it, and what is to be known of it. */
export function showSentence(item, remarks) {
  const { title, theatre, source, article } = item;
  const place = [source, theatre, `sentence ${item.position + 1}`];
  const joined = (sentences) => sentences.map((sentence) => sentence.text).join(" ");
  $("title").textContent = title || `Article ${article}`;
  $("place").textContent = place.filter(Boolean).join(" · ");
  $("remarks").replaceChildren(...remarks.map((text) => element("li", {}, text)));
  $("before").textContent = joined(item.before);
  $("sentence").textContent = item.text;
  $("sentence").scrollTop = 0;
  $("after").textContent = joined(item.after);
}

/** Show what is chosen but not decided yet. */
export function showChosen({ extra, hard, made }) {
  for (const name of CLAIMS) {
    const button = document.querySelector(`[data-extra=${name}]`);
    button.setAttribute("aria-pressed", extra.includes(name));
  }
  $("pending").textContent = extra.length
    ? `Second label: ${named(extra)}. Now choose what the sentence mainly says.`
    : "";
  $("second").hidden = extra.length > 0;
  $("hard").setAttribute("aria-pressed", hard);
  const last = made.at(-1);
  $("last").textContent = last ? `Last: ${called(last)}.` : "";
}

/** A label with the second ones; null, and a word why, where they do not go together. */
export function withExtra(name, extra) {
  if (!CLAIMS.includes(name) && extra.length) {
    say("Background stands alone: take the second label off first (Esc).");
    return null;
  }
  return [name, ...extra.filter((other) => other !== name)];
}

/** Second labels with one more, or without it where it was there. */
export const toggled = (extra, name) =>
  extra.includes(name) ? extra.filter((other) => other !== name) : [...extra, name];
