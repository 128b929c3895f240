// What the user does: sign, publish, follow, bind. Every failure ends as a sentence on the page.
import { computed, effect, signal } from "@preact/signals";
import { type BindState, bindDraft, bindOf, bindState } from "../nostr/bind";
import { changeFollows, dated, deletion, reaction, repost } from "../nostr/compose";
import { type Draft, type Event, Kind, isReplaceable } from "../nostr/event";
import { changeProfile } from "../nostr/profile";
import { refusal } from "../nostr/words";
import {
  account,
  clock,
  enter,
  homeLoaded,
  identifyWith,
  keepFollows,
  load,
  locked,
  lostFollows,
  madeHere,
  me,
  newestFollows,
  nowSeconds,
  ownLoaded,
  refreshStatus,
  refused,
  relay,
  setMadeHere,
  signChallengesWith,
  status,
  statusTrouble,
  store,
  vault,
  version,
} from "./app";
import { type Account, Refusal } from "./vault";

// ----------------------------------------------------------------------------------------------------------- toasts
export interface Toast {
  id: number;
  text: string;
  bad: boolean;
}
export const toasts = signal<Toast[]>([]);
let toastCount = 0;
export function say(text: string, bad = false): void {
  const id = ++toastCount;
  toasts.value = [...toasts.value.slice(-2), { id, text, bad }];
  setTimeout(() => hush(id), bad ? 10_000 : 4_000);
}
export const hush = (id: number): void => {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
};
const complain = (failure: unknown): void => say(failure instanceof Error ? failure.message : String(failure), true);

// ---------------------------------------------------------------------------------------------------------- signing
export interface Unlocking {
  why: string;
  done(unlocked: boolean): void;
}
export const unlocking = signal<Unlocking | undefined>(undefined);
export const signingIn = signal(false);

// Lets the browser draw "working" before half a second of key stretching.
export const drawn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

export async function unlock(password: string): Promise<void> {
  await drawn();
  vault.unlock(password);
  locked.value = false;
  // What the server refused while nobody could sign is asked again.
  if (refused.value) {
    refused.value = "";
    relay.reconnect();
  }
}
export function lock(): void {
  vault.lock();
  locked.value = vault.locked;
}

// Asks once, however many wait for it.
let asking: Promise<boolean> | undefined;
function askToUnlock(why: string): Promise<boolean> {
  asking ??= new Promise<boolean>((resolve) => {
    unlocking.value = {
      why,
      done(unlocked) {
        unlocking.value = undefined;
        asking = undefined;
        resolve(unlocked);
      },
    };
  });
  return asking;
}

async function sign(draft: Draft, why: string): Promise<Event> {
  if (!account.value) {
    signingIn.value = true;
    throw new Refusal("Sign in first.");
  }
  if (vault.locked && !(await askToUnlock(why))) throw new Refusal("Not signed: the key is locked.");
  const replaces = me.value && isReplaceable(draft.kind) ? store.latest(draft.kind, me.value) : undefined;
  return vault.sign(dated(draft, nowSeconds(), replaces));
}

signChallengesWith(async (challenge) => {
  if (!account.value) return undefined;
  const tags = [["relay", `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/`], ["challenge", challenge]];
  try {
    return await sign({ kind: Kind.auth, content: "", tags }, "Your server asks who you are.");
  } catch {
    return undefined;
  }
});

// For the server's state from elsewhere (NIP-98). An extension would ask each time: only with an open key, or when the
// user wants it.
identifyWith(async (path, asked) => {
  if (!account.value || (!asked && (account.value.method !== "key" || vault.locked))) return undefined;
  const tags = [["u", location.origin + path], ["method", "GET"]];
  const event = await sign({ kind: Kind.http, content: "", tags }, "The server shows its state to its owner only.");
  return `Nostr ${btoa(JSON.stringify(event))}`;
});

// ------------------------------------------------------------------------------------------------------- publishing
async function publish(draft: Draft, why: string): Promise<Event> {
  const event = await sign(draft, why);
  const { ok, reason } = await relay.publish(event);
  if (!ok) throw new Refusal(`Your server did not take it: ${refusal(reason)}`);
  store.add(event);
  return event;
}

// Tells a failure itself; undefined then.
export async function tryPublish(draft: Draft, done = "", why = "To publish this, unlock your key."): Promise<Event | undefined> {
  try {
    const event = await publish(draft, why);
    if (done) say(done);
    return event;
  } catch (failure) {
    complain(failure);
    return undefined;
  }
}

export async function toggleLike(event: Event): Promise<void> {
  const mine = store.mine(event.id, "reactions");
  if (mine.length) await tryPublish(deletion(mine), "Reaction taken back.");
  else await tryPublish(reaction(event));
}
export async function toggleRepost(event: Event): Promise<void> {
  const mine = store.mine(event.id, "reposts");
  if (mine.length) await tryPublish(deletion(mine), "Repost taken back.");
  else await tryPublish(repost(event), "Reposted.");
}
export const remove = (event: Event): Promise<Event | undefined> =>
  tryPublish(deletion([event]), "Deleted. Servers that have it are told.");

