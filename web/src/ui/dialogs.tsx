// Sign in, unlock, shortcuts, source.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import * as nip19 from "nostr-tools/nip19";
import { account, vault } from "../state/app";
import {
  type Question,
  signInWithEncrypted,
  signInWithExtension,
  signInWithKey,
  question,
  signingIn,
  unlock,
  unlocking,
} from "../state/actions";
import { newSecret, parseSecret, shortestPassword } from "../state/vault";
import { Icon } from "./icons";
import { source } from "./note";
import { CopyButton, Modal } from "./parts";

// Runs what may be refused; the refusal is shown in the form.
function useAttempt(): { busy: boolean; trouble: string; attempt(what: () => Promise<void>): Promise<void> } {
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");
  const attempt = async (what: () => Promise<void>) => {
    setBusy(true);
    setTrouble("");
    try {
      await what();
    } catch (failure) {
      setTrouble(failure instanceof Error ? failure.message : String(failure));
    }
    setBusy(false);
  };
  return { busy, trouble, attempt };
}

export function Field(props: {
  label: string;
  value: string;
  set(value: string): void;
  type?: string;
  first?: boolean;
  autocomplete?: string;
  help?: string;
  name?: string;
}) {
  const id = useMemo(() => `field-${Math.random().toString(36).slice(2)}`, []);
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <input
        id={id}
        name={props.name}
        type={props.type ?? "text"}
        value={props.value}
        data-first={props.first || undefined}
        autoComplete={props.autocomplete ?? "off"}
        autoCapitalize="none"
        spellcheck={false}
        aria-describedby={props.help ? `${id}-help` : undefined}
        onInput={(event) => props.set(event.currentTarget.value)}
      />
      {props.help && (
        <p class="help" id={`${id}-help`}>
          {props.help}
        </p>
      )}
    </div>
  );
}

const Trouble = ({ text }: { text: string }) => (
  <p class="trouble" role="alert">
    {text}
  </p>
);

type Way = "choose" | "new" | "import";

function NewKey() {
  const secret = useMemo(newSecret, []);
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [kept, setKept] = useState(false);
  const { busy, trouble, attempt } = useAttempt();
  const nsec = nip19.nsecEncode(secret);
  const create = () =>
    attempt(async () => {
      if (password !== again) throw new Error("The two passwords differ.");
      await signInWithKey(secret, password, true);
    });
  return (
    <Form submit={create}>
      <p>
        This is your new secret key. Whoever has it is you, and nobody can give you another one for it, so keep a copy in
        a safe place.
      </p>
      <div class="secret">
        <code>{nsec}</code>
        <CopyButton text={nsec} label="Copy the secret key" />
      </div>
      <Passwords {...{ password, setPassword, again, setAgain }} />
      <label class="check">
        <input type="checkbox" checked={kept} onInput={(event) => setKept(event.currentTarget.checked)} />
        I have kept a copy of the secret key
      </label>
      <Trouble text={trouble} />
      <button type="submit" class="button" disabled={busy || !kept || password.length < shortestPassword}>
        {busy ? "Encrypting…" : "Sign in with this key"}
      </button>
    </Form>
  );
}

function ImportKey() {
  const [key, setKey] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const { busy, trouble, attempt } = useAttempt();
  const encrypted = key.trim().startsWith("ncryptsec1");
  const create = () =>
    attempt(async () => {
      if (encrypted) return signInWithEncrypted(key, password);
      const secret = parseSecret(key);
      if (password !== again) throw new Error("The two passwords differ.");
      return signInWithKey(secret, password);
    });
  return (
    <Form submit={create}>
      <Field label="Secret key" name="secret" type="password" first value={key} set={setKey} help="nsec1…, ncryptsec1… or 64 hex digits. It stays in this browser, encrypted." />
      {encrypted ? (
        <Field label="Its password" name="password" type="password" value={password} set={setPassword} autocomplete="current-password" />
      ) : (
        <Passwords {...{ password, setPassword, again, setAgain }} />
      )}
      <Trouble text={trouble} />
      <button type="submit" class="button" disabled={busy || !key || !password}>
        {busy ? "Encrypting…" : "Sign in"}
      </button>
    </Form>
  );
}

function Passwords(props: { password: string; setPassword(text: string): void; again: string; setAgain(text: string): void }) {
  return (
    <>
      <Field
        label="Password for this browser"
        name="password"
        type="password"
        value={props.password}
        set={props.setPassword}
        autocomplete="new-password"
        help={`At least ${shortestPassword} characters. It encrypts the key here (NIP-49).`}
      />
      <Field label="The same again" name="again" type="password" value={props.again} set={props.setAgain} autocomplete="new-password" />
    </>
  );
}

export function Form({ submit, children }: { submit(): Promise<void>; children: ComponentChildren }) {
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {children}
    </form>
  );
}

