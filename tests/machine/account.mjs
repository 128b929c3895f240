// The same account without the page: on one machine, an unmodified Nostr library (nostr-tools) and the original's REST calls.
// Standard input is {secret (hex), other (hex of a public key)} in one line, and a further line when the other one
// listens, too. Publishes a post each way, waits for those of the other, finds them both ways, and prints the seconds that
// they took (both machines have one clock).
import "../client/globals.mjs";
import { createInterface } from "node:readline";
import { Person, now } from "../client/people.mjs";
import { until } from "../client/server.mjs";
import { byRest, bySocket, pool } from "../client/ways.mjs";

const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const given = JSON.parse((await input.next()).value);
const me = new Person(Buffer.from(given.secret, "hex"));
me.server = { url: "http://127.0.0.1:20001", relay: "ws://127.0.0.1:20001/" };

const took = {};
const theirs = { kinds: [1], authors: [given.other], since: now() - 1 };
await new Promise((resolve) => {
  pool.subscribe([me.server.relay], theirs, {
    onevent({ content }) {
      const [, way, at] = /^by (socket|REST) at (\d+)$/.exec(content) ?? [];
      if (way) took[way] = (Date.now() - Number(at)) / 1000;
    },
    oneose: resolve,
  });
});
console.log("listening");
await input.next();
await bySocket.publish(me, me.sign(1, `by socket at ${Date.now()}`));
await byRest.publish(me, me.sign(1, `by REST at ${Date.now()}`));
await until("both posts arrive", () => took.socket && took.REST, 60_000);
for (const way of [bySocket, byRest]) {
  await until("both can be asked for", async () => {
    const found = await way.query(me, theirs);
    return ["socket", "REST"].every((name) => found.some((event) => event.content.startsWith(`by ${name} at`)));
  });
}
// The follow list that the page wrote is the account's, whoever asks.
for (const way of [bySocket, byRest]) {
  const [list] = await way.query(me, { kinds: [3], authors: [me.key] });
  if (!list.tags.some((tag) => tag[0] === "p" && tag[1] === given.other)) throw new Error("the follow list is not there");
}
console.log(JSON.stringify(took));
process.exit(0);
