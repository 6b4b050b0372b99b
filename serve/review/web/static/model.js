// What the model says: asked for in open mode only. In blind mode it comes with the saved decision.

import { LABELS, NAMES, named, page, say } from "./common.js";
import { $, element, outbox } from "./desk.js";
import { keep, state } from "./state.js";

const PAUSE = 150;

/** A share in percent; what is not all, or not nothing, is never shown as that. */
function percent(share) {
  if (share >= 0.995 && share < 1) return "over 99%";
  if (share > 0 && share <= 0.005) return "under 1%";
  return `${Math.round(share * 100)}%`;
}

/** Show the prediction of the present sentence, or hide it, as the mode wants it. */
export async function showModel() {
  const item = state.current;
  const isShown = Boolean(item && state.isOpen);
  $("model").hidden = !isShown;
  if (!isShown) return;
  try {
    await getPrediction(item);
    if (state.current !== item || !state.isOpen) return;
    showPrediction(item.prediction);
    if (!item.prediction) return;
    await new Promise((done) => setTimeout(done, PAUSE));
    if (state.current !== item || !state.isOpen) return; // whoever is that quick needs no words
    item.explanation ??= await outbox.get(`/api/sentences/${item.id}/explanation`);
    if (state.current === item && state.isOpen) showExplanation(item);
  } catch (error) {
    if (state.current === item)
      $("why").textContent = error.answer?.detail ?? "No explanation came.";
  }
}

async function getPrediction(item) {
  $("why").textContent = "";
  $("verdict").textContent = "";
  $("scores").hidden = true;
  item.told = true;
  if (item.prediction === undefined) {
    item.prediction = (await outbox.get(`/api/sentences/${item.id}/prediction`)).prediction;
  }
}

function showPrediction(prediction) {
  if (!prediction) {
    $("verdict").textContent = "The model has said nothing of this sentence.";
    return;
  }
  const doubt = prediction.needs_review ? "; it asks for review" : "";
  $("verdict").textContent =
    `${named(prediction.labels)}, ${percent(prediction.confidence)} sure${doubt}`;
  for (const name of LABELS) {
    const row = $(`score-${name}`);
    row.querySelector(".part").setAttribute("width", 100 * prediction.scores[name]);
    row.querySelector(".share").textContent = percent(prediction.scores[name]);
    row.classList.toggle("chosen", prediction.labels.includes(name));
  }
  $("scores").hidden = false;
  $("why").textContent = "Looking for the words that it rests on.";
}

function showExplanation({ explanation }) {
  const parts = explanation.parts.map(({ text, weight }) =>
    weight
      ? element("mark", { class: weight > 0 ? `for-${weight}` : `against-${-weight}` }, text)
      : text,
  );
  $("sentence").replaceChildren(...parts);
  const by = explanation.same_release
    ? ""
    : ` (by ${explanation.release}, which is another release than the prediction's)`;
  const some = explanation.parts.some(({ weight }) => weight);
  $("why").textContent = some
    ? `Marked: words for ${NAMES[explanation.label].toLowerCase()}; underlined with dots: against it${by}.`
    : `No single word decides it${by}.`;
}

/** Go from blind to open mode or back. */
export function toggleOpen() {
  if (page.onlyOpen === "true") {
    say("This selection goes by the model's label, so it cannot be judged blind.");
    return;
  }
  state.isOpen = !state.isOpen;
  keep.set("mode", state.isOpen ? "open" : "blind");
  if (state.current) $("sentence").textContent = state.current.text;
  showModel();
}

outbox.addEventListener("stored", ({ detail: { entry, answer } }) => {
  const { prediction } = answer;
  const { kind, labels } = entry.body;
  const isRecent = state.made.some(
    (made) => made.key === entry.key && Date.now() - made.at < 10_000,
  );
  if (!prediction || !isRecent) return;
  const sure = percent(prediction.confidence);
  const same =
    kind === "label" &&
    labels.length === prediction.labels.length &&
    labels.every((name) => prediction.labels.includes(name));
  say(
    same
      ? `The model agreed: ${named(prediction.labels)}, ${sure}.`
      : `The model said: ${named(prediction.labels)}, ${sure}.`,
  );
});
