// What is decided in judging, and how the page goes on from it.

import { fill, putBack, undoLast } from "./ahead.js";
import { page, say, toggled, withExtra } from "./common.js";
import { $, outbox } from "./desk.js";
import { show, showChoices } from "./show.js";
import { putDraft, readDraft, state, writeDraft } from "./state.js";

const FROM = { path: "/api/next", query: page.query, fewest: 3, most: 5 };

const fetchMore = () => fill(state, FROM, showNext);

/** Go to the next sentence. */
function showNext() {
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
  putDraft(item.id, {});
  showNext();
}

/** Give the present sentence a label, with the second ones chosen before. */
export function label(name) {
  const labels = withExtra(name, state.extra);
  if (labels) decide("label", labels);
}

/** Choose a second label, or take it off. */
export function toggleExtra(name) {
  if (state.current) setExtra(toggled(state.extra, name));
}

/** Take the second labels off. */
export function dropExtra() {
  if (state.extra.length) setExtra([]);
}

function setExtra(extra) {
  state.extra = extra;
  writeDraft();
  showChoices();
}

/** Undo the last decision, and return to its sentence with its note. */
export async function undo() {
  const last = await undoLast(state, lastOfBefore);
  if (!last) return;
  const { item, kind, hard, note } = last;
  if (last.isCounted) state.done -= 1;
  putBack(state, { ...item, told: item.told || kind !== "skip", own: null, undone: last });
  putDraft(item.id, { hard, note });
  showNext();
}

async function lastOfBefore() {
  const { decision } = await outbox.get("/api/last");
  if (!decision) return null;
  const item = await outbox.get(`/api/sentences/${decision.sentence_id}`);
  return { ...decision, item, isCounted: decision.kind !== "skip" };
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
