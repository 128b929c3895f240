// Drafts of the events that this client makes. Pure: who signs them is state/session.ts.
import * as nip19 from "nostr-tools/nip19";
import { type Draft, type Event, Kind, isHex64, isReplaceable, tagValue, tagValues, threadOf } from "./event";

export interface Mention {
  name: string; // as it stands in the text, after the @
  pubkey: string;
}

const unique = (values: Iterable<string>): string[] => [...new Set(values)];
const word = /[\p{L}\p{N}_]/u;

// "@name" of each mention becomes "nostr:npub1…"; the longest name first, so that @ann does not cut @anna.
export function spellMentions(text: string, mentions: Mention[]): { content: string; pubkeys: string[] } {
  const found: string[] = [];
  const sorted = [...mentions].sort((a, b) => b.name.length - a.name.length);
  let content = "";
  for (let at = 0; at < text.length; ) {
    const mention =
      text[at] === "@"
        ? sorted.find(({ name }) => text.startsWith(name, at + 1) && !word.test(text[at + 1 + name.length] ?? ""))
        : undefined;
    if (mention) {
      content += `nostr:${nip19.npubEncode(mention.pubkey)}`;
      found.push(mention.pubkey);
      at += 1 + mention.name.length;
    } else {
      content += text[at++];
    }
  }
  return { content, pubkeys: unique(found) };
}

// Who is named by nostr:npub… and nostr:nprofile… in a text.
export function namedIn(content: string): string[] {
  const found: string[] = [];
  for (const [, code] of content.matchAll(/nostr:((?:npub|nprofile)1[02-9ac-hj-np-z]+)/g)) {
    const pubkey = pubkeyOf(code!);
    if (pubkey) found.push(pubkey);
  }
  return unique(found);
}

export function pubkeyOf(code: string): string | undefined {
  const text = code.trim().replace(/^nostr:/, "");
  if (isHex64(text)) return text;
  try {
    const decoded = nip19.decode(text as `npub1${string}`) as nip19.DecodedResult;
    if (decoded.type === "npub") return decoded.data;
    if (decoded.type === "nprofile") return decoded.data.pubkey;
  } catch {
    // Not a code, then.
  }
  return undefined;
}

export function hashtags(content: string): string[] {
  return unique([...content.matchAll(/(?:^|[\s(])#([\p{L}\p{N}_]{1,64})/gu)].map((match) => match[1]!.toLowerCase()));
}

export function note(text: string, mentions: Mention[], about: { replyTo?: Event; quote?: Event } = {}): Draft {
  const { replyTo, quote } = about;
  let { content } = spellMentions(text.trim(), mentions);
  const tags: string[][] = [];
  const pubkeys: string[] = [];
  if (replyTo) {
    const { root } = threadOf(replyTo);
    const author = replyTo.pubkey;
    if (root && root !== replyTo.id) {
      tags.push(["e", root, "", "root"], ["e", replyTo.id, "", "reply", author]);
    } else {
      tags.push(["e", replyTo.id, "", "root", author]);
    }
    pubkeys.push(author, ...tagValues(replyTo, "p").filter(isHex64));
  }
  if (quote) {
    content += `${content ? "\n\n" : ""}nostr:${nip19.neventEncode({ id: quote.id, author: quote.pubkey, kind: quote.kind })}`;
    tags.push(["q", quote.id, "", quote.pubkey]);
    pubkeys.push(quote.pubkey);
  }
  pubkeys.push(...namedIn(content));
  for (const pubkey of unique(pubkeys)) tags.push(["p", pubkey]);
  for (const tag of hashtags(content)) tags.push(["t", tag]);
  return { kind: Kind.note, content, tags };
}

export function repost(event: Event): Draft {
  const tags = [["e", event.id, ""], ["p", event.pubkey]];
  if (event.kind !== Kind.note) tags.push(["k", String(event.kind)]);
  return {
    kind: event.kind === Kind.note ? Kind.repost : Kind.genericRepost,
    content: tagValue(event, "-") === undefined && !event.tags.some((tag) => tag[0] === "-") ? JSON.stringify(event) : "",
    tags,
  };
}

export const reaction = (event: Event, content = "+"): Draft => ({
  kind: Kind.reaction,
  content,
  tags: [["e", event.id, "", event.pubkey], ["p", event.pubkey], ["k", String(event.kind)]],
});

export const deletion = (events: Event[]): Draft => ({
  kind: Kind.deletion,
  content: "",
  tags: [...events.map((event) => ["e", event.id]), ...unique(events.map((event) => String(event.kind))).map((k) => ["k", k])],
});

export const followed = (list: Pick<Event, "tags"> | undefined): string[] =>
  list ? unique(tagValues(list, "p").filter(isHex64)) : [];

// The list with one entry more or less. Everything else in it stays: names, relays, foreign tags, content.
export function changeFollows(base: Event | undefined, pubkey: string, follow: boolean): Draft {
  const tags = base ? base.tags.map((tag) => [...tag]) : [];
  const has = tags.some((tag) => tag[0] === "p" && tag[1] === pubkey);
  const changed = follow
    ? has
      ? tags
      : [...tags, ["p", pubkey]]
    : tags.filter((tag) => tag[0] !== "p" || tag[1] !== pubkey);
  return { kind: Kind.follows, content: base?.content ?? "", tags: changed };
}

// A replaceable event must be newer than the one that it replaces, whatever the clock says.
export function dated(draft: Draft, now: number, replaces?: Event): Required<Draft> {
  const least = isReplaceable(draft.kind) && replaces ? replaces.created_at + 1 : 0;
  return { ...draft, created_at: Math.max(draft.created_at ?? now, least) };
}
