// Things that are wanted one by one - a profile here, a note there - asked for together: one live subscription over the
// most recent few hundred, renewed a moment after something was added. What the server has to fetch from the network
// comes later through the same subscription.
import type { Filter } from "../nostr/filter";

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
