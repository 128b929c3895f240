// GET /status of the own server (realnet/status_text.cpp) and its NIP-11 document. Pure but for fetch.
export interface Flow {
  frames: number;
  bytes: number;
}
export interface Neighbour {
  name: string;
  remote: string;
  outbound: boolean;
  established: boolean;
  path: "direct" | "punched" | "relayed";
}
export interface ServerStatus {
  owner: string;
  node_id: string;
  listen: string;
  uptime_s: number;
  mode: string;
  mode_now: string;
  writable: boolean;
  nat: string;
  reachable: number;
  neighbours: Neighbour[];
  stored_events: number;
  evicted: number;
  outbox: number;
  follows: number;
  followers: number;
  events_accepted: number;
  syncs: number;
  disk_trouble: string;
  overlay: {
    kind: string;
    active: number;
    passive: number;
    clients: number;
    relays: number;
    relay_addresses: string[];
    servers: number;
    dialled_at: string | null;
  };
  links: { open: number; wire_bytes_in: number; wire_bytes_out: number };
  frames_in: Record<string, Flow>;
  frames_out: Record<string, Flow>;
  identity: { state: string; epoch: number; expires: number };
  mail: { guardians: string[]; wards: number; letters: number; bytes: number };
  ways_in: { address: string; trouble: string }[];
  rejected: Record<string, number>;
}

export interface ServerInfo {
  name?: string;
  description?: string;
  pubkey?: string;
  software?: string;
  version?: string;
  supported_nips?: number[];
  limitation?: Record<string, number | boolean>;
}

// Makes the Authorization of NIP-98 for a path; undefined: nobody is there to sign.
export type Identify = (path: string) => Promise<string | undefined>;

// From elsewhere the server wants to know who asks: its 401 brings a nonce that goes into the signed address, once.
export async function fetchStatus(identify: Identify): Promise<ServerStatus> {
  let answer = await fetch("/status");
  const nonce = /\bnonce="([^"]+)"/.exec(answer.headers.get("www-authenticate") ?? "")?.[1];
  if (answer.status === 401 && nonce) {
    const path = `/status?nonce=${encodeURIComponent(nonce)}`;
    const authorization = await identify(path);
    if (authorization) answer = await fetch(path, { headers: { Authorization: authorization } });
  }
  if (answer.status === 401 || answer.status === 403) throw new Error("the server shows its state only to its owner");
  if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
  const status = (await answer.json()) as ServerStatus;
  if (typeof status?.owner !== "string" || !status.identity || !status.overlay || !Array.isArray(status.neighbours)) {
    throw new Error("the server's state is of another version");
  }
  return status;
}

export async function fetchInfo(): Promise<ServerInfo> {
  const answer = await fetch("/", { headers: { Accept: "application/nostr+json" } });
  if (!answer.ok || !(answer.headers.get("content-type") ?? "").includes("json")) return {};
  return (await answer.json()) as ServerInfo;
}

export interface Sample {
  at: number; // s
  in: number; // bytes a second on the wire
  out: number;
  stored: number;
  neighbours: number;
}
interface Reading {
  at: number;
  in: number;
  out: number;
}

// Counters become rates; a server that started anew counts from zero again.
export class History {
  samples: Sample[] = [];
  private last?: Reading;

  constructor(private readonly most = 150) {}

  add(status: ServerStatus, at: number): void {
    const reading = { at, in: status.links.wire_bytes_in, out: status.links.wire_bytes_out };
    const before = this.last;
    this.last = reading;
    if (!before || reading.at <= before.at) return;
    const rate = (now: number, then: number) => (now >= then ? now - then : now) / (reading.at - before.at);
    const sample = {
      at,
      in: rate(reading.in, before.in),
      out: rate(reading.out, before.out),
      stored: status.stored_events,
      neighbours: status.neighbours.filter((neighbour) => neighbour.established).length,
    };
    this.samples = [...this.samples, sample].slice(-this.most);
  }
}

// Points of a line through the values, in a box; 0 is the bottom.
export function sparkline(values: number[], width: number, height: number, capacity = values.length): string {
  const top = Math.max(...values, 1e-9);
  const step = width / Math.max(1, capacity - 1);
  const left = width - step * (values.length - 1);
  return values
    .map((value, i) => `${(left + i * step).toFixed(1)},${(height - (Math.max(0, value) / top) * height).toFixed(1)}`)
    .join(" ");
}
