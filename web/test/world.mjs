// A small world to look at: people who talk, with everything that a note can carry.
import * as nip19 from "nostr-tools/nip19";
import { Person, now, statusOf, tagged } from "./people.mjs";

const minute = 60;
const hour = 60 * minute;

export function world(relay) {
  const [alice, bob, carol, dmitri, eve, fatima] = ["alice", "Bob Lindqvist", "carol", "dmitri", "eve", "Fatima Zahra"].map((name) => new Person(name));
  const at = (ago) => now() - ago;
  relay.store(
    alice.profile("Gardens, bicycles and small computers.\nThis account lives on a server under my desk."),
    bob.profile("Writes about birds. https://birds.example"),
    carol.profile("sysadmin by day"),
    dmitri.profile(""),
    eve.profile("I read."),
    fatima.profile("Photographs of stairs"),
    alice.sign(3, "", [["p", bob.key], ["p", carol.key], ["p", fatima.key, "", "fz"]], at(90 * hour)),
    bob.sign(3, "", [["p", alice.key], ["p", carol.key]], at(80 * hour)),
  );
  const birds = bob.note("The first swifts are back. I counted eleven over the harbour this morning, and the fishermen say that means the wind will turn before Sunday.\n\nhttps://pictures.example/2026/swifts.jpg", [], at(52 * minute));
  const question = alice.note("Does anybody run one of these at home behind a mobile connection? How does it hold up? #selfhosting", [["t", "selfhosting"]], at(3 * hour));
  const answer = carol.note(`Two years now. The address changes every night and nobody notices, nostr:${bob.npub} neither.`, [["e", question.id, "", "root", alice.key], ["p", alice.key], ["p", bob.key]], at(2 * hour + 40 * minute));
  const back = alice.note("Good to hear. And when you are away for a week?", [["e", question.id, "", "root"], ["e", answer.id, "", "reply", carol.key], ["p", carol.key], ["p", alice.key]], at(2 * hour + 20 * minute));
  const more = carol.note("Others keep the mail, and it is all there when I come home. I only had to learn not to unplug it for the vacuum cleaner.", [["e", question.id, "", "root"], ["e", back.id, "", "reply", alice.key], ["p", alice.key]], at(2 * hour));
  const second = dmitri.note("Mine sits at my mother's. She calls it the little heater.", [["e", question.id, "", "root", alice.key], ["p", alice.key]], at(95 * minute));
  const quote = fatima.note(`This, exactly.\n\nnostr:${nip19.neventEncode({ id: more.id, author: carol.key, kind: 1 })}`, [["q", more.id, "", carol.key], ["p", carol.key]], at(40 * minute));
  const stairs = fatima.note("شتاء في المدينة القديمة", [], at(5 * hour));
  const long = carol.note("Notes from tonight's maintenance, for whoever finds them:\n\n1. Never trust a cable that somebody else has labelled.\n2. The backup was fine. The restore was fine, too. The person was not.\n3. <b>If it looks like markup, it is text.</b> <script>alert(1)</script>\n\n" + "The rest is a long story about a switch, a flood of broadcasts and a cat. ".repeat(14), [], at(26 * hour));
  const strange = eve.note("Hello from far away. Who is here?", [], at(20 * minute));
  relay.store(birds, question, answer, back, more, second, quote, stairs, long, strange);
  relay.store(
    alice.note("Planted the beans today.", [], at(28 * hour)),
    bob.sign(6, JSON.stringify(strange), tagged(strange), at(12 * minute)),
    bob.sign(7, "+", [...tagged(question), ["k", "1"]], at(100 * minute)),
    dmitri.sign(7, "🌱", [...tagged(question), ["k", "1"]], at(99 * minute)),
    carol.sign(7, "+", [...tagged(question), ["k", "1"]], at(98 * minute)),
    alice.sign(7, "+", [...tagged(birds), ["k", "1"]], at(30 * minute)),
    fatima.sign(7, "+", [...tagged(birds), ["k", "1"]], at(31 * minute)),
    carol.sign(6, JSON.stringify(question), tagged(question), at(96 * minute)),
    eve.note(`Is this the place to ask nostr:${alice.npub} about beans?`, [["p", alice.key]], at(10 * minute)),
  );
  relay.status = statusOf(alice.key, { peers: 9 });
  return { alice, bob, carol, dmitri, eve, fatima, question, birds, answer };
}
