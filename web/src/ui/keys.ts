// Shortcuts of one letter. None while one writes or a dialog is open.
import { store } from "../state/app";
import { toggleLike } from "../state/actions";
import { account } from "../state/app";
import { signingIn } from "../state/actions";
import { compose } from "./composer";
import { helping } from "./dialogs";

const notes = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>("main [data-note]")];
const current = (): HTMLElement | undefined =>
  (document.activeElement?.closest("[data-note]") as HTMLElement | null | undefined) ?? undefined;

function step(by: 1 | -1): void {
  const list = notes();
  const at = list.indexOf(current()!);
  // From nowhere: the first one that can be seen.
  const next = at < 0 ? list.find((note) => note.getBoundingClientRect().bottom > 80) : list[at + by];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function withNote(what: (event: NonNullable<ReturnType<typeof store.get>>) => void): void {
  const event = store.get(current()?.dataset["note"] ?? "");
  if (event) what(event);
}

const actions: Record<string, () => void> = {
  j: () => step(1),
  k: () => step(-1),
  n: () => (account.value ? compose() : (signingIn.value = true)),
  r: () => withNote((replyTo) => compose({ replyTo })),
  q: () => withNote((quote) => compose({ quote })),
  l: () => withNote((event) => void toggleLike(event)),
  g: () => {
    location.hash = "#/";
    scrollTo({ top: 0 });
  },
  "/": () => {
    const field = document.querySelector<HTMLInputElement>(".search input");
    if (field && field.offsetParent) field.focus();
    else location.hash = "#/search";
  },
  "?": () => (helping.value = true),
};

export function listenToKeys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if ((event.target as Element | null)?.closest("input, textarea, select, dialog, [contenteditable]")) return;
    if (document.querySelector("dialog[open]")) return;
    const act = Object.hasOwn(actions, event.key) ? actions[event.key] : undefined;
    if (!act) return;
    event.preventDefault();
    act();
  });
}
