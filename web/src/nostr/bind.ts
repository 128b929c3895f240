// BIND (kind 10848): the user's word on which node serves them. See core/event/bind.h. Pure.
import { type Draft, type Event, Kind, isHex64, tagValues } from "./event";

const day = 86_400;
export const bindLife = 90 * day;
export const bindWarning = 30 * day;
const lastEpoch = 2 ** 53;

export interface Bind {
  node?: string; // missing: revoked
  epoch: number;
  expires: number;
}

const only = (event: Event, name: string): string | undefined => {
  const values = tagValues(event, name);
  return values.length === 1 ? values[0] : undefined;
};
const number = (text: string | undefined): number =>
  text && /^[1-9]\d{0,15}$/.test(text) && Number(text) <= lastEpoch ? Number(text) : 0;

export function bindOf(event: Event | undefined): Bind | undefined {
  if (!event || event.kind !== Kind.bind) return undefined;
  const node = only(event, "node");
  const epoch = number(only(event, "epoch"));
  const expires = number(only(event, "expires"));
  if (!epoch || !expires || (node !== undefined && !isHex64(node))) return undefined;
  return { node, epoch, expires };
}

export function bindDraft(node: string, lastEpochs: number[], now: number): Draft {
  const epoch = Math.max(0, ...lastEpochs) + 1;
  return {
    kind: Kind.bind,
    created_at: now,
    content: "",
    tags: [["node", node], ["epoch", String(epoch)], ["expires", String(now + bindLife)]],
  };
}

export type BindState = "none" | "good" | "ends soon" | "ended" | "elsewhere" | "revoked";

// What the server and the newest event say together: whichever has the higher epoch.
export function bindState(node: string, known: Bind | undefined, now: number): BindState {
  if (!known) return "none";
  if (known.node === undefined) return "revoked";
  if (known.node !== node) return "elsewhere";
  if (known.expires <= now) return "ended";
  return known.expires - now <= bindWarning ? "ends soon" : "good";
}
