// The page's one state: signals that the views read, and the connection that fills the event store.
import { computed, signal } from "@preact/signals";
import { verifyEvent } from "nostr-tools/pure";
import { Relay, type Link, type Socket } from "../net/relay";
import { type ServerInfo, type ServerStatus, fetchInfo, fetchStatus } from "../net/status";
import { Wanted, hintedFilters, hintedKey } from "../net/wanted";
import { followed } from "../nostr/compose";
import { type Event, Kind } from "../nostr/event";
import { type Filter, inPieces } from "../nostr/filter";
import { type Known, type Profile, profileOf, shortKey } from "../nostr/profile";
import { type ReadMark, notices, nothingRead, unreadCount } from "./inbox";
import { EventStore } from "./store";
import { type Account, type Extension, Vault } from "./vault";

declare global {
  interface Window {
    nostr?: Extension;
  }
}

export const nowSeconds = (): number => Math.floor(Date.now() / 1000);

// ---------------------------------------------------------------------------------------------------------- signals
export const link = signal<Link>({ state: "connecting", retryAt: 0, failures: 0 });
export const info = signal<ServerInfo>({});
export const status = signal<ServerStatus | undefined>(undefined);
export const statusTrouble = signal("");
export const account = signal<Account | undefined>(undefined);
export const locked = signal(false);
export const clock = signal(nowSeconds());
export const readMark = signal<ReadMark>(nothingRead);
// Counts up when the store changes; views that read it are drawn anew, at most once a frame.
export const version = signal(0);

let bumping = false;
const bump = () => {
  if (bumping) return;
  bumping = true;
  // A hidden page has no frames.
  const later = document.hidden ? (what: () => void) => setTimeout(what, 100) : requestAnimationFrame;
  later(() => {
    bumping = false;
    version.value++;
  });
};

export const store = new EventStore(nowSeconds, bump, (event) => verifyEvent(event));
export const vault = new Vault(localStorage, () => window.nostr);

export const me = computed(() => account.value?.pubkey);
export const myFollows = computed<string[]>(() => {
  void version.value;
  const pubkey = me.value;
  return pubkey ? followed(newestFollows(pubkey)) : [];
});
export const myFollowSet = computed(() => new Set(myFollows.value));
export const ownsServer = computed(() => !status.value || !me.value || status.value.owner === me.value);

export const inbox = computed(() => {
  void version.value;
  const pubkey = me.value;
  if (!pubkey) return [];
  const naming = store.all((event) => event.pubkey !== pubkey && event.tags.some((tag) => tag[0] === "p" && tag[1] === pubkey));
  // What is not here is most likely an old note of one's own: why else would it name one?
  return notices(naming, pubkey, (id) => (store.get(id)?.pubkey ?? pubkey) === pubkey, readMark.value);
});
export const unread = computed(() => unreadCount(inbox.value));

