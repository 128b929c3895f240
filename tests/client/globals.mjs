// What the libraries expect of a browser and Node 18 has not. Imported before them.
import { webcrypto } from "node:crypto";
import WebSocket from "ws";

// The page on which a client runs: one of another origin counts as remote and has to sign in.
export const page = { origin: undefined };

globalThis.crypto ??= webcrypto;
globalThis.WebSocket = class extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols, page.origin ? { origin: page.origin } : {});
  }
};

// Libraries leave timers behind that look after connections; a test file does not wait for them at its end.
for (const name of ["setTimeout", "setInterval"]) {
  const start = globalThis[name];
  globalThis[name] = (call, delay = 0, ...rest) => {
    const timer = start(call, delay, ...rest);
    return delay >= 1000 ? timer.unref() : timer;
  };
}
