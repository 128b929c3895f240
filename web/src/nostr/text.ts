// A note's text as tokens. The page shows each as text of its own, never as markup.
import * as nip19 from "nostr-tools/nip19";
import { type Event, isHex64 } from "./event";

export type Token =
  | { type: "text"; text: string }
  | { type: "link"; text: string; href: string; picture: boolean }
  | { type: "profile"; pubkey: string }
  | { type: "event"; id: string; author?: string }
  | { type: "tag"; tag: string };

const pattern =
  /(?<url>https?:\/\/[^\s<>"'`]+)|(?<code>(?:nostr:)?@?(?:npub|nprofile|note|nevent)1[02-9ac-hj-np-z]{20,})|(?<=^|[\s(])#(?<tag>[\p{L}\p{N}_]{1,64})|#\[(?<index>\d{1,3})\]/gu;

// A full stop or an unmatched bracket at the end belongs to the sentence.
function trimUrl(url: string): string {
  let end = url.length;
  for (;;) {
    const last = url[end - 1]!;
    if (/[.,;:!?]/.test(last)) end--;
    else if (last === ")" && url.slice(0, end).split("(").length < url.slice(0, end).split(")").length) end--;
    else return url.slice(0, end);
  }
}

function safeUrl(text: string): URL | undefined {
  try {
    const url = new URL(text);
    return (url.protocol === "https:" || url.protocol === "http:") && url.hostname ? url : undefined;
  } catch {
    return undefined;
  }
}
export const webAddress = (text: string): string | undefined => safeUrl(text)?.href;

function reference(code: string): Token | undefined {
  try {
    const decoded = nip19.decode(code as `npub1${string}`) as nip19.DecodedResult;
    if (decoded.type === "npub") return { type: "profile", pubkey: decoded.data };
    if (decoded.type === "nprofile") return { type: "profile", pubkey: decoded.data.pubkey };
    if (decoded.type === "note") return { type: "event", id: decoded.data };
    if (decoded.type === "nevent") return { type: "event", id: decoded.data.id, author: decoded.data.author };
  } catch {
    // A wrong checksum: it stays text.
  }
  return undefined;
}

export function tokens(event: Pick<Event, "content" | "tags">): Token[] {
  const out: Token[] = [];
  const { content } = event;
  let at = 0;
  const plain = (end: number) => {
    if (end > at) out.push({ type: "text", text: content.slice(at, end) });
  };
  for (const match of content.matchAll(pattern)) {
    const { url, code, tag, index } = match.groups!;
    let token: Token | undefined;
    let length = match[0].length;
    if (url) {
      const text = trimUrl(url);
      const safe = safeUrl(text);
      length = text.length;
      if (safe) {
        const picture = /\.(png|jpe?g|gif|webp|avif|svg)$/i.test(safe.pathname);
        token = { type: "link", text, href: safe.href, picture };
      }
    } else if (code) {
      token = reference(code.replace(/^nostr:/, "").replace(/^@/, ""));
    } else if (tag) {
      token = { type: "tag", tag };
    } else if (index) {
      const named = event.tags[Number(index)];
      if (named?.[0] === "p" && isHex64(named[1])) token = { type: "profile", pubkey: named[1] };
      if (named?.[0] === "e" && isHex64(named[1])) token = { type: "event", id: named[1] };
    }
    if (!token) continue;
    plain(match.index);
    out.push(token);
    at = match.index + length;
  }
  plain(content.length);
  return out;
}
