// All events that the page has, with the indexes that its views need. Knows NIP-01's replacement, NIP-09's deletions
// (also those that come first) and NIP-40's expiry. Bounded: what is old and not the user's own goes first. No UI here.
import { type Event, Kind, byAge, inner, isExpired, isRepost, outranks, quoteOf, seat, tagValues, targetOf, threadOf } from "../nostr/event";

export interface Stats {
  replies: number;
  reposts: number;
  quotes: number;
  reactions: Event[];
}

const none: ReadonlySet<string> = new Set();

export class EventStore {
  private events = new Map<string, Event>();
  private seats = new Map<string, Event>();
  private deletions = new Set<string>(); // "id:author": that author's word that the event is gone
  private gone = new Set<string>(); // ids that were here and were deleted
  private replies = new Map<string, Set<string>>(); // of a parent
  private inThread = new Map<string, Set<string>>(); // of a root
  private reactions = new Map<string, Set<string>>();
  private reposts = new Map<string, Set<string>>();
  private quotes = new Map<string, Set<string>>();
  private byAuthor = new Map<string, Set<string>>();

  constructor(
    private readonly now: () => number, // seconds
    private readonly changed: () => void = () => {},
    private readonly verified: (event: Event) => boolean = () => true, // of events inside others
    private readonly most = 20_000,
  ) {}

  owner = ""; // whose events are never dropped

  get size(): number {
    return this.events.size;
  }

  // Whether it is news.
  add(event: Event): boolean {
    if (this.events.has(event.id) || isExpired(event, this.now())) return false;
    if (event.kind !== Kind.deletion && this.deletions.has(`${event.id}:${event.pubkey}`)) {
      this.gone.add(event.id);
      return false;
    }
    const place = seat(event);
    if (place !== undefined) {
      const before = this.seats.get(place);
      if (before && !outranks(event, before)) return false;
      if (before) this.remove(before);
      this.seats.set(place, event);
    }
    this.insert(event);
    if (event.kind === Kind.deletion) this.delete(event);
    const inside = inner(event);
    if (inside && !this.events.has(inside.id) && inside.kind !== Kind.deletion && this.verified(inside)) this.add(inside);
    if (this.events.size > this.most) this.prune();
    this.changed();
    return true;
  }

  get(id: string): Event | undefined {
    return this.events.get(id);
  }
  latest(kind: number, pubkey: string): Event | undefined {
    return this.seats.get(`${kind}:${pubkey}:`);
  }
  isDeleted(id: string): boolean {
    return this.gone.has(id);
  }

  all(wanted: (event: Event) => boolean): Event[] {
    const found: Event[] = [];
    for (const event of this.events.values()) if (wanted(event)) found.push(event);
    return found.sort(byAge);
  }
  of(pubkey: string, wanted: (event: Event) => boolean = () => true): Event[] {
    return this.listed(this.byAuthor.get(pubkey)).filter(wanted).sort(byAge);
  }
  repliesTo(id: string): Event[] {
    return this.listed(this.replies.get(id)).sort((a, b) => -byAge(a, b));
  }
  threadUnder(root: string): Event[] {
    return this.listed(this.inThread.get(root)).sort((a, b) => -byAge(a, b));
  }

  stats(id: string): Stats {
    // One reaction and one repost of each person count.
    const people = (ids: ReadonlySet<string> | undefined) => new Set(this.listed(ids).map((event) => event.pubkey)).size;
    const reactions = new Map<string, Event>();
    for (const event of this.listed(this.reactions.get(id))) reactions.set(`${event.pubkey}:${event.content}`, event);
    return {
      replies: this.replies.get(id)?.size ?? 0,
      reposts: people(this.reposts.get(id)),
      quotes: this.quotes.get(id)?.size ?? 0,
      reactions: [...reactions.values()].sort(byAge),
    };
  }
  mine(id: string, what: "reactions" | "reposts"): Event[] {
    return this.listed(this[what].get(id)).filter((event) => event.pubkey === this.owner);
  }

  clear(): void {
    for (const map of [this.events, this.seats, this.deletions, this.gone, this.replies, this.inThread]) map.clear();
    for (const map of [this.reactions, this.reposts, this.quotes, this.byAuthor]) map.clear();
    this.changed();
  }

  private listed(ids: ReadonlySet<string> = none): Event[] {
    const found: Event[] = [];
    for (const id of ids) {
      const event = this.events.get(id);
      if (event) found.push(event);
    }
    return found;
  }

  private places(event: Event): [Map<string, Set<string>>, string][] {
    const places: [Map<string, Set<string>>, string][] = [[this.byAuthor, event.pubkey]];
    const target = targetOf(event);
    if (event.kind === Kind.reaction && target) places.push([this.reactions, target]);
    if (isRepost(event) && target) places.push([this.reposts, target]);
    const { root, parent } = threadOf(event);
    if (parent) places.push([this.replies, parent]);
    if (root) places.push([this.inThread, root]);
    const quoted = quoteOf(event);
    if (quoted) places.push([this.quotes, quoted]);
    return places;
  }
  private insert(event: Event): void {
    this.events.set(event.id, event);
    for (const [map, key] of this.places(event)) {
      const ids = map.get(key);
      if (ids) ids.add(event.id);
      else map.set(key, new Set([event.id]));
    }
  }
  private remove(event: Event): void {
    this.events.delete(event.id);
    for (const [map, key] of this.places(event)) {
      const ids = map.get(key);
      ids?.delete(event.id);
      if (ids?.size === 0) map.delete(key);
    }
    const place = seat(event);
    if (place !== undefined && this.seats.get(place)?.id === event.id) this.seats.delete(place);
  }
  private delete(deletion: Event): void {
    for (const id of tagValues(deletion, "e")) {
      this.deletions.add(`${id}:${deletion.pubkey}`);
      const event = this.events.get(id);
      if (!event || event.pubkey !== deletion.pubkey || event.kind === Kind.deletion) continue;
      this.gone.add(id);
      this.remove(event);
    }
  }
  private prune(): void {
    const old = [...this.events.values()]
      .filter((event) => event.pubkey !== this.owner && seat(event) === undefined)
      .sort((a, b) => a.created_at - b.created_at);
    const surplus = this.events.size - Math.floor(this.most * 0.9);
    for (const event of old.slice(0, surplus)) this.remove(event);
  }
}
