// What an event is and the small things that one asks of it (NIP-01, 09, 10, 18, 25, 40). Pure.
export interface Event {
  id: string;
  pubkey: string;
  created_at: number;
  kind: number;
  tags: string[][];
  content: string;
  sig: string;
}
export type Draft = Pick<Event, "kind" | "tags" | "content"> & { created_at?: number };

export const Kind = {
  profile: 0,
  note: 1,
  follows: 3,
  deletion: 5,
  repost: 6,
  reaction: 7,
  genericRepost: 16,
  relays: 10002,
  bind: 10848,
  auth: 22242,
  http: 27235,
} as const;

const isHex64 = (text: unknown): text is string => typeof text === "string" && /^[0-9a-f]{64}$/.test(text);
export { isHex64 };

// Whether JSON from the server has the form of an event. Its signature the server has checked already.
export function isEvent(value: unknown): value is Event {
  const event = value as Event;
  return (
    typeof event === "object" &&
    event !== null &&
    isHex64(event.id) &&
    isHex64(event.pubkey) &&
    Number.isSafeInteger(event.created_at) &&
    Number.isInteger(event.kind) &&
    typeof event.content === "string" &&
    Array.isArray(event.tags) &&
    event.tags.every((tag) => Array.isArray(tag) && tag.every((value) => typeof value === "string"))
  );
}

export const tagValue = (event: Pick<Event, "tags">, name: string): string | undefined =>
  event.tags.find((tag) => tag[0] === name)?.[1];
export const tagValues = (event: Pick<Event, "tags">, name: string): string[] =>
  event.tags.filter((tag) => tag[0] === name && tag.length > 1).map((tag) => tag[1]!);

export const isReplaceable = (kind: number): boolean => kind === 0 || kind === 3 || (kind >= 10000 && kind < 20000);
export const isAddressable = (kind: number): boolean => kind >= 30000 && kind < 40000;
export const isRepost = (event: Pick<Event, "kind">): boolean =>
  event.kind === Kind.repost || event.kind === Kind.genericRepost;

// The place that a replaceable event takes; undefined for those that stand beside each other.
export function seat(event: Event): string | undefined {
  if (isReplaceable(event.kind)) return `${event.kind}:${event.pubkey}:`;
  if (isAddressable(event.kind)) return `${event.kind}:${event.pubkey}:${tagValue(event, "d") ?? ""}`;
  return undefined;
}

// Of two events for one seat the newer counts; within a second the one with the lower id.
export const outranks = (a: Event, b: Event): boolean =>
  a.created_at !== b.created_at ? a.created_at > b.created_at : a.id < b.id;

// Newest first, the order of relays.
export const byAge = (a: Event, b: Event): number =>
  b.created_at - a.created_at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

export function isExpired(event: Event, now: number): boolean {
  const at = tagValue(event, "expiration");
  return at !== undefined && /^\d+$/.test(at) && Number(at) <= now;
}

export interface Thread {
  root?: string;
  parent?: string;
}

// Who wrote another event, as a tag that names it says: behind the relay, or behind the marker.
export function authorOf(event: Pick<Event, "tags">, id: string | undefined): string | undefined {
  for (const [name, value, , ...more] of event.tags) {
    if ((name === "e" || name === "q") && value === id) {
      const author = more.slice(0, 2).find(isHex64);
      if (author) return author;
    }
  }
  return undefined;
}

// Where a note stands (NIP-10): by markers if it has them, by position if not. A mention is no parent.
export function threadOf(event: Event): Thread {
  if (event.kind !== Kind.note) return {};
  const tags = event.tags.filter((tag) => tag[0] === "e" && isHex64(tag[1]));
  const marked = (marker: string) => tags.find((tag) => tag[3] === marker)?.[1];
  const root = marked("root");
  const reply = marked("reply");
  if (root || reply) return { root: root ?? reply, parent: reply ?? root };
  const plain = tags.filter((tag) => tag[3] !== "mention");
  if (!plain.length) return {};
  return { root: plain[0]![1], parent: plain[plain.length - 1]![1] };
}

// What a reaction or repost is about: the last e tag (NIP-25), for reposts the first (NIP-18).
export function targetOf(event: Event): string | undefined {
  const ids = tagValues(event, "e").filter(isHex64);
  if (event.kind === Kind.reaction) return ids[ids.length - 1];
  if (isRepost(event)) return ids[0];
  return undefined;
}

export const quoteOf = (event: Event): string | undefined =>
  event.kind === Kind.note ? tagValues(event, "q").find(isHex64) : undefined;

// The note inside a repost, if it brings it along.
export function inner(event: Event): Event | undefined {
  if (!isRepost(event) || !event.content) return undefined;
  try {
    const value: unknown = JSON.parse(event.content);
    return isEvent(value) && typeof value.sig === "string" && value.id === targetOf(event) ? value : undefined;
  } catch {
    return undefined;
  }
}
