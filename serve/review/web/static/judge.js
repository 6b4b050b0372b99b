// The judging page's keys and buttons.

import { begin, decide, label, lookAgain, toggleExtra, undo } from "./deciding.js";
import { $ } from "./desk.js";
import { askNote, askReason, close, isChord, showGuide } from "./dialogs.js";
import { toggleOpen } from "./model.js";
import { showChoices } from "./show.js";
import { CLAIMS, LABELS, keep, page, state, writeDraft } from "./state.js";

const ACTIONS = {
  undo,
  skip: askReason,
  note: askNote,
  hard: () => {
    if (!state.current) return;
    state.hard = !state.hard;
    writeDraft();
    showChoices();
  },
  not_a_sentence: () => decide("not_a_sentence"),
  open: () => {
    toggleOpen();
    showChoices();
  },
  keys: () => showGuide("guide-keys"),
  guide: () => showGuide(),
};
const KEYS = {
  u: "undo",
  s: "skip",
  n: "note",
  h: "hard",
  x: "not_a_sentence",
  o: "open",
  g: "guide",
  "?": "keys",
};

/** The letter of a key: as printed where that is Latin, else by its place on the keyboard. */
function letter(event) {
  if (/^[a-z?]$/i.test(event.key)) return event.key.toLowerCase();
  return /^Key([A-Z])$/.exec(event.code)?.[1].toLowerCase() ?? "";
}

/** What a key press asks for; digits go by place, so that every layout has them. */
function wanted(event) {
  const number = /^(?:Digit|Numpad)([1-4])$/.exec(event.code)?.[1];
  if (number) {
    const name = LABELS[number - 1];
    if (!event.shiftKey) return () => label(name);
    return CLAIMS.includes(name) ? () => toggleExtra(name) : null;
  }
  return ACTIONS[KEYS[letter(event)]];
}

/** Measure from the key to the picture; the last value stands on the page for benchmarks. */
function measure(event) {
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      performance.clearMeasures("claimwire-next");
      const { duration } = performance.measure("claimwire-next", { start: event.timeStamp });
      page.lastNextMs = duration.toFixed(1);
    };
    port2.postMessage(null);
  });
}

function onKey(event) {
  const dialog = document.querySelector("dialog[open]");
  if (dialog && event.key === "Escape" && !event.isComposing) {
    // The browser would close it a little later, and keys that come at once would be lost.
    event.preventDefault();
    close(dialog);
    return;
  }
  const isTyping = event.target.matches?.("input, select, textarea");
  if (isTyping || isChord(event) || event.repeat || event.isComposing) return;
  if (dialog) {
    if (dialog === $("guide") && ["guide", "keys"].includes(KEYS[letter(event)])) close(dialog);
    return;
  }
  if (event.key === "Escape" && state.extra.length) {
    state.extra = [];
    writeDraft();
    showChoices();
    return;
  }
  const action = state.keys ? wanted(event) : null;
  if (!action) return;
  event.preventDefault();
  const before = state.current;
  action();
  if (state.current && state.current !== before) measure(event);
}

function start() {
  addEventListener("keydown", onKey);
  for (const button of document.querySelectorAll("[data-label]")) {
    button.addEventListener("click", () => label(button.dataset.label));
  }
  for (const button of document.querySelectorAll("[data-extra]")) {
    button.addEventListener("click", () => toggleExtra(button.dataset.extra));
  }
  for (const button of document.querySelectorAll("[data-action]")) {
    button.addEventListener("click", () => ACTIONS[button.dataset.action]());
  }
  $("keys").checked = state.keys;
  $("keys").addEventListener("change", () => {
    state.keys = $("keys").checked;
    keep.set("keys", state.keys ? "on" : "off");
  });
  $("look-again").addEventListener("click", lookAgain);
}

start();
begin();
