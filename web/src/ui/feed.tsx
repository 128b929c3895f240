// A list of notes that grows at its end when one gets there, and keeps still while one reads further down.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Event, isRepost, targetOf } from "../nostr/event";
import type { Filter } from "../nostr/filter";
import { plural } from "../nostr/words";
import { link, load, me, store } from "../state/app";
import { Entry } from "./note";
import { Waiting } from "./parts";

const page = 30;
const atTop = 240; // pixels; above, new notes come in by themselves

// One entry for each note, however many pass it on.
export function entries(events: Event[]): Event[] {
  const shown = new Set<string>();
  return events.filter((event) => {
    const id = isRepost(event) ? targetOf(event) : event.id;
    if (!id || shown.has(id) || (isRepost(event) && store.isDeleted(id))) return false;
    shown.add(id);
    return true;
  });
}

export function Feed(props: {
  label: string;
  events: Event[]; // newest first
  older?: (until: number) => Filter[];
  loaded: boolean;
  empty: ComponentChildren;
}) {
  const { label, older, loaded } = props;
  const [shown, setShown] = useState(page);
  const [ended, setEnded] = useState(!older);
  const [held, setHeld] = useState<Set<string>>(new Set()); // ids that were here when one scrolled away from the top
  const [away, setAway] = useState(false);
  const sentinel = useRef<HTMLDivElement>(null);
  const loading = useRef(false);

  const all = entries(props.events);
  const isNew = (event: Event) => away && !held.has(event.id) && event.pubkey !== me.value;
  // Only what is above all that is known counts as new; older notes that arrive late take their place.
  const firstKnown = away ? all.findIndex((event) => !isNew(event)) : 0;
  const waiting = firstKnown > 0 ? firstKnown : 0;
  const current = waiting ? all.slice(waiting) : all;
  const visible = current.slice(0, shown);
  const state = useRef({ all, visible, current });
  state.current = { all, visible, current };

  useEffect(() => {
    const scrolled = () => {
      const far = scrollY > atTop;
      setAway((before) => {
        if (far && !before) setHeld(new Set(state.current.all.map((event) => event.id)));
        return far;
      });
    };
    addEventListener("scroll", scrolled, { passive: true });
    return () => removeEventListener("scroll", scrolled);
  }, []);

  useEffect(() => {
    if (!sentinel.current) return;
    const more = async () => {
      if (loading.current) return;
      const { visible: seen, current: known } = state.current;
      if (known.length > seen.length) {
        setShown((before) => before + page);
        return;
      }
      const last = seen[seen.length - 1];
      if (!older || !last || link.value.state !== "open") return;
      loading.current = true;
      try {
        const before = store.size;
        const found = await load(older(last.created_at));
        if (store.size === before && found.length < 50) setEnded(true);
        setShown((count) => count + page);
      } catch {
        // The connection broke; scrolling asks again.
      }
      loading.current = false;
    };
    const observer = new IntersectionObserver(
      (changes) => {
        if (changes.some((change) => change.isIntersecting)) void more();
      },
      { rootMargin: "800px" },
    );
    observer.observe(sentinel.current);
    return () => observer.disconnect();
  }, [loaded, shown, all.length > 0, ended]);

  const toTop = () => {
    setAway(false);
    scrollTo({ top: 0 });
  };
  if (!all.length) return loaded ? <>{props.empty}</> : <Waiting what="Asking your server…" />;
  return (
    <>
      <div class="new-notes" role="status">
        {waiting > 0 && (
          <button type="button" class="button" onClick={toTop}>
            {plural(waiting, "new post")}
          </button>
        )}
      </div>
      <section aria-label={label} aria-busy={!loaded}>
        {visible.map((event) => (
          <Entry key={event.id} event={event} />
        ))}
      </section>
      <div ref={sentinel} class="sentinel">
        {ended && visible.length === current.length ? <p class="muted">That is all your server has.</p> : <Waiting what="Older posts…" />}
      </div>
    </>
  );
}
