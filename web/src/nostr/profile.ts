// Kind 0: what people say of themselves. Pure.
import * as nip19 from "nostr-tools/nip19";
import { type Draft, type Event, Kind } from "./event";

export interface Profile {
  name: string;
  about: string;
  picture: string;
  website: string;
  nip05: string;
}
export const profileFields = ["name", "display_name", "about", "picture", "website", "nip05"] as const;

const longest = { name: 64, about: 4000, other: 500 };
// One line, without what turns the direction of text around.
const line = (text: string, most: number) =>
  text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, " ").trim().slice(0, most);

function fields(event: Event | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(event?.content ?? "{}");
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

export function profileOf(event: Event | undefined): Profile {
  const raw = fields(event);
  const text = (name: string) => (typeof raw[name] === "string" ? (raw[name] as string) : "");
  return {
    name: line(text("display_name") || text("displayName") || text("name"), longest.name),
    about: text("about").slice(0, longest.about),
    picture: line(text("picture"), longest.other),
    website: line(text("website"), longest.other),
    nip05: line(text("nip05"), longest.other),
  };
}

// What the form shows: the fields as they stand.
export function rawProfile(event: Event | undefined): Record<(typeof profileFields)[number], string> {
  const raw = fields(event);
  return Object.fromEntries(
    profileFields.map((name) => [name, typeof raw[name] === "string" ? raw[name] : ""]),
  ) as Record<(typeof profileFields)[number], string>;
}

// Fields that the form does not know stay as they are.
export function changeProfile(base: Event | undefined, changes: Partial<Record<string, string>>): Draft {
  const content = fields(base);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === "") delete content[name];
    else content[name] = value;
  }
  return { kind: Kind.profile, content: JSON.stringify(content), tags: base?.tags ?? [] };
}

export const shortKey = (pubkey: string): string => {
  const code = nip19.npubEncode(pubkey);
  return `${code.slice(0, 10)}…${code.slice(-5)}`;
};

export interface Known {
  pubkey: string;
  name: string;
  followed: boolean;
}

// Whom "@text" may mean: names that begin with it, then names with such a word, then keys; followed people first.
export function suggest(text: string, known: Known[], most = 6): Known[] {
  const wanted = text.toLowerCase();
  const rank = ({ pubkey, name }: Known): number => {
    const lower = name.toLowerCase();
    if (lower.startsWith(wanted)) return 0;
    if (lower.split(/[\s_.-]+/).some((part) => part.startsWith(wanted))) return 1;
    if (lower.includes(wanted)) return 2;
    if (wanted.length >= 5 && nip19.npubEncode(pubkey).startsWith(wanted)) return 3;
    return -1;
  };
  return known
    .map((who) => ({ who, rank: who.name || wanted.length >= 5 ? rank(who) : -1 }))
    .filter((found) => found.rank >= 0)
    .sort(
      (a, b) =>
        a.rank - b.rank ||
        Number(b.who.followed) - Number(a.who.followed) ||
        a.who.name.localeCompare(b.who.name) ||
        (a.who.pubkey < b.who.pubkey ? -1 : 1),
    )
    .slice(0, most)
    .map((found) => found.who);
}

// The word after an @ that the caret stands in.
export function mentionAt(text: string, caret: number): { start: number; prefix: string } | undefined {
  const match = /(?:^|[\s(])@([\p{L}\p{N}_.-]{1,32})$/u.exec(text.slice(0, caret));
  return match ? { start: caret - match[1]!.length - 1, prefix: match[1]! } : undefined;
}
