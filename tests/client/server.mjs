// Starts and ends real servers for the tests: one process each on loopback, with a directory of its own.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
export const binary = process.env.NOSTRP2P ?? join(root, "build", "release", "nostrp2p");

const portIsFree = (port) =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });

// A free port whose successor is free too: the server listens on one and answers its clients on the next.
async function freePortPair() {
  for (let attempt = 0; attempt < 200; ++attempt) {
    const port = 20000 + 2 * Math.floor(Math.random() * 6000);
    if ((await portIsFree(port)) && (await portIsFree(port + 1))) return port;
  }
  throw new Error("no two neighbouring ports are free");
}

export async function until(what, check, milliseconds = 20000) {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${milliseconds} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// A test that breaks down leaves no server behind.
const running = new Set();
process.on("exit", () => {
  for (const server of running) {
    server.process.kill("SIGKILL");
    rmSync(server.directory, { recursive: true, force: true });
  }
});

export class Server {
  // A page's or client's address of it as a relay.
  get relay() {
    return `${this.url.replace("http", "ws")}/`;
  }

  // `args` may be a function of the server, which knows its port then. A certificate for -s is the caller's.
  static async start(publicKey, { bootstrap, args = [], tls = false } = {}) {
    const server = new Server();
    server.port = await freePortPair();
    server.address = `127.0.0.1:${server.port}`;
    server.url = `${tls ? "https" : "http"}://127.0.0.1:${server.port + 1}`;
    server.directory = mkdtempSync(join(tmpdir(), "nostrp2p-client-"));
    const command = ["server", "-l", server.address, "-p", publicKey, "--data-dir", server.directory];
    if (bootstrap) command.push("-b", bootstrap.address);
    server.words = [...command, ...(typeof args === "function" ? args(server) : args)];
    server.output = "";
    running.add(server);
    await server.resume();
    return server;
  }

  async resume() {
    this.process = spawn(binary, this.words, { cwd: this.directory, stdio: ["ignore", "pipe", "pipe"] });
    this.ended = new Promise((resolve) => {
      this.process.once("exit", resolve);
      this.process.once("error", (error) => {
        this.output += error.message;
        resolve(null);
      });
    });
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on("data", (data) => (this.output += data));
    await until(`the server answers on ${this.url}`, async () => {
      if (this.process.exitCode !== null) throw new Error(`the server ended at its start: ${this.output}`);
      return fetch(this.url).then(() => true, () => false);
    });
  }

  // Ends, to start anew where it was.
  async pause(signal = "SIGTERM") {
    this.process.kill(signal);
    return this.ended;
  }

  async stop() {
    const code = await this.pause();
    running.delete(this);
    rmSync(this.directory, { recursive: true, force: true });
    return code;
  }
}
