// Who uses this browser: an extension that signs (NIP-07), or a key that lies here encrypted (NIP-49) and is open in
// memory only while it is unlocked. Storage and extension are handed in, so this runs without a browser.
import * as nip19 from "nostr-tools/nip19";
import { finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { decrypt, encrypt } from "nostr-tools/nip49";
import { type Draft, type Event, isEvent, isHex64 } from "../nostr/event";

export type Account = { pubkey: string } & ({ method: "extension" } | { method: "key"; ncryptsec: string });
export type FullDraft = Required<Draft>;

export interface Extension {
  getPublicKey(): Promise<string>;
  signEvent(draft: FullDraft): Promise<Event>;
}
export interface Storage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

const accountKey = "np2p.account";
const scryptWork = 16; // log2 of the rounds: about half a second, as NIP-49 advises
export const shortestPassword = 8;

export class Refusal extends Error {}

// The secret key in "nsec1…" or 64 hex digits.
export function parseSecret(text: string): Uint8Array {
  const trimmed = text.trim();
  if (/^[0-9a-fA-F]{64}$/.test(trimmed)) {
    const bytes = Uint8Array.from(trimmed.match(/../g)!, (digits) => parseInt(digits, 16));
    return usable(bytes);
  }
  try {
    const decoded = nip19.decode(trimmed as `nsec1${string}`) as nip19.DecodedResult;
    if (decoded.type === "nsec") return usable(decoded.data);
  } catch {
    // Told below.
  }
  throw new Refusal("This is no secret key: it would begin with nsec1, or have 64 hex digits.");
}
function usable(secret: Uint8Array): Uint8Array {
  try {
    getPublicKey(secret);
    return secret;
  } catch {
    throw new Refusal("This is no valid secret key.");
  }
}
export const newSecret = (): Uint8Array => generateSecretKey();

export class Vault {
  private secret?: Uint8Array;
  private current?: Account;

  constructor(
    private readonly storage: Storage,
    private readonly extension: () => Extension | undefined,
    private readonly work = scryptWork,
  ) {
    this.current = this.load();
  }

  get account(): Account | undefined {
    return this.current;
  }
  get locked(): boolean {
    return this.current?.method === "key" && !this.secret;
  }

  async useExtension(): Promise<Account> {
    const extension = this.extension();
    if (!extension) throw new Refusal("There is no extension that signs (NIP-07) in this browser.");
    const pubkey = await extension.getPublicKey();
    if (!isHex64(pubkey)) throw new Refusal("The extension gives no public key.");
    return this.keep({ method: "extension", pubkey });
  }

  useKey(secret: Uint8Array, password: string): Account {
    if (password.length < shortestPassword) {
      throw new Refusal(`The password needs at least ${shortestPassword} characters.`);
    }
    const ncryptsec = encrypt(secret, password.normalize("NFKC"), this.work);
    const account = this.keep({ method: "key", pubkey: getPublicKey(secret), ncryptsec });
    this.secret = secret;
    return account;
  }

  useEncrypted(ncryptsec: string, password: string): Account {
    const secret = this.decrypted(ncryptsec.trim(), password);
    const account = this.keep({ method: "key", pubkey: getPublicKey(secret), ncryptsec: ncryptsec.trim() });
    this.secret = secret;
    return account;
  }

  unlock(password: string): void {
    if (this.current?.method !== "key") return;
    const secret = this.decrypted(this.current.ncryptsec, password);
    if (getPublicKey(secret) !== this.current.pubkey) throw new Refusal("What is stored here is another key.");
    this.secret = secret;
  }
  lock(): void {
    this.secret?.fill(0);
    this.secret = undefined;
  }
  forget(): void {
    this.lock();
    this.current = undefined;
    this.storage.removeItem(accountKey);
  }
  // Only for showing it to its owner.
  nsec(): string | undefined {
    return this.secret && nip19.nsecEncode(this.secret);
  }

  async sign(draft: FullDraft): Promise<Event> {
    if (this.current?.method === "extension") {
      const extension = this.extension();
      if (!extension) throw new Refusal("The extension that signs is not there.");
      const event = await extension.signEvent(draft);
      if (!isEvent(event) || event.pubkey !== this.current.pubkey) {
        throw new Refusal("The extension signed with another key. Sign in again.");
      }
      return event;
    }
    if (!this.secret) throw new Refusal("The key is locked.");
    const { id, pubkey, sig, kind, tags, content, created_at } = finalizeEvent(draft, this.secret);
    return { id, pubkey, created_at, kind, tags, content, sig };
  }

  private decrypted(ncryptsec: string, password: string): Uint8Array {
    try {
      return decrypt(ncryptsec, password.normalize("NFKC"));
    } catch {
      throw new Refusal(
        ncryptsec.startsWith("ncryptsec1")
          ? "The password does not open this key."
          : "This is no encrypted key: it would begin with ncryptsec1.",
      );
    }
  }
  private keep(account: Account): Account {
    this.lock();
    this.current = account;
    this.storage.setItem(accountKey, JSON.stringify(account));
    return account;
  }
  private load(): Account | undefined {
    try {
      const value = JSON.parse(this.storage.getItem(accountKey) ?? "null") as Account | null;
      if (!value || !isHex64(value.pubkey)) return undefined;
      if (value.method === "extension") return value;
      return value.method === "key" && typeof value.ncryptsec === "string" ? value : undefined;
    } catch {
      return undefined;
    }
  }
}
