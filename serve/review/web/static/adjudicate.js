// Settling disagreements: the answers without names, the same keys as in judging, and a reason.

import { $, element, outbox } from "./desk.js";
import { CLAIMS, LABELS, named, page, say } from "./state.js";

const FEWEST = 2;
const MOST = 4;
const RETRY = 4_000;
const held = {
  current: null,
  ahead: [],
  made: [],
  extra: [],
  hard: false,
  chosen: null, // labels that wait for their reason
  passed: [], // left for later on this page
  left: Number(page.waiting),
  ended: false,
  fetching: false,
  failed: false,
};
const reasons = [...document.querySelectorAll("[name=reason]")];

const ids = (items) => items.filter(Boolean).map((item) => item.id);
const called = (labels) => (labels.length ? named(labels) : "Not a sentence");

async function fetchMore() {
  if (held.fetching || held.ahead.length >= FEWEST) return;
  held.fetching = true;
  try {
    const unsent = outbox.unsent.map((entry) => entry.body.sentence_id).filter(Boolean);
    const known = [...ids([held.current, ...held.ahead]), ...held.passed, ...unsent];
    const query = new URLSearchParams({ count: MOST, exclude: [...new Set(known)].slice(0, 200) });
    const { items } = await outbox.get(`/api/disputes?${query}`);
    held.failed = false;
    held.ended = items.length === 0;
    const now = new Set(ids([held.current, ...held.ahead]));
    for (const entry of outbox.unsent) now.add(entry.body.sentence_id);
    held.ahead.push(...items.filter((item) => !now.has(item.id)));
  } catch {
    held.failed = true;
    setTimeout(fetchMore, RETRY);
  } finally {
    held.fetching = false;
  }
  if (!held.current) showNext();
}

function showNext() {
  held.current = held.ahead.shift() ?? null;
  held.extra = [];
  held.hard = false;
  show();
  fetchMore();
}

function show() {
  const { current } = held;
  $("work").hidden = !current;
  $("empty").hidden = Boolean(current);
  $("count").textContent = `${held.left.toLocaleString("en")} waiting`;
  const last = held.made.at(-1);
  $("last").textContent = last ? `Last: ${called(last.labels)}.` : "";
  if (!current) {
    showEmpty();
    return;
  }
  const { title, theatre, source, article } = current;
  $("title").textContent = title || `Article ${article}`;
  const place = [source, theatre, `sentence ${current.position + 1}`];
  $("place").textContent = place.filter(Boolean).join(" · ");
  $("before").textContent = current.before.map((sentence) => sentence.text).join(" ");
  $("sentence").textContent = current.text;
  $("after").textContent = current.after.map((sentence) => sentence.text).join(" ");
  $("sentence").scrollTop = 0;
  const undone = current.undone ? `Undone: ${called(current.undone)}. Please decide again.` : "";
  $("remarks").replaceChildren(...(undone ? [element("li", {}, undone)] : []));
  $("answers").replaceChildren(...current.answers.map(answerCard));
  showChoices();
}

function showEmpty() {
  const text = held.ended
    ? "No disagreement is left for you"
    : held.failed
      ? "The desk does not answer"
      : "Getting the next one";
  $("empty-title").textContent = text;
  $("empty-text").textContent = !held.ended
    ? ""
    : held.passed.length
      ? "Those that you left for later come again when you look again."
      : "Those that you judged yourself are settled by another adjudicator, and those on another's screen are not shown.";
  $("empty-links").hidden = !held.ended;
}

function answerCard({ name, labels, hard, note }) {
  const tags = labels.length
    ? labels.map((label) => element("span", { class: `tag ${label}` }, named([label])))
    : [element("span", { class: "tag none" }, "Not a sentence")];
  if (hard) tags.push(element("span", { class: "chip" }, "found it hard"));
  const said = note ? [element("p", { dir: "auto" }, `Note: ${note}`)] : [];
  return element("li", {}, element("h3", {}, `Answer ${name}`), ...tags, ...said);
}

function showChoices() {
  for (const name of CLAIMS) {
    const button = document.querySelector(`[data-extra=${name}]`);
    button.setAttribute("aria-pressed", held.extra.includes(name));
  }
  $("pending").textContent = held.extra.length
    ? `Second label: ${named(held.extra)}. Now choose what the sentence mainly says.`
    : "";
  $("second").hidden = held.extra.length > 0;
  $("hard").setAttribute("aria-pressed", held.hard);
}

/** Ask for the reason; with it the decision is made. */
function choose(labels) {
  if (!held.current) return;
  held.chosen = labels;
  $("because-title").textContent = called(labels);
  $("because").querySelector("form").reset();
  $("because").showModal();
  reasons[0].focus();
}

function label(name) {
  if (!CLAIMS.includes(name) && held.extra.length) {
    say("Background stands alone: take the second label off first (Esc).");
    return;
  }
  choose([name, ...held.extra.filter((other) => other !== name)]);
}

function adopt(place) {
  const answer = held.current?.answers[place];
  if (answer) choose(answer.labels);
}

