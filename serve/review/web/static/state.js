// What the judging page knows, and what of it outlives the page.

import { holding } from "./ahead.js";
import { page } from "./common.js";
import { session } from "./desk.js";

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
  ...holding(),
  note: "",
  isOpen: page.onlyOpen === "true" || keep.get("mode") === "open",
  keys: keep.get("keys") !== "off",
  done: Number(page.done),
};

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
