// The server among the others, as pictures that move: GET /status every two seconds while somebody looks.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { History, type Neighbour, type ServerStatus, sparkline } from "../net/status";
import { bytes, count, lasting, number, plural } from "../nostr/words";
import { account, refreshStatus, status, statusTrouble } from "../state/app";
import { Nat } from "../ui/nat";
import { Avatar, CopyButton, Empty, Header, Name, Waiting } from "../ui/parts";

const period = 2000;
const samples = 150; // five minutes
const headroom = 1.25; // of a picture above its highest value
const fewest = 30; // a picture is as wide as a minute at least
const history = signal(new History(samples));
const historyVersion = signal(0);

async function poll(): Promise<void> {
  const server = await refreshStatus();
  if (!server) return;
  history.value.add(server, Date.now() / 1000);
  historyVersion.value++;
}

// ---------------------------------------------------------------------------------------------------------- pictures
function Spark(props: { label: string; now: string; values: number[]; tone: string; second?: number[]; secondNow?: string }) {
  const { label, now, values, tone, second, secondNow } = props;
  const width = 240;
  const height = 56;
  // Both lines of one picture have one scale.
  const top = Math.max(...values, ...(second ?? []), 0) * headroom;
  const line = (list: number[]) => {
    const scale = Math.max(...list, 1e-9) / Math.max(top, 1e-9);
    return sparkline(list, width, height * scale, Math.max(fewest, list.length))
      .split(" ")
      .map((point) => {
        const [x, y] = point.split(",");
        return `${x},${(Number(y) + height * (1 - scale)).toFixed(1)}`;
      })
      .join(" ");
  };
  const points = line(values);
  const left = points.split(",")[0];
  return (
    <figure class={`spark ${tone}`}>
      <figcaption>
        <span>{label}</span>
        <b>
          {now}
          {secondNow && <span class="second"> / {secondNow}</span>}
        </b>
      </figcaption>
      <svg viewBox={`0 -3 ${width} ${height + 6}`} preserveAspectRatio="none" role="img" aria-label={`${label}: now ${now}${secondNow ? `, ${secondNow}` : ""}`}>
        {values.length > 1 && <polygon points={`${left},${height} ${points} ${width},${height}`} />}
        {values.length > 1 && <polyline points={points} />}
        {second && second.length > 1 && <polyline class="second" points={line(second)} />}
      </svg>
    </figure>
  );
}

// A store changes by a few events: the picture shows the change, not the whole.
function aboveLeast(values: number[]): number[] {
  const least = Math.min(...values);
  const spread = Math.max(...values) - least;
  return values.map((value) => value - least + Math.max(1, spread * 0.2));
}

const pathWords: Record<Neighbour["path"], string> = {
  direct: "direct",
  punched: "through a hole in the NAT",
  relayed: "through a relay",
};

// Neighbours around this server. Lines tell the way: whole direct, dashed punched, dotted relayed.
function Ring({ neighbours }: { neighbours: Neighbour[] }) {
  const size = 360;
  const middle = size / 2;
  const shown = neighbours.slice(0, 32);
  const radius = 128;
  const places = shown.map((neighbour, index) => {
    const angle = (index / Math.max(1, shown.length)) * 2 * Math.PI - Math.PI / 2;
    return { neighbour, x: middle + radius * Math.cos(angle), y: middle + radius * Math.sin(angle), angle };
  });
  const named = shown.length <= 14;
  return (
    <svg class="ring" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={`This server and ${plural(neighbours.length, "neighbour")}`}>
      <circle class="orbit" cx={middle} cy={middle} r={radius} />
      {places.map(({ neighbour, x, y }) => (
        <line key={`l${neighbour.name}`} class={`way ${neighbour.path}${neighbour.established ? "" : " opening"}`} x1={middle} y1={middle} x2={x} y2={y} />
      ))}
      {places.map(({ neighbour, x, y, angle }) => (
        <g key={neighbour.name} class={`peer ${neighbour.path}${neighbour.established ? "" : " opening"}`}>
          <title>{`${neighbour.name} at ${neighbour.remote}: ${pathWords[neighbour.path]}`}</title>
          <circle cx={x} cy={y} r={shown.length > 20 ? 8 : 12} />
          {named && (
            <text
              x={x + Math.cos(angle) * 18}
              y={y + Math.sin(angle) * 20 + 4}
              text-anchor={Math.abs(Math.cos(angle)) < 0.3 ? "middle" : Math.cos(angle) > 0 ? "start" : "end"}
            >
              {neighbour.name.slice(0, 4)}
            </text>
          )}
        </g>
      ))}
      <circle class="self" cx={middle} cy={middle} r="24" />
      <text class="self-text" x={middle} y={middle + 4} text-anchor="middle">
        you
      </text>
    </svg>
  );
}

