// Theme, key, the word for the server, and what the server says of itself.
import type { ComponentChildren } from "preact";
import * as nip19 from "nostr-tools/nip19";
import { lasting } from "../nostr/words";
import { account, clock, info, link, locked, status } from "../state/app";
import { bind, binding, lock, signOut, signingIn, unlocking } from "../state/actions";
import { profileLink, setTheme, theme, themes } from "../state/prefs";
import { Shortcuts, ShowKey } from "../ui/dialogs";
import { Icon } from "../ui/icons";
import { Avatar, CopyButton, Header, Name } from "../ui/parts";

const Section = ({ title, children }: { title: string; children: ComponentChildren }) => {
  const id = `settings-${title.toLowerCase().replace(/\W+/g, "-")}`;
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
};

function Theme() {
  return (
    <Section title="Appearance">
      <fieldset class="segments">
        <legend class="hidden">Theme</legend>
        {themes.map((name) => (
          <label key={name}>
            <input type="radio" name="theme" value={name} checked={theme.value === name} onChange={() => setTheme(name)} />
            <span>
              {name !== "system" && <Icon name={name === "light" ? "sun" : "moon"} size={18} />}
              {{ system: "As the system", light: "Light", dark: "Dark" }[name]}
            </span>
          </label>
        ))}
      </fieldset>
    </Section>
  );
}

const unlockNow = () => {
  unlocking.value = { why: "It stays unlocked until this page is closed, or you lock it.", done: () => (unlocking.value = undefined) };
};

function Key() {
  const kept = account.value;
  if (!kept) {
    return (
      <Section title="Your key">
        <p>Nobody is signed in here.</p>
        <button type="button" class="button" onClick={() => (signingIn.value = true)}>
          Sign in
        </button>
      </Section>
    );
  }
  const npub = nip19.npubEncode(kept.pubkey);
  return (
    <Section title="Your key">
      <div class="person">
        <Avatar pubkey={kept.pubkey} />
        <div class="person-text">
          <Name pubkey={kept.pubkey} />
          <a class="muted" href={profileLink(kept.pubkey)}>
            See and edit your profile
          </a>
        </div>
      </div>
      <div class="secret">
        <code>{npub}</code>
        <CopyButton text={npub} label="Copy the public key" />
      </div>
      {kept.method === "extension" ? (
        <p>Your browser's extension keeps the secret key and signs (NIP-07).</p>
      ) : (
        <>
          <p class="with-icon">
            <Icon name={locked.value ? "lock" : "unlock"} size={18} />
            {locked.value ? "Locked: you can read, and are asked for the password when you write." : "Unlocked in this page."}
          </p>
          <p class="row">
            <button type="button" class="button quiet" onClick={() => (locked.value ? unlockNow() : lock())}>
              {locked.value ? "Unlock" : "Lock"}
            </button>
          </p>
          <details class="fold">
            <summary>The encrypted key, to keep elsewhere</summary>
            <div class="secret">
              <code>{kept.ncryptsec}</code>
              <CopyButton text={kept.ncryptsec} label="Copy the encrypted key" />
            </div>
          </details>
          <ShowKey />
        </>
      )}
      <details class="fold">
        <summary>Sign out</summary>
        <p>
          {kept.method === "key"
            ? "This removes the key from this browser. Without a copy of it elsewhere nobody can ever sign in with it again."
            : "The extension keeps the key."}
        </p>
        <button type="button" class="button danger" onClick={signOut}>
          Sign out
        </button>
      </details>
    </Section>
  );
}

function Home() {
  const known = binding.value;
  if (!known) return null;
  const words = {
    none: "You have not said yet that this server is yours.",
    good: `Signed; good for another ${lasting(known.expires - clock.value)}.`,
    "ends soon": `Signed; runs out in ${lasting(known.expires - clock.value)}.`,
    ended: "Your word has run out.",
    elsewhere: "By your last word another server is yours.",
    revoked: "You took your word back.",
  };
  return (
    <Section title="Your word for this server">
      <p>{words[known.state]}</p>
      <p class="muted">A signed BIND tells the network which server is yours, for 90 days. Nobody else can then claim to be it.</p>
      <button type="button" class={known.state === "good" ? "button quiet" : "button"} onClick={() => void bind()}>
        {known.state === "good" ? "Renew" : "Sign"}
      </button>
    </Section>
  );
}

function Server() {
  const { name, description, software, version, supported_nips: nips, limitation } = info.value;
  return (
    <Section title="Server">
      <dl class="facts">
        <div class="fact">
          <dt>Address</dt>
          <dd>{location.host}</dd>
        </div>
        <div class="fact">
          <dt>Connection</dt>
          <dd>{{ open: "connected", connecting: "connecting", waiting: "broken, will try again" }[link.value.state]}</dd>
        </div>
        {name && (
          <div class="fact">
            <dt>Name</dt>
            <dd>{name}</dd>
          </div>
        )}
        {software && (
          <div class="fact">
            <dt>Software</dt>
            <dd>
              {software} {version}
            </dd>
          </div>
        )}
        {status.value && (
          <div class="fact">
            <dt>Owner</dt>
            <dd>
              <Name pubkey={status.value.owner} />
            </dd>
          </div>
        )}
        {nips && nips.length > 0 && (
          <div class="fact">
            <dt>NIPs</dt>
            <dd>{nips.join(", ")}</dd>
          </div>
        )}
      </dl>
      {description && <p class="muted">{description}</p>}
      {limitation && (
        <details class="fold">
          <summary>Its limits</summary>
          <table>
            <tbody>
              {Object.entries(limitation).map(([what, value]) => (
                <tr key={what}>
                  <th scope="row">{what.replace(/_/g, " ")}</th>
                  <td class="amount">{typeof value === "boolean" ? (value ? "yes" : "no") : String(value)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </Section>
  );
}

export function SettingsPage() {
  return (
    <>
      <Header title="Settings" />
      <div class="cards single">
        <Theme />
        <Key />
        <Home />
        <Server />
        <Section title="Keys of this page">
          <Shortcuts />
        </Section>
      </div>
    </>
  );
}
