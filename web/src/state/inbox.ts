// Notifications: what names the user, grouped, and which of it is unread. Pure.
import { type Event, Kind, isRepost, tagValues, targetOf, threadOf } from "../nostr/event";

export type Reason = "reply" | "mention" | "quote" | "repost" | "reaction" | "follow";
export interface Notice {
  key: string;
  reason: Reason;
  events: Event[]; // newest first; more than one only for reposts and reactions to one note
  target?: string;
  unread: boolean;
}

export interface ReadMark {
  upTo: number; // seconds: everything up to here was shown, except what travelled long
  seen: string[]; // ids, newest last
}
export const nothingRead: ReadMark = { upTo: 0, seen: [] };
const mostSeen = 1000;
const longestJourney = 7 * 86_400; // the longest that servers keep trying

export function reasonOf(event: Event, me: string, isMine: (id: string) => boolean): Reason | undefined {
  if (event.pubkey === me || !tagValues(event, "p").includes(me)) return undefined;
  if (event.kind === Kind.follows) return "follow";
  if (event.kind === Kind.reaction) return "reaction";
  if (isRepost(event)) return "repost";
  if (event.kind !== Kind.note) return undefined;
  if (tagValues(event, "q").some(isMine)) return "quote";
  const { parent } = threadOf(event);
  return parent && isMine(parent) ? "reply" : "mention";
}

// Who follows publishes their list again and again: that is news once.
const seenKey = (event: Event): string => (event.kind === Kind.follows ? `follow:${event.pubkey}` : event.id);

const isUnread = (event: Event, mark: ReadMark, seen: ReadonlySet<string>): boolean =>
  !seen.has(seenKey(event)) && event.created_at > mark.upTo - longestJourney;

export function notices(events: Event[], me: string, isMine: (id: string) => boolean, mark: ReadMark): Notice[] {
  const seen = new Set(mark.seen);
  const groups = new Map<string, Notice>();
  for (const event of [...events].sort((a, b) => b.created_at - a.created_at)) {
    const reason = reasonOf(event, me, isMine);
    if (!reason) continue;
    const target = targetOf(event);
    const grouped = (reason === "reaction" || reason === "repost") && target !== undefined;
    const key = grouped ? `${reason}:${target}` : seenKey(event);
    const unread = isUnread(event, mark, seen);
    const group = groups.get(key);
    if (group) {
      group.events.push(event);
      group.unread ||= unread;
    } else {
      groups.set(key, { key, reason, events: [event], target, unread });
    }
  }
  return [...groups.values()];
}

export const unreadCount = (list: Notice[]): number => list.filter((notice) => notice.unread).length;

export function markRead(mark: ReadMark, list: Notice[], now: number): ReadMark {
  const ids = list.flatMap((notice) => notice.events.map(seenKey));
  const known = new Set(mark.seen);
  return { upTo: now, seen: [...mark.seen, ...ids.filter((id) => !known.has(id))].slice(-mostSeen) };
}
