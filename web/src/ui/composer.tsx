// Writing: a field that grows, with suggestions after an @.
import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Mention, note } from "../nostr/compose";
import type { Event } from "../nostr/event";
import { type Known, mentionAt, shortKey, suggest } from "../nostr/profile";
import { displayName, knownPeople, link, me, ownsServer, version } from "../state/app";
import { tryPublish } from "../state/actions";
import { Embedded } from "./note";
import { Avatar, Modal, Name, hint } from "./parts";
import { Text } from "./text";

export interface About {
  replyTo?: Event;
  quote?: Event;
}
export const composing = signal<About | undefined>(undefined);
export const compose = (about: About = {}): void => {
  composing.value = about;
};

const longest = 20_000; // characters; servers take events of 64 KiB
const warnFrom = longest - 500;
let counter = 0;

export function Composer({ about = {}, done, first, label }: { about?: About; done?(): void; first?: boolean; label: string }) {
  const draftKey = `np2p.draft.${about.replyTo?.id ?? about.quote?.id ?? ""}`;
  const [text, setText] = useState(() => sessionStorage.getItem(draftKey) ?? "");
  const [mentions, setMentions] = useState<Mention[]>([]);
  const [found, setFound] = useState<Known[]>([]);
  const [chosen, setChosen] = useState(0);
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const id = useMemo(() => `composer-${++counter}`, []);

  useLayoutEffect(() => {
    const element = field.current!;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight, 420)}px`;
  }, [text]);
  useEffect(() => {
    if (text) sessionStorage.setItem(draftKey, text);
    else sessionStorage.removeItem(draftKey);
  }, [text]);

  const look = () => {
    const element = field.current!;
    const mention = element.selectionStart === element.selectionEnd ? mentionAt(element.value, element.selectionStart) : undefined;
    setFound(mention ? suggest(mention.prefix, knownPeople()) : []);
    setChosen(0);
  };
  const take = (who: Known) => {
    const element = field.current!;
    const mention = mentionAt(element.value, element.selectionStart);
    if (!mention) return;
    // Two people of one name: the second is told apart by the key.
    const taken = mentions.some((other) => other.name === who.name && other.pubkey !== who.pubkey);
    const name = !who.name || taken ? `${who.name}${shortKey(who.pubkey)}` : who.name;
    const next = `${element.value.slice(0, mention.start)}@${name} ${element.value.slice(element.selectionStart)}`;
    const caret = mention.start + name.length + 2;
    setMentions([...mentions.filter((other) => other.name !== name), { name, pubkey: who.pubkey }]);
    setText(next);
    setFound([]);
    element.value = next;
    element.setSelectionRange(caret, caret);
    element.focus();
  };
  const empty = !text.trim() && !about.quote;
  const send = async () => {
    if (busy || empty || text.length > longest) return;
    setBusy(true);
    const event = await tryPublish(note(text, mentions, about), about.replyTo ? "Reply sent." : "Posted.");
    setBusy(false);
    if (!event) return;
    setText("");
    setMentions([]);
    sessionStorage.removeItem(draftKey);
    done?.();
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void send();
    } else if (found.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      setChosen((chosen + (event.key === "ArrowDown" ? 1 : found.length - 1)) % found.length);
    } else if (found.length && (event.key === "Enter" || event.key === "Tab")) {
      event.preventDefault();
      take(found[chosen]!);
    } else if (found.length && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      setFound([]);
    }
  };
  const offline = link.value.state !== "open";
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {me.value && <Avatar pubkey={me.value} />}
      <div class="composer-body">
        <label class="hidden" for={id}>
          {label}
        </label>
        <textarea
          id={id}
          ref={field}
          rows={first ? 4 : 2}
          value={text}
          dir="auto"
          data-first={first || undefined}
          {...hint(about.replyTo ? `Reply to ${displayName(about.replyTo.pubkey)}` : label)}
          aria-autocomplete="list"
          aria-controls={found.length ? `${id}-people` : undefined}
          aria-activedescendant={found.length ? `${id}-${chosen}` : undefined}
          onInput={(event) => {
            setText(event.currentTarget.value);
            look();
          }}
          onClick={look}
          onKeyDown={keys}
          onBlur={() => setTimeout(() => setFound([]), 150)}
        />
        {found.length > 0 && (
          <ul class="suggestions" id={`${id}-people`} role="listbox" aria-label="People">
            {found.map((who, index) => (
              <li
                key={who.pubkey}
                id={`${id}-${index}`}
                role="option"
                aria-selected={index === chosen}
                onMouseDown={(event) => {
                  event.preventDefault();
                  take(who);
                }}
              >
                <Avatar pubkey={who.pubkey} size={28} />
                <span class="name" dir="auto">{who.name || "no name"}</span>
                <span class="key">{shortKey(who.pubkey)}</span>
              </li>
            ))}
          </ul>
        )}
        {about.quote && <Embedded id={about.quote.id} />}
        <div class="composer-foot">
          <span class="muted" role="status">
            {offline ? "Not connected" : !ownsServer.value ? "This server belongs to somebody else and may refuse it" : ""}
            {text.length > warnFrom && ` ${longest - text.length} characters left`}
          </span>
          <button type="submit" class="button" disabled={busy || empty || text.length > longest}>
            {busy ? "Sending…" : about.replyTo ? "Reply" : "Post"}
          </button>
        </div>
      </div>
    </form>
  );
}

export function ComposeDialog() {
  void version.value;
  const about = composing.value;
  if (!about) return null;
  const close = () => (composing.value = undefined);
  const title = about.replyTo ? "Reply" : about.quote ? "Quote" : "New post";
  return (
    <Modal title={title} close={close}>
      {about.replyTo && (
        <div class="embedded">
          <div class="note-head">
            <Avatar pubkey={about.replyTo.pubkey} size={22} />
            <Name pubkey={about.replyTo.pubkey} />
          </div>
          <Text event={about.replyTo} />
        </div>
      )}
      <Composer about={about} first done={close} label={about.replyTo ? "Your reply" : "What do you want to say?"} />
    </Modal>
  );
}