export interface Question {
  title: string;
  text: string;
  yes: string;
  done(sure: boolean): void;
}
export const question = signal<Question | undefined>(undefined);
const ask = (what: Omit<Question, "done">): Promise<boolean> =>
  new Promise((resolve) => {
    question.value = {
      ...what,
      done(sure) {
        question.value = undefined;
        resolve(sure);
      },
    };
  });
const firstList = {
  title: "Your first follow list?",
  text:
    "Neither your server nor this browser has a list of whom you follow. If you have one, wait: a server that lost its " +
    "disk gets it back from others within minutes after you signed that it is yours. A new list takes its place everywhere.",
  yes: "It is my first",
};

// The list as it was, already signed.
export async function publishLostFollows(): Promise<void> {
  const list = lostFollows.value;
  if (!list) return;
  try {
    const { ok, reason } = await relay.publish(list);
    if (!ok) throw new Refusal(`Your server did not take it: ${refusal(reason)}`);
    store.add(list);
    say("Your server has your follow list again.");
  } catch (failure) {
    complain(failure);
  }
}

// One change after the other, each on top of the newest list that server, page or an earlier visit knows.
let followQueue: Promise<unknown> = Promise.resolve();
export function setFollow(pubkey: string, follow: boolean): Promise<void> {
  const change = followQueue.then(async () => {
    const self = me.value;
    if (!self) {
      signingIn.value = true;
      return;
    }
    await load([{ kinds: [Kind.follows], authors: [self] }]);
    const base = newestFollows(self);
    if (!base && !madeHere(self) && !(await ask(firstList))) return;
    if (base) store.add(base); // so that the next one is dated after it
    await publish(changeFollows(base, pubkey, follow), "To change whom you follow, unlock your key.");
    keepFollows();
    say(follow ? "Followed." : "Unfollowed.");
  });
  followQueue = change.catch(() => {});
  return change.catch(complain);
}

export async function saveProfile(changes: Partial<Record<string, string>>): Promise<boolean> {
  const self = me.value;
  if (!self) return false;
  try {
    await load([{ kinds: [Kind.profile], authors: [self] }]);
    await publish(changeProfile(store.latest(Kind.profile, self), changes), "To change your profile, unlock your key.");
    say("Profile saved.");
    return true;
  } catch (failure) {
    complain(failure);
    return false;
  }
}

// ------------------------------------------------------------------------------------------------------------- bind
// The newest BIND as far as this page knows: by its event, or by what the server says of itself.
export const knownBind = computed(() => {
  void version.value;
  const pubkey = me.value;
  const server = status.value;
  if (!pubkey || !server) return undefined;
  const event = bindOf(store.latest(Kind.bind, pubkey));
  const { state, epoch, expires } = server.identity;
  if (server.owner === pubkey && epoch > (event?.epoch ?? 0)) {
    const node = state === "bound" || state === "expired" ? server.node_id : state === "revoked" ? undefined : "elsewhere";
    return { node, epoch, expires };
  }
  return event;
});

export const binding = computed<{ state: BindState; expires: number } | undefined>(() => {
  const server = status.value;
  if (!me.value || !server || server.owner !== me.value || !server.writable || !ownLoaded.value) return undefined;
  return { state: bindState(server.node_id, knownBind.value, clock.value), expires: knownBind.value?.expires ?? 0 };
});

export const bindingNow = signal(false);
export async function bind(): Promise<void> {
  const pubkey = me.value;
  if (bindingNow.value || !pubkey) return;
  bindingNow.value = true;
  try {
    await load([{ kinds: [Kind.bind], authors: [pubkey] }]);
    const server = await refreshStatus(true);
    if (!server || statusTrouble.value) throw new Refusal("The server does not tell its node id now.");
    if (server.owner !== pubkey) throw new Refusal("This server belongs to somebody else.");
    const epochs = [server.identity.epoch, knownBind.value?.epoch ?? 0];
    await publish(bindDraft(server.node_id, epochs, nowSeconds()), "To say that this server is yours, unlock your key.");
    await refreshStatus();
    say("Signed: this server is yours for 90 days.");
  } catch (failure) {
    complain(failure);
  } finally {
    bindingNow.value = false;
  }
}

// The first time there is nothing to decide: nobody has said where this user lives, and the key is at hand.
let offered = "";
export function bindOnFirstUse(): void {
  effect(() => {
    const known = binding.value;
    if (known?.state !== "none" || locked.value || !me.value || offered === me.value) return;
    offered = me.value;
    queueMicrotask(() => void bind());
  });
}

// ---------------------------------------------------------------------------------------------------------- sign in
// From elsewhere the server tells its state, and with it whether it is bound, only to its owner: who has just signed in
// may be asked to sign that, too.
function entered(account: Account): void {
  enter(account);
  signingIn.value = false;
  if (!status.value) void refreshStatus(true);
}
export async function signInWithExtension(): Promise<void> {
  entered(await vault.useExtension());
}
export async function signInWithKey(secret: Uint8Array, password: string, isNew = false): Promise<void> {
  await drawn();
  const next = vault.useKey(secret, password);
  if (isNew) setMadeHere(next.pubkey);
  entered(next);
}
export async function signInWithEncrypted(ncryptsec: string, password: string): Promise<void> {
  await drawn();
  entered(vault.useEncrypted(ncryptsec, password));
}
export function signOut(): void {
  vault.forget();
  store.clear();
  homeLoaded.value = false;
  offered = "";
  enter(undefined);
}