function SignInDialog() {
  const [way, setWay] = useState<Way>("choose");
  const { busy, trouble, attempt } = useAttempt();
  const close = () => (signingIn.value = false);
  const title = { choose: "Sign in", new: "Make a new key", import: "Use a key that you have" }[way];
  return (
    <Modal title={title} close={close}>
      {way === "choose" && (
        <div class="choices">
          <button type="button" class="choice" data-first disabled={busy || !window.nostr} onClick={() => void attempt(signInWithExtension)}>
            <Icon name="lock" />
            <span>
              <b>With your extension</b>
              <small>{window.nostr ? "It keeps the key and signs (NIP-07)." : "None found in this browser (NIP-07)."}</small>
            </span>
          </button>
          <button type="button" class="choice" data-first={!window.nostr || undefined} onClick={() => setWay("import")}>
            <Icon name="key" />
            <span>
              <b>With a key that you have</b>
              <small>nsec, ncryptsec or hex. It is kept here, encrypted.</small>
            </span>
          </button>
          <button type="button" class="choice" onClick={() => setWay("new")}>
            <Icon name="person" />
            <span>
              <b>Make a new key</b>
              <small>For the first steps. A server posts for the key that it was started with.</small>
            </span>
          </button>
          <Trouble text={trouble} />
        </div>
      )}
      {way === "new" && <NewKey />}
      {way === "import" && <ImportKey />}
      {way !== "choose" && (
        <button type="button" class="link" onClick={() => setWay("choose")}>
          Another way
        </button>
      )}
    </Modal>
  );
}

function UnlockDialog({ why, done }: { why: string; done(unlocked: boolean): void }) {
  const [password, setPassword] = useState("");
  const { busy, trouble, attempt } = useAttempt();
  const open = () =>
    attempt(async () => {
      await unlock(password);
      done(true);
    });
  return (
    <Modal title="Unlock your key" close={() => done(false)}>
      <Form submit={open}>
        <p>{why}</p>
        <Field label="Password" name="password" type="password" first value={password} set={setPassword} autocomplete="current-password" />
        <Trouble text={trouble} />
        <button type="submit" class="button" disabled={busy || !password}>
          {busy ? "Unlocking…" : "Unlock"}
        </button>
      </Form>
    </Modal>
  );
}

export const helping = signal(false);
export const shortcuts: [string, string][] = [
  ["j", "next note"],
  ["k", "note before"],
  ["Enter", "open the note"],
  ["n", "new post"],
  ["r", "reply to the note"],
  ["l", "like it, or take that back"],
  ["q", "quote it"],
  ["/", "search"],
  ["g", "home, and to the top"],
  ["Ctrl Enter", "send what you write"],
  ["Esc", "close"],
  ["?", "this list"],
];

export const Shortcuts = () => (
  <dl class="shortcuts">
    {shortcuts.map(([key, what]) => (
      <div key={key}>
        <dt>
          {key.split(" ").map((part) => (
            <kbd>{part}</kbd>
          ))}
        </dt>
        <dd>{what}</dd>
      </div>
    ))}
  </dl>
);

function QuestionDialog({ title, text, yes, done }: Question) {
  return (
    <Modal title={title} close={() => done(false)}>
      <p>{text}</p>
      <p class="row">
        <button type="button" class="button quiet" data-first onClick={() => done(false)}>
          Not now
        </button>
        <button type="button" class="button" onClick={() => done(true)}>
          {yes}
        </button>
      </p>
    </Modal>
  );
}

export function Dialogs() {
  return (
    <>
      {signingIn.value && <SignInDialog />}
      {unlocking.value && <UnlockDialog {...unlocking.value} />}
      {question.value && <QuestionDialog {...question.value} />}
      {helping.value && (
        <Modal title="Keys" close={() => (helping.value = false)}>
          <Shortcuts />
        </Modal>
      )}
      {source.value && (
        <Modal title="Source" wide close={() => (source.value = undefined)}>
          <pre class="source" tabIndex={0} aria-label="The event as JSON">
            {JSON.stringify(source.value, null, 2)}
          </pre>
        </Modal>
      )}
    </>
  );
}

// The secret key, for its owner to keep elsewhere.
export function ShowKey() {
  const [nsec, setNsec] = useState<string | undefined>();
  const [password, setPassword] = useState("");
  const { busy, trouble, attempt } = useAttempt();
  const kept = account.value;
  if (kept?.method !== "key") return null;
  if (nsec) {
    return (
      <div class="secret">
        <code>{nsec}</code>
        <CopyButton text={nsec} label="Copy the secret key" />
        <button type="button" class="button quiet" onClick={() => setNsec(undefined)}>
          Hide
        </button>
      </div>
    );
  }
  const show = () =>
    attempt(async () => {
      await unlock(password);
      setPassword("");
      setNsec(vault.nsec());
    });
  return (
    <details class="fold">
      <summary>Show the secret key</summary>
      <Form submit={show}>
        <Field label="Password" name="show-password" type="password" value={password} set={setPassword} autocomplete="current-password" />
        <Trouble text={trouble} />
        <button type="submit" class="button quiet" disabled={busy || !password}>
          {busy ? "Unlocking…" : "Show"}
        </button>
      </Form>
    </details>
  );
}
