// What goes between a client and its server for 100 posts written and 100 posts read: bytes on the connection, without
// TCP and IP, and requests. `./dev bench bytes` runs this. The clients are ordinary ones: Node's http with a connection
// that stays, and the WebSockets of ws.
import http from "node:http";
import net from "node:net";
import { pathToFileURL } from "node:url";
import WebSocket from "ws";
import { Person, now } from "./people.mjs";
import { Server } from "./server.mjs";

const count = 100;
const words = ("the a of and to in we you it is that was for on are with as they be at one have this from had hot but some what " +
  "there out other were all your when up use word how said each she which their time will way about many then them would write " +
  "like so these her long make thing see him two has look more day could go come did sound no most people my over know water " +
  "than call first who may down side been now find any new work part take get place made live where after back little only").split(" ");

// The same texts each time, as long as people's posts are: 5 to 50 words.
function* texts() {
  let state = 7;
  const below = (bound) => (state = (state * 1103515245 + 12345) % 2147483648) % bound;
  for (;;) yield [...Array(5 + below(46))].map(() => words[below(words.length)]).join(" ");
}

// A way through which all bytes go, so that they can be counted.
async function counted(server) {
  const [, host, port] = server.url.match(/\/\/(.*):(\d+)/);
  const traffic = { up: 0, down: 0 };
  const door = net.createServer((client) => {
    const there = net.connect(Number(port), host);
    client.on("data", (data) => ((traffic.up += data.length), there.write(data)));
    there.on("data", (data) => ((traffic.down += data.length), client.write(data)));
    for (const [one, other] of [[client, there], [there, client]]) one.on("close", () => other.destroy()).on("error", () => {});
  });
  await new Promise((resolve) => door.listen(0, "127.0.0.1", resolve));
  return { traffic, door, url: `127.0.0.1:${door.address().port}` };
}

const rest = (coding) => ({
  async open({ url }) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (path, body) =>
      new Promise((resolve, reject) => {
        const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
        if (coding) headers["Accept-Encoding"] = coding;
        const request = http.request(`http://${url}${path}`, { method: "POST", agent, headers }, (answer) => {
          answer.resume();
          const packed = answer.headers["content-encoding"];
          const right = answer.statusCode === 200 && (path === "/publish" || packed === coding);
          answer.on("end", () => (right ? resolve(1) : reject(new Error(`${path} ${answer.statusCode} ${packed}`))));
        });
        request.on("error", reject);
        request.end(body);
      });
    return {
      publish: (event) => ask("/publish", JSON.stringify(event)),
      read: () => ask("/req", JSON.stringify({ kinds: [1], limit: count })),
      close: () => agent.destroy(),
    };
  },
});

const socket = (perMessageDeflate) => ({
  async open({ url }) {
    const connection = new WebSocket(`ws://${url}/`, { perMessageDeflate });
    await new Promise((resolve, reject) => connection.once("open", resolve).once("error", reject));
    if ((connection.extensions.length > 0) !== perMessageDeflate) throw new Error(`extensions: ${connection.extensions}`);
    const ask = (message, last, events) =>
      new Promise((resolve, reject) => {
        let seen = 0;
        connection.on("message", function heard(data) {
          const [type, , accepted] = JSON.parse(data.toString());
          if (type === "EVENT") return void ++seen;
          connection.off("message", heard);
          type === last && seen === events && accepted !== false ? resolve(1) : reject(new Error(data.toString()));
        });
        connection.send(JSON.stringify(message));
      });
    return {
      publish: (event) => ask(["EVENT", event], "OK", 0),
      read: () => ask(["REQ", "home", { kinds: [1], limit: count }], "EOSE", count),
      close: () => connection.terminate(),
    };
  },
});

const ways = [
  ["REST, MessagePack", rest()],
  ["REST, MessagePack, gzip", rest("gzip")],
  ["REST, MessagePack, deflate", rest("deflate")],
  ["WebSocket", socket(false)],
  ["WebSocket, permessage-deflate", socket(true)],
];

// Bytes up and down, and requests, of each way: for 100 posts of the owner written, and for 100 of ten authors read.
export async function measure() {
  const authors = [...Array(10)].map(() => new Person());
  const rows = [];
  for (const [name, way] of ways) {
    const server = await Server.start(authors[0].key, { args: ["--writers", "*"] });
    const written = await counted(server);
    const text = texts();
    const events = [...Array(count).keys()].map((i) => authors[i % 10].sign(1, text.next().value, [], now() - count + i));
    const writer = await way.open(written);
    let requests = 0;
    for (const event of events) requests += await writer.publish(event);
    const read = await counted(server);
    const reader = await way.open(read);
    const asked = await reader.read();
    rows.push({ name, written: { ...written.traffic, requests }, read: { ...read.traffic, requests: asked } });
    for (const client of [writer, reader]) client.close();
    for (const { door } of [written, read]) door.close();
    await server.stop();
  }
  return rows;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const { name, written, read } of await measure()) {
    const said = ({ up, down, requests }) => `${requests} requests, ${up} bytes up, ${down} down`;
    console.log(`bytes: ${name}: ${count} posts written: ${said(written)}; ${count} read: ${said(read)}`);
  }
}