const trafficWords: Record<string, string> = {
  control: "the network itself",
  payload: "posts and other events",
  duplicate: "events that were there already",
  relay: "passed on for others",
};

// What the bytes were for, as bars.
function Classes({ server }: { server: ServerStatus }) {
  const rows = Object.keys(server.frames_out)
    .map((name) => ({ name, out: server.frames_out[name]?.bytes ?? 0, in: server.frames_in[name]?.bytes ?? 0 }))
    .filter((row) => row.in + row.out > 0)
    .sort((a, b) => b.in + b.out - a.in - a.out);
  const top = Math.max(...rows.map((row) => Math.max(row.in, row.out)), 1);
  if (!rows.length) return <p class="muted">No traffic yet.</p>;
  return (
    <table class="bars">
      <thead>
        <tr>
          <th scope="col">for</th>
          <th scope="col">received</th>
          <th scope="col">sent</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.name}>
            <th scope="row">{trafficWords[row.name] ?? row.name}</th>
            <Bar amount={row.in} top={top} tone="in" />
            <Bar amount={row.out} top={top} tone="out" />
          </tr>
        ))}
      </tbody>
    </table>
  );
}
const Bar = ({ amount, top, tone }: { amount: number; top: number; tone: string }) => (
  <td>
    <svg class={`bar ${tone}`} viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect x="0" y="0" width="100" height="6" rx="1" class="track" />
      <rect x="0" y="0" width={((amount / top) * 100).toFixed(1)} height="6" rx="1" />
    </svg>
    <span>{bytes(amount)}</span>
  </td>
);

