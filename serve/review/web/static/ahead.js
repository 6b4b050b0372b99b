// Sentences are fetched before they are needed, and decisions go to the outbox, so that the next
// sentence never waits for the desk.

import { say } from "./common.js";
import { outbox } from "./desk.js";

const RETRY = [1_000, 2_000, 5_000, 10_000];

/** What a page knows of the queue that it goes through. */
export const holding = () => ({
  current: null,
  ahead: [],
  passed: [], // ids that are left for later on this page
  made: [], // what was decided on this page: {item, key, kind, labels}
  extra: [], // second labels chosen, in order
  hard: false,
  fetching: false,
  failures: 0,
  retry: 0,
  ended: false,
  undoing: false,
});

/**
 * Fill up the sentences held, unless enough are there or on their way.
 * @param state see holding
 * @param from {path, query, fewest, most}: where they are asked for, and how many are held beside
 *   the one on the screen; with fewer than the fewest, more are fetched
 * @param showNext goes to the next one
 */
export async function fill(state, from, showNext) {
  if (state.fetching || state.ahead.length >= from.fewest) return;
  state.fetching = true;
  try {
    const query = new URLSearchParams(from.query);
    query.set("count", String(from.most - state.ahead.length + (state.current ? 0 : 1)));
    query.set("exclude", [...known(state)].slice(0, 200).join(","));
    const { items } = await outbox.get(`${from.path}?${query}`);
    state.failures = 0;
    state.ended = items.length === 0;
    // Some were judged or taken up while they were under way.
    const now = known(state);
    state.ahead.push(...items.filter((item) => !now.has(item.id)));
  } catch {
    state.failures += 1;
    clearTimeout(state.retry);
    const wait = RETRY[Math.min(state.failures, RETRY.length) - 1];
    state.retry = setTimeout(() => fill(state, from, showNext), wait);
  } finally {
    state.fetching = false;
  }
  if (!state.current) showNext();
}

/** Ids of the sentences that are held, left for later, or decided and not sent yet. */
function known({ current, ahead, passed }) {
  const held = [current, ...ahead].filter(Boolean).map((item) => item.id);
  const unsent = outbox.unsent.map((entry) => entry.body.sentence_id).filter(Boolean);
  return new Set([...held, ...passed, ...unsent]);
}

/** Put a sentence before the one on the screen, to be shown next. */
export function putBack(state, item) {
  const held = [state.current, ...state.ahead].filter(Boolean);
  state.ahead = [item, ...held.filter((other) => other.id !== item.id)];
}

/**
 * Undo the last decision, of this page or of before.
 * @param find asks the desk for the one of before this page was loaded
 * @returns what was undone; null where there was nothing
 */
export async function undoLast(state, find) {
  if (state.undoing) return null;
  state.undoing = true;
  const last = state.made.pop() ?? (await lastOfBefore(find));
  state.undoing = false;
  if (!last) return null;
  const { key, id } = last;
  outbox.add("/api/undo", key ? { decision_key: key } : { decision_id: id });
  return last;
}

async function lastOfBefore(find) {
  if (outbox.unsent.length) {
    say("The last decisions are being saved; please try again in a moment.");
    return null;
  }
  try {
    const found = await find();
    if (!found) say("There is nothing to undo.");
    return found;
  } catch {
    say("The desk does not answer, so the last decision cannot be looked up now.");
    return null;
  }
}
