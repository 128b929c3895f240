// One WebSocket to the user's own server (NIP-01, with AUTH of NIP-42). Subscriptions outlive the connection: after a
// break they are asked again, together with what may have come meanwhile. No browser object but the socket handed in.
import { type Event, isEvent } from "../nostr/event";
import type { Filter } from "../nostr/filter";

export type LinkState = "connecting" | "open" | "waiting";
export interface Link {
  state: LinkState;
  retryAt: number; // while waiting: when it tries again, in ms
  failures: number;
}

export interface Handlers {
  event(event: Event): void;
  eose?(): void;
  closed?(reason: string): void;
}

export interface Socket {
  send(text: string): void;
  close(): void;
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
}

export interface Surroundings {
  open(): Socket;
  now(): number; // ms
  random(): number;
  after(ms: number, what: () => void): () => void; // answers how to call it off
  link(link: Link): void; // told when it changes
  notice?(text: string): void;
  sign?(challenge: string): Promise<Event | undefined>; // undefined: nobody is there to sign
}

interface Sub {
  filters: Filter[];
  handlers: Handlers;
  live: boolean;
  complete?: boolean; // what is stored has come
  lostAt?: number; // seconds; a complete one is asked again from a while before that only
  retried?: boolean;
}
interface Sending {
  event: Event;
  settle(outcome: Outcome): void;
  retried?: boolean;
}
export interface Outcome {
  ok: boolean;
  reason: string;
}

const firstDelay = 500;
const longestDelay = 30_000;
const openDeadline = 10_000;
const answerDeadline = 20_000;
const queryDeadline = 8_000;
const overlap = 86_400; // s; events travel, and some come late

export class Relay {
  private socket?: Socket;
  private ready = false;
  private failures = 0;
  private callOff?: () => void;
  private subs = new Map<string, Sub>();
  private sendings = new Map<string, Sending>();
  private counter = 0;
  private challenge = "";
  private authenticating?: Promise<boolean>;
  private stopped = true;
  private atOnce = false;

