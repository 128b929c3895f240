// Keys and events for the tests, the state of a made-up server, and a small world to look at.
import { finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure";
import * as nip19 from "nostr-tools/nip19";

export const now = () => Math.floor(Date.now() / 1000);

export class Person {
  constructor(name, secret = generateSecretKey()) {
    this.name = name;
    this.secret = secret;
    this.key = getPublicKey(secret);
    this.nsec = nip19.nsecEncode(secret);
    this.npub = nip19.npubEncode(this.key);
  }
  sign(kind, content, tags = [], created_at = now()) {
    return finalizeEvent({ kind, content, tags, created_at }, this.secret);
  }
  profile(about = "") {
    return this.sign(0, JSON.stringify({ name: this.name, about }));
  }
  note(content, tags = [], created_at) {
    return this.sign(1, content, tags, created_at);
  }
}

export const tagged = (event) => [["e", event.id], ["p", event.pubkey]];

export function statusOf(owner, { peers = 0, bound = true, at = 0 } = {}) {
  const node = "5f".repeat(32);
  const paths = ["direct", "direct", "punched", "relayed"];
  const neighbours = Array.from({ length: peers }, (_, i) => ({
    name: `${(0xa1b2c3d4e5 + i * 0x1f3d5b79).toString(16)}00`.slice(0, 12),
    remote: `203.0.113.${10 + i}:20000`,
    outbound: i % 2 === 0,
    established: i !== 6,
    path: paths[i % paths.length],
  }));
  const wave = (scale, phase) => Math.round(scale * (at + 4 * Math.sin(at / 3 + phase) + 4));
  return {
    owner, node_id: node, listen: "0.0.0.0:20000", api: "127.0.0.1:20001", uptime_s: 93_784 + at * 2, mode: "auto",
    mode_now: "broadcast", auto: null, writable: true, nat: "port restricted",
    reachable: 212, neighbours, stored_events: 18_432 + at * 3, evicted: 120, rotten: 0, outbox: 2, follows: 14, registered_follows: 13,
    followers: 21, events_accepted: 24_001 + at * 3, syncs: 9_120, disk_trouble: "", followers_behind: 0, posted: 44, streams: 14,
    streams_with_gaps: 0, forks: 0,
    overlay: { kind: "hyparview", dialled_at: "198.51.100.7:20000", asked: 3, active: peers, passive: 57, clients: 2, relays: 2,
      relay_addresses: ["198.51.100.9:20000", "[2001:db8::9]:20000"], trees: 9, published: 3, servers: 960, guarded: 2, merged: 0,
      cells: 0, largest_cell: 0, cells_led: 0 },
    links: { open: peers, accepted: 40, dialled: 71, refused: 0, slow_readers: 0, wire_bytes_in: 48_230_112 + wave(2100, 0), wire_bytes_out: 31_004_221 + wave(1500, 1) },
    frames_in: { control: { frames: 9120, bytes: 1_802_331 }, payload: { frames: 44_120, bytes: 30_112_402 }, duplicate: { frames: 2140, bytes: 611_230 }, relay: { frames: 12, bytes: 4_012_200 } },
    frames_out: { control: { frames: 8120, bytes: 1_602_331 }, payload: { frames: 21_120, bytes: 20_112_402 }, duplicate: { frames: 0, bytes: 0 }, relay: { frames: 8, bytes: 4_002_210 } },
    http: { open: 2, accepted: 9, refused: 0, evicted: 0, requests: 210, malformed: 0 }, external: null,
    port_mapping: { asked: true, outside: null, by: "" }, ways_in: [],
    identity: bound ? { state: "bound", epoch: 1, expires: now() + 80 * 86_400 } : { state: "claimed", epoch: 0, expires: 0 },
    mail: { guardians: [], wards: 3, letters: 7, bytes: 6120, posted: 1, unposted: 0, fetched: 4 },
    rejected: { "event: bad signature": 3, "packet: wrong version": 1 },
  };
}
