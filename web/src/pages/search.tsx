// Search: by the server where it can (NIP-50), else over what the page has loaded.
import { useEffect, useState } from "preact/hooks";
import { type Event, Kind, tagValues } from "../nostr/event";
import { type Filter, hasWords, wordsOf } from "../nostr/filter";
import { profileOf, shortKey } from "../nostr/profile";
import { refusal } from "../nostr/words";
import { info, link, load, store, version } from "../state/app";
import { Note } from "../ui/note";
import { Empty, Header, Person, Waiting } from "../ui/parts";
import { SearchBox } from "../ui/shell";

const batch = 100;
const mostPeople = 5;

const isTag = (query: string) => /^#[\p{L}\p{N}_]+$/u.test(query);

export function found(events: Event[], query: string): Event[] {
  if (isTag(query)) {
    const tag = query.slice(1).toLowerCase();
    return events.filter((event) => tagValues(event, "t").some((value) => value.toLowerCase() === tag) || event.content.toLowerCase().includes(query.toLowerCase()));
  }
  const words = wordsOf(query);
  return events.filter((event) => hasWords(event.content, words));
}

export function SearchPage({ query }: { query: string }) {
  void version.value;
  const byServer = info.value.supported_nips?.includes(50) ?? false;
  const [answered, setAnswered] = useState<{ query: string; ids: Set<string> } | undefined>();
  const [trouble, setTrouble] = useState("");
  const open = link.value.state === "open";
  useEffect(() => {
    setTrouble("");
    setAnswered(undefined);
    if (!query || !open || (!byServer && !isTag(query))) return;
    let stale = false;
    const filters: Filter[] = isTag(query)
      ? [{ kinds: [Kind.note], "#t": [query.slice(1).toLowerCase()], limit: batch }]
      : [{ kinds: [Kind.note], search: query, limit: batch }, { kinds: [Kind.profile], search: query, limit: 20 }];
    load(filters).then(
      (events) => !stale && setAnswered({ query, ids: new Set(events.map(({ id }) => id)) }),
      (failure: Error) => !stale && setTrouble(refusal(failure.message)),
    );
    return () => {
      stale = true;
    };
  }, [query, byServer, open]);

  const local = new Set(query ? found(store.all((event) => event.kind === Kind.note), query).map(({ id }) => id) : []);
  const ids = new Set([...(answered?.ids ?? []), ...local]);
  const notes = store.all((event) => event.kind === Kind.note && ids.has(event.id)).slice(0, 200);
  const words = wordsOf(query.replace(/^[@#]/, ""));
  const people = query
    ? store
        .all((event) => event.kind === Kind.profile)
        .filter((event) => answered?.ids.has(event.id) || hasWords(profileOf(event).name, words) || shortKey(event.pubkey) === query)
    : [];
  const waiting = Boolean(query) && open && (byServer || isTag(query)) && !answered && !trouble;
  return (
    <>
      <Header title="Search" />
      <div class="pad">
        <SearchBox autofocus />
        {query && !byServer && !isTag(query) && <p class="muted">Your server does not search; this looks through what is loaded here.</p>}
        {trouble && <p class="trouble" role="alert">{trouble}</p>}
      </div>
      {waiting && <Waiting what="Searching…" />}
      {people.length > 0 && (
        <section aria-label="People">
          {people.slice(0, mostPeople).map((event) => (
            <Person key={event.pubkey} pubkey={event.pubkey} />
          ))}
        </section>
      )}
      <section aria-label="Notes found" aria-live="polite">
        {notes.map((event) => (
          <Note key={event.id} event={event} />
        ))}
      </section>
      {query && !waiting && !notes.length && !people.length && <Empty icon="search" title="Nothing found">Try fewer words.</Empty>}
      {!query && <Empty icon="search" title="Find posts and people">Words, a #tag, a name, or the code of a person or note (npub…, note…).</Empty>}
    </>
  );
}
