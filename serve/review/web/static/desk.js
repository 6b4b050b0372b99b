// On every page: what waits in this browser is sent, and the header says how it stands.

import { Outbox } from "./outbox.js";

export const $ = (id) => document.getElementById(id);

const { desk, reviewer, csrf } = document.documentElement.dataset;
export const session = { desk, reviewer, csrf };
export const outbox = new Outbox(session);

const PROBLEMS = {
  offline: "The desk does not answer. It is tried again by itself; your decisions are kept here.",
  server: "The desk could not save. It is tried again by itself; your decisions are kept here.",
  "signed-out": "You are signed out. Your decisions are kept here until you sign in again.",
  other: "Another reviewer or another desk is here now. Your decisions wait until you are back.",
};

/** A number with its noun. */
const plural = (count, noun) =>
  `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

/** Make an element; children are text or elements, so that no text is ever read as markup. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function describe(entry) {
  if (entry.path.endsWith("/undo")) return "Undo";
  const { kind, labels, sentence_id: id } = entry.body;
  const what = kind === "label" ? labels.join(" + ") : kind;
  return `Sentence ${id}: ${what}`.replaceAll("_", " ");
}

function showState() {
  const unsent = outbox.unsent.length;
  const refused = outbox.refused.length;
  const button = $("state");
  const words = [];
  if (unsent) words.push(outbox.problem ? `${unsent} unsent` : "Saving");
  if (refused) words.push(`${refused} refused`);
  const text = words.join(", ") || "All saved";
  if (button.textContent !== text) button.textContent = text;
  button.dataset.state = refused || (unsent && outbox.problem) ? "trouble" : unsent ? "busy" : "ok";
  // Only trouble and its end are read out: each single decision would drown the sentences.
  let told = "";
  if (unsent && outbox.problem)
    told = `${plural(unsent, "decision")} unsent. ${PROBLEMS[outbox.problem]}`;
  else if (outbox.problem === "signed-out") told = "You are signed out.";
  else if (refused)
    told = `${plural(refused, "decision")} refused. Open the saving state to see why.`;
  if ($("saving").textContent !== told) $("saving").textContent = told;
  if ($("trouble-text").textContent !== told) $("trouble-text").textContent = told;
  $("trouble").hidden = !told;
  $("trouble-link").hidden = outbox.problem !== "signed-out";
  if ($("outbox").open) listOutbox();
}

function listOutbox() {
  const { unsent, refused } = outbox;
  $("outbox-unsent").replaceChildren(...unsent.map((entry) => element("li", {}, describe(entry))));
  $("outbox-refused").replaceChildren(...refused.map(refusedLine));
  $("outbox-none").hidden = unsent.length + refused.length > 0;
}

function refusedLine(entry) {
  const again = element("button", { type: "button" }, "Send again");
  again.addEventListener("click", () => outbox.again(entry));
  const forget = element("button", { type: "button" }, "Forget");
  forget.addEventListener("click", () => outbox.forget(entry));
  return element("li", {}, `${describe(entry)}. ${entry.reason} `, again, " ", forget);
}

function start() {
  const here = location.pathname + location.search;
  $("trouble-link").href = `/sign-in?${new URLSearchParams({ next: here })}`;
  outbox.addEventListener("change", showState);
  $("state").addEventListener("click", () => {
    listOutbox();
    $("outbox").showModal();
  });
  showState();
  outbox.drain();
}

/** A link from another site arrives without the cookie, which this page's own request then has. */
async function leaveSignIn(form) {
  try {
    await outbox.get("/api/session");
    location.replace(form.elements.next.value);
  } catch {
    // Nobody is signed in.
  }
}

if (session.reviewer) start();
else if ($("sign-in")) leaveSignIn($("sign-in"));
