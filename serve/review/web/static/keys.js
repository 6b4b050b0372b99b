// Keys, buttons and dialogs, the same in judging and adjudicating: each works by keyboard alone.

import { CLAIMS, LABELS } from "./common.js";
import { $ } from "./desk.js";

const isChord = (event) => event.ctrlKey || event.altKey || event.metaKey;

/** The digit of a key; digits go by place, so that every layout has them. */
const digit = (event) => /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1];

/** The letter of a key: as printed where that is Latin, else by its place on the keyboard. */
function letter(event) {
  if (/^[a-z?]$/i.test(event.key)) return event.key.toLowerCase();
  return /^Key([A-Z])$/.exec(event.code)?.[1].toLowerCase() ?? "";
}

/**
 * Hear keys and buttons.
 * @param deeds what the page does: label, toggleExtra and dropExtra with labels; actions by their
 *   names, and these by their keys; isOn says whether single keys are heard; and run is given each
 *   action that a key asks for, with the key
 */
export function listen(deeds) {
  addEventListener("keydown", (event) => onKey(event, deeds));
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button");
    const { label, extra, action, close: isClose } = button?.dataset ?? {};
    if (label) deeds.label(label);
    else if (extra) deeds.toggleExtra(extra);
    else if (action) deeds.actions[action]();
    else if (isClose !== undefined) close(button.closest("dialog"));
  });
}

function onKey(event, deeds) {
  const dialog = document.querySelector("dialog[open]");
  if (dialog && event.key === "Escape" && !event.isComposing) {
    // The browser would close it a little later, and keys that come at once would be lost.
    event.preventDefault();
    close(dialog);
    return;
  }
  const isTyping = event.target.matches?.("input, select, textarea");
  if (isTyping || isChord(event) || event.repeat || event.isComposing) return;
  if (dialog) {
    if (dialog === $("guide") && ["g", "?"].includes(letter(event))) close(dialog);
    return;
  }
  if (event.key === "Escape") {
    deeds.dropExtra();
    return;
  }
  const action = deeds.isOn() ? wanted(event, deeds) : null;
  if (!action) return;
  event.preventDefault();
  deeds.run(action, event);
}

/** What a key press asks for. */
function wanted(event, { label, toggleExtra, actions, keys }) {
  const name = LABELS[digit(event) - 1];
  if (!name) return actions[keys[letter(event)]];
  if (!event.shiftKey) return () => label(name);
  return CLAIMS.includes(name) ? () => toggleExtra(name) : null;
}

/** Close a dialog. */
export function close(dialog) {
  dialog.close();
  // The browser would take the focus out of it at the next picture only, and the keys until then
  // would be lost in a field that is gone.
  if (dialog.contains(document.activeElement)) document.activeElement.blur();
}

/** Show the guidelines from their beginning, or from where the keys are told. */
export function showGuide(from = null) {
  $("guide").showModal();
  $("guide").focus();
  if (from) $(from).scrollIntoView();
  else $("guide").scrollTop = 0;
}

/** Take what a dialog's form holds, with Enter in its field too. */
export function onSubmit(dialog, field, take) {
  const form = dialog.querySelector("form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    take();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
}

/**
 * Make a dialog ask for a reason: one of those listed, each with its digit, or one in words.
 * @param name of the dialog
 * @param take is given the reason
 * @returns what opens it
 */
export function reasonDialog(name, take) {
  const dialog = $(name);
  const other = $(`${name}-other`);
  const radios = [...dialog.querySelectorAll("[name=reason]")];

  function give(text) {
    const reason = text.trim();
    if (!reason) {
      other.focus();
      return;
    }
    close(dialog);
    take(reason);
  }

  dialog.addEventListener("keydown", (event) => {
    const radio = radios[digit(event) - 1];
    if (!radio || event.target === other || isChord(event)) return;
    event.preventDefault();
    radio.checked = true;
    give(radio.value);
  });
  other.addEventListener("input", () => (radios.at(-1).checked = true));
  onSubmit(dialog, other, () => give(radios.find((radio) => radio.checked)?.value || other.value));

  return () => {
    dialog.querySelector("form").reset();
    dialog.showModal();
    radios[0].focus();
  };
}
