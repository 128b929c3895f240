// A note's text: every token as text or link. Nothing is loaded before somebody clicks.
import { useState } from "preact/hooks";
import type { Event } from "../nostr/event";
import { tokens, type Token } from "../nostr/text";
import { displayName } from "../state/app";
import { profileLink, searchLink, threadLink } from "../state/prefs";
import { Icon } from "./icons";

const long = 900; // characters; longer notes fold

const Link = ({ token }: { token: Extract<Token, { type: "link" }> }) => {
  const { host } = new URL(token.href);
  return (
    <a class={token.picture ? "chip" : undefined} href={token.href} target="_blank" rel="noopener noreferrer nofollow" title={token.href}>
      {token.picture ? (
        <>
          <Icon name="picture" size={16} /> Picture at {host}
        </>
      ) : (
        token.text.replace(/^https?:\/\//, "")
      )}
    </a>
  );
};

// `embedded`: references that are shown as cards below the text.
export function Text({ event, embedded = new Set<string>() }: { event: Event; embedded?: Set<string> }) {
  const [open, setOpen] = useState(false);
  const folded = !open && event.content.length > long;
  const shown = folded ? { ...event, content: event.content.slice(0, long) } : event;
  const parts = tokens(shown).filter((token) => token.type !== "event" || !embedded.has(token.id));
  const last = parts[parts.length - 1];
  if (last?.type === "text") last.text = last.text.trimEnd();
  if (!parts.length || (parts.length === 1 && last?.type === "text" && !last.text)) return null;
  return (
    <div class="text" dir="auto">
      {parts.map((token) => {
        switch (token.type) {
          case "text":
            return token.text;
          case "link":
            return <Link token={token} />;
          case "profile":
            return <a href={profileLink(token.pubkey)}>@{displayName(token.pubkey)}</a>;
          case "event":
            return (
              <a href={threadLink(token.id)}>a note</a>
            );
          case "tag":
            return <a href={searchLink(`#${token.tag}`)}>#{token.tag}</a>;
        }
      })}
      {folded && (
        <>
          …{" "}
          <button type="button" class="link" onClick={() => setOpen(true)}>
            Show all
          </button>
        </>
      )}
    </div>
  );
}
