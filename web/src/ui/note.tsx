// A note with what one can do with it.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Event, authorOf, isRepost, quoteOf, targetOf, threadOf } from "../nostr/event";
import { count } from "../nostr/words";
import { displayName, eventById, me, store, version, wantAnswers } from "../state/app";
import { remove, toggleLike, toggleRepost } from "../state/actions";
import { profileLink, threadLink } from "../state/prefs";
import { tokens } from "../nostr/text";
import { compose } from "./composer";
import { Icon, type IconName } from "./icons";
import { Avatar, Key, Name, Time } from "./parts";
import { Text } from "./text";

export const source = signal<Event | undefined>(undefined);

function Action(props: {
  icon: IconName;
  label: string;
  amount?: number;
  on?: boolean;
  tone: string;
  act(): void;
  toggles?: boolean;
}) {
  const { icon, label, amount = 0, on, tone, act, toggles } = props;
  return (
    <button
      type="button"
      class={`action ${tone}${on ? " on" : ""}`}
      aria-label={amount ? `${label}, ${amount}` : label}
      aria-pressed={toggles ? Boolean(on) : undefined}
      title={label}
      onClick={act}
    >
      <Icon name={icon} size={18} filled={on && icon === "heart"} />
      <span class="amount">{amount ? count(amount) : ""}</span>
    </button>
  );
}

function More({ event }: { event: Event }) {
  const menu = useRef<HTMLDetailsElement>(null);
  const choose = (what: () => void) => () => {
    if (menu.current) menu.current.open = false;
    what();
  };
  return (
    <details
      class="more"
      ref={menu}
      onFocusOut={(event) => {
        if (!menu.current?.contains(event.relatedTarget as Node | null)) menu.current!.open = false;
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !menu.current?.open) return;
        event.stopPropagation();
        menu.current.open = false;
        menu.current.querySelector("summary")?.focus();
      }}
    >
      <summary class="action" aria-label="More">
        <Icon name="more" size={18} />
      </summary>
      <div class="menu">
        <button type="button" onClick={choose(() => (source.value = event))}>
          Show source
        </button>
        <button type="button" onClick={choose(() => void navigator.clipboard?.writeText(threadLink(event.id).slice(4)))}>
          Copy note id
        </button>
        {event.pubkey === me.value && (
          <button type="button" class="danger" onClick={choose(() => void remove(event))}>
            Delete
          </button>
        )}
      </div>
    </details>
  );
}

function Actions({ event }: { event: Event }) {
  void version.value;
  const { replies, reposts, quotes, reactions } = store.stats(event.id);
  const likes = reactions.filter((reaction) => reaction.content !== "-");
  const emoji = new Map<string, number>();
  for (const { content } of likes) {
    if (content !== "+" && content !== "" && [...content].length <= 4) emoji.set(content, (emoji.get(content) ?? 0) + 1);
  }
  return (
    <>
      {emoji.size > 0 && (
        <p class="emoji" aria-label="Reactions">
          {[...emoji].slice(0, 8).map(([content, amount]) => (
            <span class="chip">
              {content} {amount > 1 && amount}
            </span>
          ))}
        </p>
      )}
      <div class="actions">
        <Action icon="reply" tone="reply" label="Reply" amount={replies} act={() => compose({ replyTo: event })} />
        <Action
          icon="repost"
          tone="repost"
          label="Repost"
          amount={reposts}
          toggles
          on={store.mine(event.id, "reposts").length > 0}
          act={() => void toggleRepost(event)}
        />
        <Action icon="quote" tone="reply" label="Quote" amount={quotes} act={() => compose({ quote: event })} />
        <Action
          icon="heart"
          tone="like"
          label="Like"
          amount={likes.length}
          toggles
          on={store.mine(event.id, "reactions").length > 0}
          act={() => void toggleLike(event)}
        />
        <More event={event} />
      </div>
    </>
  );
}

// A note inside another: no actions, a few lines.
export function Embedded({ id, author }: { id: string; author?: string }) {
  const event = eventById(id, author);
  if (!event) {
    return (
      <a class="embedded missing" href={threadLink(id, author)}>
        {store.isDeleted(id) ? "This note was deleted." : "A note that has not arrived yet"}
      </a>
    );
  }
  return (
    <div class="embedded">
      <div class="note-head">
        <Avatar pubkey={event.pubkey} size={22} />
        <Name pubkey={event.pubkey} />
        <a class="when" href={threadLink(event.id)}>
          <Time at={event.created_at} />
        </a>
      </div>
      <Text event={event} />
    </div>
  );
}

export const isPart = (target: EventTarget | null): boolean =>
  Boolean((target as Element | null)?.closest("a, button, input, textarea, summary, details, label"));

export function Note({ event, focus, context = true, threaded }: { event: Event; focus?: boolean; context?: boolean; threaded?: boolean }) {
  const { parent } = threadOf(event);
  const quoted = quoteOf(event);
  const mentioned = new Map(tokens(event).flatMap((token) => (token.type === "event" ? [[token.id, token.author]] : [])));
  const embedded = new Set([...(quoted ? [quoted] : []), ...mentioned.keys()].slice(0, 2));
  useEffect(() => wantAnswers(event.id), [event.id]);
  const parentAuthor = parent && context ? store.get(parent)?.pubkey ?? event.tags.find((tag) => tag[0] === "p")?.[1] : undefined;
  const open = (click: MouseEvent) => {
    if (focus || isPart(click.target) || getSelection()?.toString()) return;
    location.hash = threadLink(event.id);
  };
  return (
    <article
      class={`note${focus ? " focus" : ""}${threaded ? " threaded" : ""}`}
      data-note={event.id}
      tabIndex={0}
      aria-label={`Note by ${displayName(event.pubkey)}`}
      onClick={open}
      onKeyDown={(key) => {
        if (key.key === "Enter" && key.target === key.currentTarget) location.hash = threadLink(event.id);
      }}
    >
      <a class="note-side" href={profileLink(event.pubkey)} tabIndex={-1} aria-hidden="true">
        <Avatar pubkey={event.pubkey} />
      </a>
      <div class="note-body">
        <div class="note-head">
          <Name pubkey={event.pubkey} />
          <Key pubkey={event.pubkey} />
          <a class="when" href={threadLink(event.id)}>
            <Time at={event.created_at} />
          </a>
        </div>
        {parentAuthor && (
          <p class="context">
            in reply to <Name pubkey={parentAuthor} />
          </p>
        )}
        <Text event={event} embedded={embedded} />
        {[...embedded].map((id) => (
          <Embedded key={id} id={id} author={authorOf(event, id) ?? mentioned.get(id)} />
        ))}
        <Actions event={event} />
      </div>
    </article>
  );
}

// An entry of a timeline: a note, or a note that somebody passes on.
export function Entry({ event }: { event: Event }) {
  if (!isRepost(event)) return <Note event={event} />;
  const id = targetOf(event)!;
  const author = authorOf(event, id);
  const note = eventById(id, author);
  return (
    <div class="reposted">
      <p class="context">
        <Icon name="repost" size={16} /> <Name pubkey={event.pubkey} /> reposted
      </p>
      {note ? <Note event={note} /> : <div class="note"><Embedded id={id} author={author} /></div>}
    </div>
  );
}
