// What the judging page knows, and small words that its parts share.

import { $, session } from "./desk.js";

const TOAST = 4_000;

export const page = $("main").dataset;
export const LABELS = [...document.querySelectorAll("[data-label]")].map(
  (button) => button.dataset.label,
);
export const CLAIMS = LABELS.slice(0, 3);
export const NAMES = Object.fromEntries(
  LABELS.map((label) => [label, document.querySelector(`[data-label=${label}]`).dataset.name]),
);
export const KINDS = { skip: "Skipped", not_a_sentence: "Not a sentence" };

export const keep = {
  get: (name) => {
    try {
      return localStorage.getItem(`claimwire:${name}`);
    } catch {
      return null;
    }
  },
  set: (name, value) => {
    try {
      localStorage.setItem(`claimwire:${name}`, value);
    } catch {
      // Only a convenience is lost.
    }
  },
};

export const state = {
  current: null,
  ahead: [],
  made: [], // what was decided on this page: {item, key, kind, labels}
  extra: [], // second labels chosen, in order
  hard: false,
  note: "",
  isOpen: page.onlyOpen === "true" || keep.get("mode") === "open",
  keys: keep.get("keys") !== "off",
  done: Number(page.done),
  fetching: false,
  failures: 0,
  retry: 0,
  ended: false,
  undoing: false,
};

export const named = (labels) => labels.map((label) => NAMES[label]).join(" + ");

/** A share in percent; what is not all, or not nothing, is never shown as that. */
export function percent(share) {
  if (share >= 0.995 && share < 1) return "over 99%";
  if (share > 0 && share < 0.005) return "under 1%";
  return `${Math.round(share * 100)}%`;
}

/** Tell something for a moment. */
export function say(text) {
  const toast = $("toast");
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (toast.hidden = true), TOAST);
}

// What was chosen for a sentence but not decided yet outlives a reload

const draftName = (id) => `claimwire:${session.desk}:draft:${id}`;

/** What was chosen for a sentence before. */
export function readDraft(id) {
  try {
    return JSON.parse(sessionStorage.getItem(draftName(id))) ?? {};
  } catch {
    return {};
  }
}

/** Keep what is chosen for a sentence. */
export function putDraft(id, draft) {
  try {
    if (draft.extra?.length || draft.hard || draft.note) {
      sessionStorage.setItem(draftName(id), JSON.stringify(draft));
    } else sessionStorage.removeItem(draftName(id));
  } catch {
    // Only a reload would lose it.
  }
}

/** Keep what is chosen for the present sentence. */
export function writeDraft() {
  const { extra, hard, note } = state;
  putDraft(state.current.id, { extra, hard, note });
}
