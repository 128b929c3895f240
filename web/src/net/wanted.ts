// Things that are wanted one by one - a profile here, a note there - asked for together: one live subscription over the
// most recent few hundred, renewed a moment after something was added. What the server has to fetch from the network
// comes later through the same subscription.
import type { Filter } from "../nostr/filter";

// Events by id, and once more of those whose author somebody has named, who is asked first: a server that has no trace
// of an event does not know whom to ask. The name may be wrong, so it narrows nothing.
export interface Hinted {
  id: string;
  author?: string;
}
export const hintedKey = ({ id, author = "" }: Hinted): string => `${id}:${author}`;
export function hintedFilters(keys: string[], most = 16): Filter[] {
  const byAuthor = new Map<string, string[]>();
  for (const key of keys) {
    const [id = "", author = ""] = key.split(":");
    if (author) byAuthor.set(author, [...(byAuthor.get(author) ?? []), id]);
  }
  const named = [...byAuthor].slice(-most).map(([author, ids]): Filter => ({ ids, authors: [author] }));
  return [{ ids: [...new Set(keys.map((key) => key.split(":")[0]!))] }, ...named];
}

export class Wanted {
  private wanted = new Set<string>();
  private pending = false;
  private close?: () => void;

  constructor(
    private readonly filters: (keys: string[]) => Filter[],
    private readonly subscribe: (filters: Filter[]) => () => void,
    private readonly after: (ms: number, what: () => void) => unknown,
    private readonly most = 200,
    private readonly delay = 120,
  ) {}

  want(key: string): void {
    if (this.wanted.has(key)) return;
    this.wanted.add(key);
    if (this.wanted.size > this.most) {
      const [oldest] = this.wanted;
      this.wanted.delete(oldest!);
    }
    if (this.pending) return;
    this.pending = true;
    this.after(this.delay, () => {
      this.pending = false;
      this.close?.();
      this.close = this.subscribe(this.filters([...this.wanted]));
    });
  }

  clear(): void {
    this.wanted.clear();
    this.close?.();
    this.close = undefined;
  }
}