  constructor(private readonly around: Surroundings) {}

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.connect();
  }
  stop(): void {
    this.stopped = true;
    this.callOff?.();
    this.socket?.close();
  }
  // Now rather than when the delay is over: the network is back, or somebody pressed a button.
  hurry(): void {
    if (this.stopped || this.ready || !this.callOff || this.socket) return;
    this.callOff();
    this.failures = 0;
    this.connect();
  }

  // A connection of its own for whoever signed in or out: the old one may be known as somebody else, or refused.
  reconnect(): void {
    this.failures = 0;
    this.atOnce = this.ready;
    if (this.ready) this.socket?.close();
    else this.hurry();
  }

  subscribe(filters: Filter[], handlers: Handlers, live = true): () => void {
    const id = `s${++this.counter}`;
    this.subs.set(id, { filters, handlers, live });
    if (this.ready) this.request(id);
    return () => {
      if (this.subs.delete(id) && this.ready) this.send(["CLOSE", id]);
    };
  }

  // What is stored now. Ends with what came if the server does not finish in time; fails if it refuses.
  query(filters: Filter[]): Promise<Event[]> {
    return new Promise((resolve, reject) => {
      const events: Event[] = [];
      const finish = (failure?: string) => {
        cancel();
        close();
        if (failure === undefined) resolve(events);
        else reject(new Error(failure));
      };
      const cancel = this.around.after(queryDeadline, () =>
        this.ready ? finish() : finish("there is no connection to your server"),
      );
      const close = this.subscribe(
        filters,
        { event: (event) => events.push(event), eose: () => finish(), closed: (reason) => finish(reason) },
        false,
      );
    });
  }

  publish(event: Event): Promise<Outcome> {
    return new Promise((resolve) => {
      const cancel = this.around.after(answerDeadline, () =>
        settle({ ok: false, reason: this.ready ? "your server gives no answer" : "there is no connection to your server" }),
      );
      const settle = (outcome: Outcome) => {
        cancel();
        this.sendings.delete(event.id);
        resolve(outcome);
      };
      this.sendings.set(event.id, { event, settle });
      if (this.ready) this.send(["EVENT", event]);
    });
  }

  private tell(state: LinkState, retryAt = 0): void {
    this.around.link({ state, retryAt, failures: this.failures });
  }

  private connect(): void {
    this.tell("connecting");
    let socket: Socket;
    try {
      socket = this.around.open();
    } catch {
      this.lost();
      return;
    }
    this.socket = socket;
    this.callOff = this.around.after(openDeadline, () => socket.close());
    let over = false;
    socket.onopen = () => {
      if (over) return;
      this.callOff?.();
      this.callOff = undefined;
      this.ready = true;
      this.failures = 0;
      this.challenge = "";
      this.authenticating = undefined;
      this.tell("open");
      for (const sub of this.subs.values()) sub.retried = false;
      for (const id of this.subs.keys()) this.request(id);
      for (const { event } of this.sendings.values()) this.send(["EVENT", event]);
    };
    socket.onmessage = ({ data }) => {
      if (!over && typeof data === "string") this.receive(data);
    };
    socket.onclose = () => {
      if (over) return;
      over = true;
      this.callOff?.();
      this.lost();
    };
  }

  private lost(): void {
    const wasReady = this.ready;
    this.ready = false;
    this.socket = undefined;
    if (wasReady) {
      const now = Math.floor(this.around.now() / 1000);
      for (const sub of this.subs.values()) sub.lostAt ??= now;
    }
    if (this.stopped) return;
    // Half of the delay is by chance, so that many pages do not come back at one moment.
    const patience = Math.min(longestDelay, firstDelay * 2 ** this.failures) * (0.5 + this.around.random() / 2);
    const delay = this.atOnce ? 0 : patience;
    if (!this.atOnce) ++this.failures;
    this.atOnce = false;
    this.tell("waiting", this.around.now() + delay);
    this.callOff = this.around.after(delay, () => this.connect());
  }

  private send(message: unknown[]): void {
    this.socket?.send(JSON.stringify(message));
  }

  private request(id: string): void {
    const sub = this.subs.get(id);
    if (!sub) return;
    const since = sub.live && sub.complete && sub.lostAt !== undefined ? sub.lostAt - overlap : undefined;
    const missed = (filter: Filter): Filter =>
      since === undefined || filter.until !== undefined || filter.limit === undefined
        ? filter
        : { ...filter, since: Math.max(filter.since ?? 0, since), limit: 500 };
    this.send(["REQ", id, ...sub.filters.map(missed)]);
  }

  private receive(text: string): void {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    if (!Array.isArray(message)) return;
    const [type, first, second, third] = message as unknown[];
    const word = typeof second === "string" ? second : "";
    if (type === "EVENT") {
      if (isEvent(second)) this.subs.get(String(first))?.handlers.event(second);
    } else if (type === "EOSE") {
      const sub = this.subs.get(String(first));
      if (sub) {
        sub.complete = true;
        sub.lostAt = undefined;
      }
      sub?.handlers.eose?.();
    } else if (type === "OK") {
      void this.settled(String(first), second === true, typeof third === "string" ? third : "");
    } else if (type === "CLOSED") {
      void this.closed(String(first), word);
    } else if (type === "NOTICE") {
      this.around.notice?.(String(first));
    } else if (type === "AUTH" && typeof first === "string") {
      this.challenge = first;
      this.authenticating = undefined;
    }
  }

  private async settled(id: string, ok: boolean, reason: string): Promise<void> {
    const sending = this.sendings.get(id);
    if (!sending) return;
    if (!ok && reason.startsWith("auth-required:") && !sending.retried) {
      sending.retried = true;
      if (await this.authenticate()) {
        this.send(["EVENT", sending.event]);
        return;
      }
    }
    sending.settle({ ok, reason });
  }

  private async closed(id: string, reason: string): Promise<void> {
    const sub = this.subs.get(id);
    if (!sub) return;
    if (reason.startsWith("auth-required:") && !sub.retried) {
      sub.retried = true;
      if (await this.authenticate()) {
        if (this.subs.has(id) && this.ready) this.request(id);
        return;
      }
    }
    sub.handlers.closed?.(reason);
  }

  // Once for each challenge, however many ask; again if nobody was there to sign.
  private authenticate(): Promise<boolean> {
    this.authenticating ??= (async () => {
      const event = this.challenge ? await this.around.sign?.(this.challenge) : undefined;
      if (!event || !this.ready) {
        this.authenticating = undefined;
        return false;
      }
      return new Promise<boolean>((resolve) => {
        const cancel = this.around.after(answerDeadline, () => resolve(false));
        this.sendings.set(event.id, {
          event,
          retried: true,
          settle: ({ ok }) => {
            cancel();
            this.sendings.delete(event.id);
            resolve(ok);
          },
        });
        this.send(["AUTH", event]);
      });
    })();
    return this.authenticating;
  }
}