function toggleExtra(name) {
  const has = held.extra.includes(name);
  held.extra = has ? held.extra.filter((other) => other !== name) : [...held.extra, name];
  showChoices();
}

function decide(text) {
  const reason = text.trim();
  if (!reason) {
    $("because-other").focus();
    return;
  }
  close($("because"));
  const { current: item, chosen: labels, hard } = held;
  const kind = labels.length ? "label" : "not_a_sentence";
  const body = { sentence_id: item.id, kind, labels, hard, reason };
  const { key } = outbox.add("/api/adjudications", body);
  held.made.push({ item, key, labels });
  held.left = Math.max(held.left - 1, 0);
  showNext();
}

function later() {
  if (!held.current) return;
  held.passed.push(held.current.id);
  showNext();
}

/** Undo the last decision, of this page or of before, and return to its sentence. */
async function undo() {
  const last = held.made.pop() ?? (await lastOfBefore());
  if (!last) return;
  const { key, id, labels } = last;
  outbox.add("/api/undo", key ? { decision_key: key } : { decision_id: id });
  held.left += 1;
  if (!last.item) {
    say(`Undone: ${called(labels)}. The sentence waits again.`);
    outbox.addEventListener("stored", lookAgain, { once: true });
    return;
  }
  if (held.current) held.ahead.unshift(held.current);
  held.ahead.unshift({ ...last.item, undone: labels });
  showNext();
}

async function lastOfBefore() {
  if (outbox.unsent.length) {
    say("The last decisions are being saved; please try again in a moment.");
    return null;
  }
  try {
    const { decision } = await outbox.get("/api/last-adjudication");
    if (!decision) say("There is nothing to undo.");
    return decision;
  } catch {
    say("The desk does not answer, so the last decision cannot be looked up now.");
    return null;
  }
}

function lookAgain() {
  held.ended = false;
  held.passed = [];
  show();
  fetchMore();
}

function close(dialog) {
  dialog.close();
  // Until the next picture the browser would leave the keys to a field that is gone.
  if (dialog.contains(document.activeElement)) document.activeElement.blur();
}

const ACTIONS = {
  a: () => adopt(0),
  b: () => adopt(1),
  none: () => choose([]),
  later,
  undo,
  hard: () => {
    held.hard = !held.hard;
    showChoices();
  },
  guide: () => $("guide").showModal(),
  again: lookAgain,
};
const KEYS = {
  a: "a",
  b: "b",
  x: "none",
  s: "later",
  u: "undo",
  h: "hard",
  g: "guide",
  "?": "guide",
};

const isChord = (event) => event.ctrlKey || event.altKey || event.metaKey;
const digit = (event) => /^(?:Digit|Numpad)([1-4])$/.exec(event.code)?.[1];

/** The letter of a key: as printed where that is Latin, else by its place on the keyboard. */
function letter(event) {
  if (/^[a-z?]$/i.test(event.key)) return event.key.toLowerCase();
  return /^Key([A-Z])$/.exec(event.code)?.[1].toLowerCase() ?? "";
}

function wanted(event) {
  const number = digit(event);
  if (!number) return ACTIONS[KEYS[letter(event)]];
  const name = LABELS[number - 1];
  if (!event.shiftKey) return () => label(name);
  return CLAIMS.includes(name) ? () => toggleExtra(name) : null;
}

document.addEventListener("keydown", (event) => {
  const dialog = document.querySelector("dialog[open]");
  if (dialog && event.key === "Escape" && !event.isComposing) {
    event.preventDefault();
    close(dialog);
    return;
  }
  const isTyping = event.target.matches?.("input, select, textarea");
  if (dialog || isTyping || isChord(event) || event.repeat || event.isComposing) return;
  if (event.key === "Escape") {
    held.extra = [];
    showChoices();
    return;
  }
  const act = wanted(event);
  if (!act) return;
  event.preventDefault();
  act();
});
document.addEventListener("click", (event) => {
  const { label: name, extra, action } = event.target.closest?.("button")?.dataset ?? {};
  if (name) label(name);
  else if (extra) toggleExtra(extra);
  else if (action) ACTIONS[action]();
});

$("because").addEventListener("keydown", (event) => {
  if (event.target === $("because-other")) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      $("because").querySelector("form").requestSubmit();
    }
    return;
  }
  const radio = !isChord(event) && reasons[digit(event) - 1];
  if (!radio) return;
  event.preventDefault();
  radio.checked = true;
  if (radio.value) decide(radio.value);
  else $("because-other").focus();
});
$("because-other").addEventListener("input", () => (reasons.at(-1).checked = true));
$("because")
  .querySelector("form")
  .addEventListener("submit", (event) => {
    event.preventDefault();
    decide(reasons.find((radio) => radio.checked)?.value || $("because-other").value);
  });
$("because")
  .querySelector("[data-close]")
  .addEventListener("click", () => close($("because")));

async function begin() {
  show();
  if (page.sentence) {
    try {
      held.ahead.push(await outbox.get(`/api/disputes/${page.sentence}`));
      showNext();
      return;
    } catch {
      say("That sentence does not wait for you.");
    }
  }
  fetchMore();
}

begin();
