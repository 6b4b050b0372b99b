// Settling disagreements: the answers without names, the same keys as in judging, and a reason.

import { fill, holding, putBack, undoLast } from "./ahead.js";
import {
  called,
  named,
  page,
  say,
  showChosen,
  showSentence,
  toggled,
  withExtra,
} from "./common.js";
import { $, element, outbox } from "./desk.js";
import { listen, reasonDialog, showGuide } from "./keys.js";

const FROM = { path: "/api/disputes", query: "", fewest: 2, most: 3 };

const state = {
  ...holding(),
  chosen: null, // labels that wait for their reason
  left: Number(page.waiting),
};

const askReason = reasonDialog("because", decide);
const fetchMore = () => fill(state, FROM, showNext);

function showNext() {
  state.current = state.ahead.shift() ?? null;
  state.extra = [];
  state.hard = false;
  show();
  fetchMore();
}

function show() {
  const { current } = state;
  $("work").hidden = !current;
  $("empty").hidden = Boolean(current);
  $("count").textContent = `${state.left.toLocaleString("en")} waiting`;
  showChosen(state);
  if (!current) {
    showEmpty();
    return;
  }
  const { answers, undone } = current;
  showSentence(current, undone ? [`Undone: ${called(undone)}. Please decide again.`] : []);
  $("answers").replaceChildren(...answers.map(answerCard));
}

function showEmpty() {
  $("empty-title").textContent = state.ended
    ? "No disagreement is left for you"
    : state.failures
      ? "The desk does not answer"
      : "Getting the next one";
  $("empty-text").textContent = !state.ended
    ? ""
    : state.passed.length
      ? "Those that you left for later come again when you look again."
      : "Those that you judged yourself are settled by another adjudicator, and those on another's screen are not shown.";
  $("empty-links").hidden = !state.ended;
}

function answerCard({ name, labels, hard, note }) {
  const tags = labels.length
    ? labels.map((label) => element("span", { class: `tag ${label}` }, named([label])))
    : [element("span", { class: "tag none" }, called({ labels }))];
  if (hard) tags.push(element("span", { class: "chip" }, "found it hard"));
  const said = note ? [element("p", { dir: "auto" }, `Note: ${note}`)] : [];
  return element("li", {}, element("h3", {}, `Answer ${name}`), ...tags, ...said);
}

/** Ask for the reason; with it the decision is made. */
function choose(labels) {
  if (!state.current) return;
  state.chosen = labels;
  $("because-title").textContent = called({ labels });
  askReason();
}

function label(name) {
  const labels = withExtra(name, state.extra);
  if (labels) choose(labels);
}

function adopt(place) {
  const answer = state.current?.answers[place];
  if (answer) choose(answer.labels);
}

function setExtra(extra) {
  state.extra = extra;
  showChosen(state);
}

function decide(reason) {
  const { current: item, chosen: labels, hard } = state;
  const kind = labels.length ? "label" : "not_a_sentence";
  const body = { sentence_id: item.id, kind, labels, hard, reason };
  const { key } = outbox.add("/api/adjudications", body);
  state.made.push({ item, key, kind, labels });
  state.left = Math.max(state.left - 1, 0);
  showNext();
}

function later() {
  if (!state.current) return;
  state.passed.push(state.current.id);
  showNext();
}

/** Undo the last decision, of this page or of before, and return to its sentence. */
async function undo() {
  const last = await undoLast(state, lastOfBefore);
  if (!last) return;
  state.left += 1;
  if (last.item) {
    putBack(state, { ...last.item, undone: last });
    showNext();
    return;
  }
  say(`Undone: ${called(last)}. The sentence waits again.`);
  outbox.addEventListener("stored", lookAgain, { once: true });
}

const lastOfBefore = async () => (await outbox.get("/api/last-adjudication")).decision;

function lookAgain() {
  state.ended = false;
  state.passed = [];
  show();
  fetchMore();
}

listen({
  label,
  toggleExtra: (name) => setExtra(toggled(state.extra, name)),
  dropExtra: () => setExtra([]),
  actions: {
    a: () => adopt(0),
    b: () => adopt(1),
    not_a_sentence: () => choose([]),
    later,
    undo,
    hard: () => {
      state.hard = !state.hard;
      showChosen(state);
    },
    guide: () => showGuide(),
    again: lookAgain,
  },
  keys: {
    a: "a",
    b: "b",
    x: "not_a_sentence",
    s: "later",
    u: "undo",
    h: "hard",
    g: "guide",
    "?": "guide",
  },
  isOn: () => true,
  run: (action) => action(),
});
outbox.addEventListener("stored", () => state.failures && fetchMore()); // the desk is back

async function begin() {
  show();
  if (!page.sentence) return fetchMore();
  try {
    state.ahead.push(await outbox.get(`/api/disputes/${page.sentence}`));
  } catch {
    say("That sentence does not wait for you.");
  }
  showNext();
}

begin();
