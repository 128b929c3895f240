// A note with what it answers above and what answers it below.
import { useEffect, useRef, useState } from "preact/hooks";
import { type Event, Kind, authorOf, isRepost, targetOf, threadOf } from "../nostr/event";
import { eventById, listen, me, store, version } from "../state/app";
import { Composer } from "../ui/composer";
import { Note } from "../ui/note";
import { Empty, Header, Waiting } from "../ui/parts";

const deepest = 40; // levels upwards

function ancestors(event: Event): (Event | string)[] {
  const above: (Event | string)[] = [];
  const seen = new Set([event.id]);
  let at = threadOf(event).parent;
  let below = event;
  while (at && !seen.has(at) && above.length < deepest) {
    seen.add(at);
    const found = eventById(at, authorOf(below, at));
    above.unshift(found ?? at);
    if (!found) {
      // The chain is broken here: the root at least can be shown.
      const { root } = threadOf(event);
      if (root && !seen.has(root)) above.unshift(eventById(root, authorOf(event, root)) ?? root);
      break;
    }
    at = threadOf(found).parent;
    below = found;
  }
  return above;
}

function Replies({ id, depth, seen }: { id: string; depth: number; seen: Set<string> }) {
  const replies = store.repliesTo(id).filter((reply) => !seen.has(reply.id));
  if (!replies.length) return null;
  for (const reply of replies) seen.add(reply.id);
  return (
    <div class={depth > 0 && depth < 5 ? "replies indented" : "replies"}>
      {replies.map((reply) => (
        <div key={reply.id}>
          <Note event={reply} context={false} />
          <Replies id={reply.id} depth={depth + 1} seen={seen} />
        </div>
      ))}
    </div>
  );
}

export function ThreadPage({ id, author }: { id: string; author?: string }) {
  void version.value;
  const [loaded, setLoaded] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const found = eventById(id, author);
  const reposted = found && isRepost(found) ? targetOf(found)! : undefined;
  const event = found && reposted ? eventById(reposted, authorOf(found, reposted)) : found;
  const root = event ? threadOf(event).root ?? event.id : id;
  useEffect(
    () =>
      listen(
        [
          { ids: [...new Set([id, root])] },
          { kinds: [Kind.note], "#e": [...new Set([id, root])], limit: 300 },
          { kinds: [Kind.reaction, Kind.repost], "#e": [...new Set([id, root])], limit: 300 },
        ],
        () => setLoaded(true),
      ),
    [id, root],
  );
  const above = event ? ancestors(event) : [];
  useEffect(() => {
    if (above.length) place.current?.scrollIntoView({ block: "start" });
  }, [id, above.length > 0]);
  return (
    <>
      <Header title="Thread" back />
      {!event &&
        (!loaded ? (
          <Waiting what="Asking your server…" />
        ) : (
          <Empty icon="reply" title={store.isDeleted(id) ? "This note was deleted" : "This note is not here yet"}>
            {!store.isDeleted(id) && <p>Your server asks the network for it. It appears here once it arrives.</p>}
          </Empty>
        ))}
      {event && (
        <>
          {above.map((note) =>
            typeof note === "string" ? (
              <p class="gap" key={note}>
                A note in between has not arrived{store.isDeleted(note) ? ": it was deleted" : " yet"}
              </p>
            ) : (
              <Note key={note.id} event={note} context={false} threaded />
            ),
          )}
          <div ref={place} class="focus-place">
            <Note key={event.id} event={event} focus context={false} />
          </div>
          {me.value && <Composer key={event.id} about={{ replyTo: event }} label="Your reply" />}
          <section aria-label="Replies">
            <Replies id={event.id} depth={0} seen={new Set([event.id])} />
          </section>
        </>
      )}
    </>
  );
}