// ------------------------------------------------------------------------------------------------------- connection
const openSocket = (): Socket => {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/`);
  return socket as unknown as Socket;
};
const after = (ms: number, what: () => void) => {
  const timer = setTimeout(what, ms);
  return () => clearTimeout(timer);
};

export const notice = signal("");
// Set by state/actions.ts: it may have to ask for the password.
let signFor: (challenge: string) => Promise<Event | undefined> = () => Promise.resolve(undefined);
export const signChallengesWith = (sign: typeof signFor): void => {
  signFor = sign;
};

export const relay = new Relay({
  open: openSocket,
  now: () => Date.now(),
  random: Math.random,
  after,
  link: (next) => (link.value = next),
  notice: (text) => (notice.value = text),
  sign: (challenge) => signFor(challenge),
});

// Why the server does not let one read, if it does not.
export const refused = signal("");
export const listen = (filters: Filter[], done?: () => void): (() => void) =>
  relay.subscribe(filters, {
    event: (event) => store.add(event),
    eose: done,
    closed: (reason) => {
      refused.value = reason;
      done?.();
    },
  });

export async function load(filters: Filter[]): Promise<Event[]> {
  const events = await relay.query(filters);
  for (const event of events) store.add(event);
  return events;
}

const fill = (filters: Filter[]) => listen(filters);
const profiles = new Wanted((authors) => [{ kinds: [Kind.profile], authors }], fill, after);
const events = new Wanted(hintedFilters, fill, after);
const answers = new Wanted(
  (ids) => [
    { kinds: [Kind.note, Kind.repost, Kind.reaction, Kind.genericRepost], "#e": ids, limit: 500 },
    { kinds: [Kind.note], "#q": ids, limit: 200 },
  ],
  fill,
  after,
);

export function profile(pubkey: string): Profile {
  void version.value;
  profiles.want(pubkey);
  return profileOf(store.latest(Kind.profile, pubkey));
}
export const displayName = (pubkey: string): string => profile(pubkey).name || shortKey(pubkey);

export function eventById(id: string, author?: string): Event | undefined {
  void version.value;
  const event = store.get(id);
  if (!event) events.want(hintedKey({ id, author }));
  return event;
}
export const wantAnswers = (id: string): void => answers.want(id);

export function knownPeople(): Known[] {
  return store
    .all((event) => event.kind === Kind.profile)
    .map(({ pubkey }) => ({
      pubkey,
      name: profileOf(store.latest(Kind.profile, pubkey)).name,
      followed: myFollowSet.value.has(pubkey),
    }));
}

// ------------------------------------------------------------------------------------------------------ the user's
const followsKey = (pubkey: string) => `np2p.follows.${pubkey}`;
const readKey = (pubkey: string) => `np2p.read.${pubkey}`;

function stored<T>(key: string): T | undefined {
  try {
    return (JSON.parse(localStorage.getItem(key) ?? "null") as T | null) ?? undefined;
  } catch {
    return undefined;
  }
}
export function keep(key: string, value: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Storage is full or forbidden: the page works, it only forgets.
  }
}

// The newest follow list of the user that anybody here has seen, also in earlier visits.
export function newestFollows(pubkey: string): Event | undefined {
  const held = store.latest(Kind.follows, pubkey);
  const copy = stored<Event>(followsKey(pubkey));
  if (copy?.pubkey === pubkey && copy.kind === Kind.follows && (!held || copy.created_at > held.created_at)) return copy;
  return held;
}
// The copy of an earlier visit, where it is newer than what the server has, as after it lost its disk.
export const lostFollows = computed<Event | undefined>(() => {
  void version.value;
  const pubkey = me.value;
  if (!pubkey || !ownLoaded.value) return undefined;
  const newest = newestFollows(pubkey);
  return newest === store.latest(Kind.follows, pubkey) ? undefined : newest;
});
// Made in this browser: nobody can have followed anybody with it before.
const madeKey = (pubkey: string) => `np2p.made.${pubkey}`;
export const madeHere = (pubkey: string): boolean => stored<boolean>(madeKey(pubkey)) === true;
export const setMadeHere = (pubkey: string): void => keep(madeKey(pubkey), true);
export function keepFollows(): void {
  const pubkey = me.value;
  const held = pubkey && store.latest(Kind.follows, pubkey);
  if (pubkey && held && newestFollows(pubkey) === held) keep(followsKey(pubkey), held);
}
export function setReadMark(mark: ReadMark): void {
  readMark.value = mark;
  if (me.value) keep(readKey(me.value), mark);
}

let closers: (() => void)[] = [];
let closeHome: (() => void) | undefined;
let homeAuthors = "";
export const homeLoaded = signal(false);
export const ownLoaded = signal(false);

function listenHome(): void {
  const pubkey = me.value;
  if (!pubkey || !ownLoaded.value) return;
  const authors = [...new Set([pubkey, ...myFollows.value])].sort();
  const key = authors.join();
  if (key === homeAuthors) return;
  homeAuthors = key;
  closeHome?.();
  const filter: Filter = { kinds: [Kind.note, Kind.repost, Kind.genericRepost, Kind.deletion], authors, limit: 60 };
  closeHome = listen(inPieces(filter), () => (homeLoaded.value = true));
}

export function enter(next: Account | undefined): void {
  const another = refused.value !== "" || (account.value !== undefined && account.value.pubkey !== next?.pubkey);
  for (const close of closers) close();
  closers = [];
  closeHome?.();
  closeHome = undefined;
  homeAuthors = "";
  homeLoaded.value = false;
  ownLoaded.value = false;
  refused.value = "";
  account.value = next;
  locked.value = vault.locked;
  store.owner = next?.pubkey ?? "";
  if (another) relay.reconnect();
  if (!next) return;
  const { pubkey } = next;
  const mark = stored<ReadMark>(readKey(pubkey));
  readMark.value = mark && Array.isArray(mark.seen) ? mark : nothingRead;
  const done = () => (ownLoaded.value = true);
  closers.push(
    listen([{ kinds: [Kind.profile, Kind.follows, Kind.relays, Kind.bind], authors: [pubkey] }], done),
    listen([
      {
        kinds: [Kind.note, Kind.follows, Kind.repost, Kind.reaction, Kind.genericRepost],
        "#p": [pubkey],
        limit: 200,
      },
    ]),
    listen([{ kinds: [Kind.note, Kind.reaction, Kind.repost, Kind.deletion], authors: [pubkey], limit: 100 }]),
  );
}

// ------------------------------------------------------------------------------------------------------- the server
let identify: (path: string, asked: boolean) => Promise<string | undefined> = () => Promise.resolve(undefined);
export const identifyWith = (how: typeof identify): void => {
  identify = how;
};

// `asked`: somebody pressed a button for it, so the page may ask for a password or the extension.
export async function refreshStatus(asked = false): Promise<ServerStatus | undefined> {
  try {
    status.value = await fetchStatus((path) => identify(path, asked));
    statusTrouble.value = "";
  } catch (failure) {
    statusTrouble.value = failure instanceof TypeError ? "the server does not answer" : (failure as Error).message;
  }
  return status.value;
}

export function start(): void {
  // After the store changed: the list may name others now.
  version.subscribe(() => {
    keepFollows();
    listenHome();
  });
  ownLoaded.subscribe(() => queueMicrotask(listenHome));
  enter(vault.account);
  relay.start();
  void refreshStatus();
  void fetchInfo().then((found) => (info.value = found), () => {});
  setInterval(() => (clock.value = nowSeconds()), 20_000);
  setInterval(() => void refreshStatus(), 60_000);
  addEventListener("online", () => relay.hurry());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) relay.hurry();
  });
}
