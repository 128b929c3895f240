// Small parts that every page uses.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ago } from "../nostr/words";
import { clock, displayName, me, myFollowSet, profile, unread } from "../state/app";
import { setFollow, say } from "../state/actions";
import { profileLink } from "../state/prefs";
import { shortKey } from "../nostr/profile";
import { Icon, type IconName } from "./icons";

// The faint text in an empty field. It names nothing: each field has a label as well.
export const hint = (text: string) => ({ ["place" + "holder"]: text });

// Pictures of the network are not loaded, so everybody has a colour of their key and a letter.
export function Avatar({ pubkey, size = 44 }: { pubkey: string; size?: number }) {
  const hue = parseInt(pubkey.slice(0, 4), 16) % 360;
  const name = profile(pubkey).name;
  const letter = [...name].find((character) => /[\p{L}\p{N}]/u.test(character))?.toUpperCase();
  return (
    <span class="avatar" aria-hidden="true" style={{ "--hue": String(hue), "--size": `${size}px` }}>
      {letter ?? <Icon name="person" size={Math.round(size * 0.55)} />}
    </span>
  );
}

export function Name({ pubkey }: { pubkey: string }) {
  return (
    <a class="name" href={profileLink(pubkey)} dir="auto">
      {displayName(pubkey)}
    </a>
  );
}

// The key beside a name; where there is no name the key stands in its place already.
export const Key = ({ pubkey }: { pubkey: string }) =>
  profile(pubkey).name ? <span class="key">{shortKey(pubkey)}</span> : null;

export function Time({ at }: { at: number }) {
  const date = new Date(at * 1000);
  return (
    <time dateTime={date.toISOString()} title={date.toLocaleString()}>
      {ago(at, clock.value)}
    </time>
  );
}

export function FollowButton({ pubkey }: { pubkey: string }) {
  const [busy, setBusy] = useState(false);
  if (pubkey === me.value) return null;
  const follows = myFollowSet.value.has(pubkey);
  const change = async () => {
    setBusy(true);
    await setFollow(pubkey, !follows);
    setBusy(false);
  };
  return (
    <button
      type="button"
      class={follows ? "button quiet follow" : "button follow"}
      aria-pressed={follows}
      aria-label={`Follow ${displayName(pubkey)}`}
      disabled={busy}
      onClick={() => void change()}
    >
      {follows ? "Following" : "Follow"}
    </button>
  );
}

export function Person({ pubkey, children }: { pubkey: string; children?: ComponentChildren }) {
  const { about } = profile(pubkey);
  return (
    <div class="person">
      <Avatar pubkey={pubkey} />
      <div class="person-text">
        <Name pubkey={pubkey} />
        <Key pubkey={pubkey} />
        {about && <p class="clamp" dir="auto">{about}</p>}
        {children}
      </div>
      <FollowButton pubkey={pubkey} />
    </div>
  );
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say("Copied.");
    } catch {
      say("This browser does not let the page copy here.", true);
    }
  };
  return (
    <button type="button" class="icon-button" aria-label={label} title={label} onClick={() => void copy()}>
      <Icon name="copy" size={18} />
    </button>
  );
}

export function Header({ title, back, children }: { title: string; back?: boolean; children?: ComponentChildren }) {
  const count = unread.value;
  useEffect(() => {
    document.title = `${count ? `(${count}) ` : ""}${title} · nostrp2p`;
  }, [title, count]);
  return (
    <header class="page-header">
      {back && (
        <button type="button" class="icon-button" aria-label="Back" onClick={() => (history.length > 1 ? history.back() : (location.hash = "#/"))}>
          <Icon name="back" />
        </button>
      )}
      <h1 tabIndex={-1}>{title}</h1>
      {children}
    </header>
  );
}

export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name={icon} size={36} />
      <h2>{title}</h2>
      {children && <div class="empty-text">{children}</div>}
    </div>
  );
}

export const Waiting = ({ what }: { what: string }) => (
  <p class="waiting" role="status">
    <span class="spinner" aria-hidden="true" /> {what}
  </p>
);

// The browser's own dialog: it keeps the focus inside, closes with Escape and gives the focus back.
export function Modal({ title, close, children, wide }: { title: string; close(): void; children: ComponentChildren; wide?: boolean }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current!;
    const before = document.activeElement as HTMLElement | null;
    element.showModal();
    element.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => {
      element.close();
      before?.focus?.();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={wide ? "modal wide" : "modal"}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) close();
      }}
    >
      <div class="modal-inside">
        <header>
          <h2>{title}</h2>
          <button type="button" class="icon-button" aria-label="Close" onClick={close}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
