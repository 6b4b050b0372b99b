// Skipping with a reason, a note, and the guidelines: each by keyboard alone.

import { $ } from "./desk.js";
import { decide } from "./deciding.js";
import { showChoices } from "./show.js";
import { state, writeDraft } from "./state.js";

const skipReasons = [...document.querySelectorAll("[name=reason]")];

export const isChord = (event) => event.ctrlKey || event.altKey || event.metaKey;

/** Close a dialog. */
export function close(dialog) {
  dialog.close();
  // The browser would take the focus out of it at the next picture only, and the keys until then
  // would be lost in a field that is gone.
  if (dialog.contains(document.activeElement)) document.activeElement.blur();
}

/** Ask why the sentence is skipped. */
export function askReason() {
  if (!state.current) return;
  $("skip").querySelector("form").reset();
  $("skip").showModal();
  skipReasons[0].focus();
}

/** Ask for a note. */
export function askNote() {
  if (!state.current) return;
  $("note-text").value = state.note;
  $("note").showModal();
  $("note-text").focus();
}

/** Show the guidelines from their beginning, or from where the keys are told. */
export function showGuide(from = null) {
  $("guide").showModal();
  $("guide").focus();
  if (from) $(from).scrollIntoView();
  else $("guide").scrollTop = 0;
}

function skip(reason) {
  const text = reason.trim();
  if (!text) {
    $("skip-other").focus();
    return;
  }
  close($("skip"));
  decide("skip", [], text);
}

$("skip").addEventListener("keydown", (event) => {
  const number = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1];
  if (!number || event.target === $("skip-other") || isChord(event)) return;
  const radio = skipReasons[number - 1];
  if (!radio) return;
  event.preventDefault();
  radio.checked = true;
  if (radio.value) skip(radio.value);
  else $("skip-other").focus();
});
$("skip-other").addEventListener("input", () => (skipReasons.at(-1).checked = true));
$("skip")
  .querySelector("form")
  .addEventListener("submit", (event) => {
    event.preventDefault();
    skip(skipReasons.find((radio) => radio.checked)?.value || $("skip-other").value);
  });
$("note")
  .querySelector("form")
  .addEventListener("submit", (event) => {
    event.preventDefault();
    state.note = $("note-text").value.trim();
    close($("note"));
    writeDraft();
    showChoices();
  });
$("note-text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("note").querySelector("form").requestSubmit();
  }
});
for (const button of document.querySelectorAll("dialog [data-close]")) {
  button.addEventListener("click", () => close(button.closest("dialog")));
}
