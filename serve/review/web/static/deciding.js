// The queue and what is decided: sentences are fetched before they are needed, and decisions go to
// the outbox, so that the next sentence never waits for the desk.

import { $, outbox } from "./desk.js";
import { show, showChoices } from "./show.js";
import { CLAIMS, page, putDraft, readDraft, say, state, writeDraft } from "./state.js";

const FEWEST = 3; // sentences held beside the one on the screen; with fewer, more are fetched
const MOST = 5;
const RETRY = [1_000, 2_000, 5_000, 10_000];

/** Fill up the sentences held, unless enough are there or on their way. */
export async function fetchMore() {
  if (state.fetching || state.ahead.length >= FEWEST) return;
  state.fetching = true;
  try {
    const held = [state.current, ...state.ahead].filter(Boolean).map((item) => item.id);
    const unsent = outbox.unsent.map((entry) => entry.body.sentence_id).filter(Boolean);
    const query = new URLSearchParams(page.query);
    query.set("count", String(MOST - state.ahead.length + (state.current ? 0 : 1)));
    query.set("exclude", [...new Set([...held, ...unsent])].slice(0, 200).join(","));
    const { items } = await outbox.get(`/api/next?${query}`);
    state.failures = 0;
    state.ended = items.length === 0;
    take(items);
  } catch (error) {
    state.failures += 1;
    clearTimeout(state.retry);
    state.retry = setTimeout(fetchMore, RETRY[Math.min(state.failures, RETRY.length) - 1]);
  } finally {
    state.fetching = false;
  }
  if (!state.current) showNext();
}

/** Add sentences that came, but for those that were judged or taken up while they were under way. */
function take(items) {
  const known = new Set([state.current, ...state.ahead].filter(Boolean).map((item) => item.id));
  for (const entry of outbox.unsent) known.add(entry.body.sentence_id);
  state.ahead.push(...items.filter((item) => !known.has(item.id)));
}

/** Go to the next sentence. */
export function showNext() {
  state.current = state.ahead.shift() ?? null;
  const draft = state.current ? readDraft(state.current.id) : {};
  state.extra = draft.extra ?? [];
  state.hard = draft.hard ?? false;
  state.note = draft.note ?? "";
  show();
  fetchMore();
}

/** Decide on the present sentence, and go on. */
export function decide(kind, labels = [], reason = "") {
  const item = state.current;
  if (!item) return;
  const { hard, note } = state;
  const mode = state.isOpen || item.told ? "open" : "blind";
  const body = { sentence_id: item.id, kind, labels, hard, note, reason, mode };
  const { key } = outbox.add("/api/decisions", body);
  const isCounted = kind !== "skip" && !item.own;
  if (isCounted) state.done += 1;
  state.made.push({ item, key, kind, labels, hard, note, isCounted, at: Date.now() });
  state.extra = [];
  state.hard = false;
  state.note = "";
  writeDraft();
  showNext();
}

/** Give the present sentence a label, with the second ones chosen before. */
export function label(name) {
  if (!CLAIMS.includes(name) && state.extra.length) {
    say("Background stands alone: take the second label off first (Esc).");
    return;
  }
  decide("label", [name, ...state.extra.filter((other) => other !== name)]);
}

/** Choose a second label, or take it off. */
export function toggleExtra(name) {
  if (!state.current) return;
  const has = state.extra.includes(name);
  state.extra = has ? state.extra.filter((other) => other !== name) : [...state.extra, name];
  writeDraft();
  showChoices();
}

/** Undo the last decision, and return to its sentence with its note. */
export async function undo() {
  if (state.undoing) return;
  state.undoing = true;
  const last = state.made.pop() ?? (await lastOfBefore());
  state.undoing = false;
  if (!last) return;
  const { item, key, id, kind, hard, note } = last;
  outbox.add("/api/undo", key ? { decision_key: key } : { decision_id: id });
  if (last.isCounted) state.done -= 1;
  if (state.current && state.current.id !== item.id) state.ahead.unshift(state.current);
  state.ahead = [
    { ...item, told: item.told || kind !== "skip", own: null, undone: last },
    ...state.ahead.filter((other) => other.id !== item.id),
  ];
  putDraft(item.id, { hard, note });
  showNext();
}

/** The last decision of before this page was loaded, as the history has it. */
async function lastOfBefore() {
  if (outbox.unsent.length) {
    say("The last decisions are being saved; please try again in a moment.");
    return null;
  }
  try {
    const { decision } = await outbox.get("/api/last");
    if (!decision) {
      say("There is nothing to undo.");
      return null;
    }
    const item = await outbox.get(`/api/sentences/${decision.sentence_id}`);
    return { ...decision, item, isCounted: decision.kind !== "skip" };
  } catch {
    say("The desk does not answer, so the last decision cannot be looked up now.");
    return null;
  }
}

outbox.addEventListener("elsewhere", ({ detail: { body } }) => {
  const { sentence_id: id } = body;
  state.ahead = state.ahead.filter((item) => item.id !== id);
  if (id && state.current?.id === id) {
    for (const name of ["skip", "note"]) if ($(name).open) $(name).close();
    say("You have just judged that sentence in another tab.");
    showNext();
  }
});

outbox.addEventListener("stored", () => state.failures && fetchMore()); // the desk is back

/** Ask again for sentences where there were none. */
export function lookAgain() {
  state.ended = false;
  show();
  fetchMore();
}

/** Begin, with a sentence that was asked for where there is one. */
export async function begin() {
  show();
  if (!page.sentence) return fetchMore();
  try {
    state.ahead.push(await outbox.get(`/api/sentences/${page.sentence}`));
  } catch {
    say("The sentence asked for could not be had.");
  }
  showNext();
}
