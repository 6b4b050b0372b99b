// The judging page's keys, buttons and dialogs.

import { page } from "./common.js";
import { begin, decide, dropExtra, label, lookAgain, toggleExtra, undo } from "./deciding.js";
import { $ } from "./desk.js";
import { close, listen, onSubmit, reasonDialog, showGuide } from "./keys.js";
import { toggleOpen } from "./model.js";
import { showChoices } from "./show.js";
import { keep, state, writeDraft } from "./state.js";

const askReason = reasonDialog("skip", (reason) => decide("skip", [], reason));

function askNote() {
  $("note-text").value = state.note;
  $("note").showModal();
  $("note-text").focus();
}

function toggleHard() {
  state.hard = !state.hard;
  writeDraft();
  showChoices();
}

const ACTIONS = {
  undo,
  skip: () => state.current && askReason(),
  note: () => state.current && askNote(),
  hard: () => state.current && toggleHard(),
  not_a_sentence: () => decide("not_a_sentence"),
  open: () => {
    toggleOpen();
    showChoices();
  },
  keys: () => showGuide("guide-keys"),
  guide: () => showGuide(),
  again: lookAgain,
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

function run(action, event) {
  const before = state.current;
  action();
  if (state.current && state.current !== before) measure(event);
}

listen({
  label,
  toggleExtra,
  dropExtra,
  actions: ACTIONS,
  keys: KEYS,
  isOn: () => state.keys,
  run,
});
onSubmit($("note"), $("note-text"), () => {
  state.note = $("note-text").value.trim();
  close($("note"));
  writeDraft();
  showChoices();
});
$("keys").checked = state.keys;
$("keys").addEventListener("change", () => {
  state.keys = $("keys").checked;
  keep.set("keys", state.keys ? "on" : "off");
});
begin();
