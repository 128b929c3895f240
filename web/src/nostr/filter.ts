// NIP-01 filters, and what of the events at hand they match. Pure.
import type { Event } from "./event";

export interface Filter {
  ids?: string[];
  authors?: string[];
  kinds?: number[];
  since?: number;
  until?: number;
  limit?: number;
  search?: string;
  [tag: `#${string}`]: string[] | undefined;
}

export const wordsOf = (text: string): string[] => text.toLowerCase().split(/\s+/).filter(Boolean);

// Every word must occur.
export const hasWords = (text: string, words: string[]): boolean => {
  const lower = text.toLowerCase();
  return words.every((word) => lower.includes(word));
};

export function matches(filter: Filter, event: Event): boolean {
  if (filter.ids && !filter.ids.includes(event.id)) return false;
  if (filter.authors && !filter.authors.includes(event.pubkey)) return false;
  if (filter.kinds && !filter.kinds.includes(event.kind)) return false;
  if (filter.since !== undefined && event.created_at < filter.since) return false;
  if (filter.until !== undefined && event.created_at > filter.until) return false;
  if (filter.search !== undefined && !hasWords(event.content, wordsOf(filter.search))) return false;
  for (const [key, values] of Object.entries(filter)) {
    if (!key.startsWith("#") || !Array.isArray(values)) continue;
    if (!event.tags.some((tag) => tag[0] === key.slice(1) && (values as string[]).includes(tag[1] ?? ""))) return false;
  }
  return true;
}

// A long list of authors in pieces that any server takes.
export function inPieces(filter: Filter, most = 1000): Filter[] {
  const authors = filter.authors ?? [];
  if (authors.length <= most) return [filter];
  const pieces: Filter[] = [];
  for (let at = 0; at < authors.length; at += most) pieces.push({ ...filter, authors: authors.slice(at, at + most) });
  return pieces;
}