function Fact({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const Card = ({ title, children, wide }: { title: string; children: ComponentChildren; wide?: boolean }) => {
  const id = `card-${title.toLowerCase().replace(/\W+/g, "-")}`;
  return (
    <section class={wide ? "card wide" : "card"} aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
};

const identityWords: Record<string, string> = {
  claimed: "not signed by its owner",
  bound: "signed by its owner",
  expired: "its owner's word has run out",
  elsewhere: "its owner is at home elsewhere",
  revoked: "its owner took the word back",
};

function Picture({ server }: { server: ServerStatus }) {
  void historyVersion.value;
  const { samples: past } = history.value;
  const last = past[past.length - 1];
  const established = server.neighbours.filter((neighbour) => neighbour.established);
  const { overlay } = server;
  const rejected = Object.entries(server.rejected).sort((a, b) => b[1] - a[1]);
  return (
    <div class="cards">
      <Card title="This server" wide>
        <div class="node">
          <code class="node-id" aria-label="Node id">{server.node_id}</code>
          <CopyButton text={server.node_id} label="Copy the node id" />
        </div>
        <dl class="facts">
          <Fact label="Owner">
            <span class="with-icon">
              <Avatar pubkey={server.owner} size={22} /> <Name pubkey={server.owner} />
            </span>
          </Fact>
          <Fact label="Identity">{identityWords[server.identity.state] ?? server.identity.state}</Fact>
          <Fact label="Listens at">{server.listen}</Fact>
          <Fact label="Up">{lasting(server.uptime_s)}</Fact>
          <Fact label="Sends posts to">{server.mode_now === "broadcast" ? "everybody" : "followers"}</Fact>
        </dl>
        <Nat name={server.nat} />
      </Card>

      <Card title="Neighbours" wide>
        <div class="ring-row">
          <Ring neighbours={server.neighbours} />
          <div>
            <dl class="facts">
              <Fact label="Neighbours">{number(established.length)}</Fact>
              <Fact label="Servers in the network">{overlay.servers ? `about ${number(overlay.servers)}` : "not known yet"}</Fact>
              <Fact label="Servers with a known way">{number(server.reachable)}</Fact>
              <Fact label="Others known of">{number(overlay.passive)}</Fact>
            </dl>
            <ul class="legend">
              <li>
                <svg viewBox="0 0 30 6" aria-hidden="true"><line class="way direct" x1="0" y1="3" x2="30" y2="3" /></svg> direct
              </li>
              <li>
                <svg viewBox="0 0 30 6" aria-hidden="true"><line class="way punched" x1="0" y1="3" x2="30" y2="3" /></svg> through a hole in the NAT
              </li>
              <li>
                <svg viewBox="0 0 30 6" aria-hidden="true"><line class="way relayed" x1="0" y1="3" x2="30" y2="3" /></svg> through a relay
              </li>
            </ul>
          </div>
        </div>
        {server.neighbours.length > 0 && (
          <details class="fold">
            <summary>As a list</summary>
            <div class="scroll" tabIndex={0} role="region" aria-label="List of neighbours">
              <table>
                <thead>
                  <tr>
                    <th scope="col">name</th>
                    <th scope="col">address</th>
                    <th scope="col">way</th>
                    <th scope="col">opened by</th>
                  </tr>
                </thead>
                <tbody>
                  {server.neighbours.map((neighbour) => (
                    <tr key={neighbour.name + neighbour.remote}>
                      <td>
                        <code>{neighbour.name}</code>
                      </td>
                      <td>{neighbour.remote}</td>
                      <td>{neighbour.established ? neighbour.path : "opening"}</td>
                      <td>{neighbour.outbound ? "this server" : "the other"}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </details>
        )}
      </Card>

      <Card title="Traffic">
        <Spark
          label="Received / sent, a second"
          tone="flow"
          now={last ? bytes(last.in) : "…"}
          secondNow={last ? bytes(last.out) : undefined}
          values={past.map((sample) => sample.in)}
          second={past.map((sample) => sample.out)}
        />
        <p class="muted">
          Since the start {bytes(server.links.wire_bytes_in)} received and {bytes(server.links.wire_bytes_out)} sent.
        </p>
        <Classes server={server} />
      </Card>

      <Card title="Store">
        <Spark label="Events stored" tone="store" now={number(server.stored_events)} values={aboveLeast(past.map((sample) => sample.stored))} />
        <dl class="facts">
          <Fact label="Taken since the start">{number(server.events_accepted)}</Fact>
          <Fact label="Made room">{number(server.evicted)}</Fact>
          <Fact label="Waiting for somebody">{number(server.outbox)}</Fact>
          <Fact label="Written to disk">{plural(server.syncs, "time")}</Fact>
          <Fact label="Follows / followers">
            {number(server.follows)} / {number(server.followers)}
          </Fact>
          <Fact label="Mail kept for others">
            {plural(server.mail.letters, "letter")} ({bytes(server.mail.bytes)})
          </Fact>
        </dl>
      </Card>

      <Card title="Relays">
        <dl class="facts">
          <Fact label="Relays in use">{number(overlay.relays)}</Fact>
          <Fact label="Servers behind this one">{number(overlay.clients)}</Fact>
        </dl>
        {overlay.relay_addresses.length > 0 ? (
          <ul class="plain">
            {overlay.relay_addresses.map((address) => (
              <li key={address}>
                <code>{address}</code>
              </li>
            ))}
          </ul>
        ) : (
          <p class="muted">It needs no relay at the moment.</p>
        )}
        {server.mail.guardians.length > 0 && (
          <>
            <h3>Keep mail while it is away</h3>
            <ul class="plain">
              {server.mail.guardians.map((guardian) => (
                <li key={guardian}>
                  <Name pubkey={guardian} />
                </li>
              ))}
            </ul>
          </>
        )}
      </Card>

      <Card title="Refused">
        {rejected.length ? (
          <table>
            <tbody>
              {rejected.slice(0, 12).map(([what, times]) => (
                <tr key={what}>
                  <th scope="row">{what}</th>
                  <td class="amount">{count(times)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        ) : (
          <p class="muted">Nothing was refused since the start.</p>
        )}
      </Card>
    </div>
  );
}

export function NetworkPage() {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    const again = async () => {
      if (!document.hidden) await poll();
      if (!over) timer = setTimeout(() => void again(), period);
    };
    void again();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, []);
  const server = status.value;
  return (
    <>
      <Header title="Network">
        {server && <span class={`live${statusTrouble.value ? " stale" : ""}`}>{statusTrouble.value ? "no news" : "live"}</span>}
      </Header>
      {statusTrouble.value && (
        <p class="banner warn" role="status">
          <span class="grow">No state from the server: {statusTrouble.value}.</span>
        </p>
      )}
      {server ? (
        <Picture server={server} />
      ) : statusTrouble.value ? (
        <Empty icon="network" title="No picture of the network">
          <p>The server shows it on its own machine, and to its owner.</p>
          {account.value && (
            <button type="button" class="button quiet" onClick={() => void refreshStatus(true)}>
              Ask with my key
            </button>
          )}
        </Empty>
      ) : (
        <Waiting what="Asking your server…" />
      )}
    </>
  );
}

