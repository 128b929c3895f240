// The frame around every page: navigation, what is wrong with the connection or the server, and a look beside.
import { useEffect, useState } from "preact/hooks";
import { followed } from "../nostr/compose";
import { ago, lasting, plural, refusal } from "../nostr/words";
import {
  account,
  clock,
  info,
  knownPeople,
  link,
  locked,
  lostFollows,
  me,
  myFollowSet,
  notice,
  refused,
  relay,
  status,
  unread,
  version,
} from "../state/app";
import { bind, binding, bindingNow, hush, publishLostFollows, signingIn, toasts } from "../state/actions";
import { linkOf, profileLink, route, searchLink } from "../state/prefs";
import { compose } from "./composer";
import { helping } from "./dialogs";
import { Icon, type IconName, Mark } from "./icons";
import { Avatar, FollowButton, Name, hint } from "./parts";

const places: { page: string; href: string; icon: IconName; label: string; phone: boolean }[] = [
  { page: "home", href: "#/", icon: "home", label: "Home", phone: true },
  { page: "search", href: "#/search", icon: "search", label: "Search", phone: true },
  { page: "notifications", href: "#/notifications", icon: "bell", label: "Notifications", phone: true },
  { page: "network", href: "#/network", icon: "network", label: "Network", phone: true },
  { page: "settings", href: "#/settings", icon: "settings", label: "Settings", phone: true },
];

export function Navigation() {
  const page = route.value.page === "everyone" ? "home" : route.value.page;
  const count = unread.value;
  const self = me.value;
  return (
    <nav class="nav" aria-label="Main">
      <a class="brand" href="#/" aria-label="nostrp2p, home">
        <Mark />
        <span class="wide-only">nostrp2p</span>
      </a>
      <ul>
        {places.map(({ page: name, href, icon, label }) => (
          <li key={name}>
            <a href={href} aria-current={page === name ? "page" : undefined} title={label}>
              <span class="nav-icon">
                <Icon name={icon} size={23} />
                {name === "notifications" && count > 0 && <span class="badge">{count > 99 ? "99+" : count}</span>}
              </span>
              <span class="nav-label">{label}</span>
              {name === "notifications" && count > 0 && <span class="hidden">, {count} unread</span>}
            </a>
          </li>
        ))}
        {self && (
          <li class="not-phone">
            <a
              href={profileLink(self)}
              aria-current={route.value.page === "profile" && route.value.pubkey === self ? "page" : undefined}
              title="Profile"
            >
              <span class="nav-icon">
                <Icon name="person" size={23} />
              </span>
              <span class="nav-label">Profile</span>
            </a>
          </li>
        )}
      </ul>
      {account.value ? (
        <button type="button" class="button compose" onClick={() => compose()}>
          <Icon name="pen" />
          <span class="nav-label">New post</span>
        </button>
      ) : (
        <button type="button" class="button compose" onClick={() => (signingIn.value = true)}>
          <Icon name="key" />
          <span class="nav-label">Sign in</span>
        </button>
      )}
      <button type="button" class="keys-help link wide-only" onClick={() => (helping.value = true)}>
        Keys: press <kbd>?</kbd>
      </button>
    </nav>
  );
}

// Seconds that tick while something is waited for.
function Countdown({ to }: { to: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.ceil((to - now) / 1000));
  return <span aria-hidden="true">{seconds ? ` Trying again in ${seconds} s.` : " Trying again."}</span>;
}

export function Banners() {
  const { state, retryAt, failures } = link.value;
  const known = binding.value;
  const server = status.value;
  const self = me.value;
  const stranger = self && server && server.owner !== self;
  const lost = stranger ? undefined : lostFollows.value;
  return (
    <div class="banners">
      <div role="status">
        {state !== "open" && failures > 0 && (
          <p class="banner warn">
            <Icon name="warn" />
            <span class="grow">
              Your server does not answer; what you see is what was loaded.
              {state === "waiting" && <Countdown to={retryAt} />}
            </span>
            <button type="button" class="button quiet" onClick={() => relay.hurry()}>
              Try now
            </button>
          </p>
        )}
        {refused.value && (
          <p class="banner warn">
            <Icon name="lock" />
            <span class="grow">Your server shows its posts only to whom it knows: {refusal(refused.value)}</span>
            {!self && (
              <button type="button" class="button" onClick={() => (signingIn.value = true)}>
                Sign in
              </button>
            )}
          </p>
        )}
        {notice.value && (
          <p class="banner">
            <Icon name="warn" />
            <span class="grow">Your server says: {notice.value}</span>
            <button type="button" class="icon-button" aria-label="Close" onClick={() => (notice.value = "")}>
              <Icon name="close" size={18} />
            </button>
          </p>
        )}
        {server?.disk_trouble && (
          <p class="banner warn">
            <Icon name="warn" />
            <span class="grow">The server's disk takes no writes: {server.disk_trouble}</span>
          </p>
        )}
        {stranger && (
          <p class="banner">
            <Icon name="person" />
            <span class="grow">
              This server belongs to <Name pubkey={server.owner} />. You can read here; posts of yours it takes only if
              they name its owner, or if it is set to take them.
            </span>
          </p>
        )}
      </div>
      {lost && (
        <div class="banner warn">
          <Icon name="person" />
          <span class="grow">
            Your server lacks your newest follow list. This browser has a copy: {plural(followed(lost).length, "person", "people")},{" "}
            {ago(lost.created_at, clock.value)}.
          </span>
          <button type="button" class="button" onClick={() => void publishLostFollows()}>
            Publish it
          </button>
        </div>
      )}
      {known && known.state !== "good" && !bindingNow.value && (
        <div class="banner warn">
          <Icon name="key" />
          <span class="grow">{bindWords[known.state]?.(known.expires - clock.value)}</span>
          <button type="button" class="button" onClick={() => void bind()}>
            {known.state === "none" ? "Sign" : "Sign again"}
          </button>
        </div>
      )}
    </div>
  );
}

