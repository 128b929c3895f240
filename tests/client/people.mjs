// Somebody with a key, whose events the tests sign.
import { finalizeEvent, generateSecretKey, getPublicKey, nip19 } from "nostr-tools";

export const now = () => Math.floor(Date.now() / 1000);

export class Person {
  constructor(secret = generateSecretKey()) {
    this.secret = secret;
    this.key = getPublicKey(secret);
    this.npub = nip19.npubEncode(this.key);
  }
  sign(kind, content, tags = [], created_at = now()) {
    return plain(this.finish({ kind, content, tags, created_at }));
  }
  finish(template) {
    return finalizeEvent(template, this.secret);
  }
}

// Without what nostr-tools notes on an event (that it is verified), which other libraries would have to find out.
export const plain = ({ id, pubkey, created_at, kind, tags, content, sig }) => ({ id, pubkey, created_at, kind, tags, content, sig });
export const contents = (events) => events.map((event) => event.content).sort();