const bindWords: Record<string, (left: number) => string> = {
  none: () => "Say with your key that this server is yours, so that nobody else can claim to be it.",
  "ends soon": (left) => `Your word that this server is yours runs out in ${lasting(left)}.`,
  ended: () => "Your word that this server is yours has run out: others may stop trusting it.",
  elsewhere: () => "By your last word you are at home on another server. Sign again to be at home on this one.",
  revoked: () => "You took back your word that this server is yours.",
};

export function SearchBox({ autofocus }: { autofocus?: boolean }) {
  const query = route.value.page === "search" ? route.value.query : "";
  const [text, setText] = useState(query);
  useEffect(() => setText(query), [query]);
  return (
    <form
      role="search"
      class="search"
      onSubmit={(event) => {
        event.preventDefault();
        const wanted = text.trim();
        if (wanted) location.hash = linkOf(wanted) ?? searchLink(wanted);
      }}
    >
      <Icon name="search" size={18} />
      <label class="hidden" for={autofocus ? "search-main" : "search-aside"}>
        Search
      </label>
      <input
        id={autofocus ? "search-main" : "search-aside"}
        type="search"
        value={text}
        autoComplete="off"
        {...hint("Words, #tags, npub…")}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </form>
  );
}

export function Aside() {
  void version.value;
  const server = status.value;
  const strangers = knownPeople()
    .filter(({ pubkey, name }) => name && pubkey !== me.value && !myFollowSet.value.has(pubkey))
    .slice(0, 4);
  const established = server?.neighbours.filter((neighbour) => neighbour.established).length ?? 0;
  return (
    <aside class="aside" aria-label="Beside">
      {route.value.page !== "search" && <SearchBox />}
      <section class="card" aria-labelledby="aside-server">
        <h2 id="aside-server">Your server</h2>
        <p class="server-line">
          <span class={`dot ${link.value.state}`} />
          {link.value.state === "open" ? info.value.name || location.host : "not connected"}
        </p>
        {server && (
          <p class="muted">
            {plural(established, "neighbour")}, {plural(server.stored_events, "event")} stored
          </p>
        )}
        {locked.value && (
          <p class="muted with-icon">
            <Icon name="lock" size={16} /> Your key is locked
          </p>
        )}
        <a href="#/network">See the network</a>
      </section>
      {me.value && strangers.length > 0 && (
        <section class="card" aria-labelledby="aside-people">
          <h2 id="aside-people">People around</h2>
          {strangers.map(({ pubkey }) => (
            <div class="person small" key={pubkey}>
              <Avatar pubkey={pubkey} size={36} />
              <div class="person-text">
                <Name pubkey={pubkey} />
              </div>
              <FollowButton pubkey={pubkey} />
            </div>
          ))}
        </section>
      )}
    </aside>
  );
}

export function Toasts() {
  return (
    <div class="toasts">
      <div role="status">
        {toasts.value.filter(({ bad }) => !bad).map(({ id, text }) => (
          <p class="toast" key={id}>
            <Icon name="check" size={18} /> {text}
          </p>
        ))}
      </div>
      <div role="alert">
        {toasts.value.filter(({ bad }) => bad).map(({ id, text }) => (
          <p class="toast bad" key={id}>
            <Icon name="warn" size={18} /> <span class="grow">{text}</span>
            <button type="button" class="icon-button" aria-label="Close" onClick={() => hush(id)}>
              <Icon name="close" size={16} />
            </button>
          </p>
        ))}
      </div>
    </div>
  );
}
