// A person: what they say of themselves, what they wrote. One's own can be changed here.
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import * as nip19 from "nostr-tools/nip19";
import { followed } from "../nostr/compose";
import { Kind, isRepost, threadOf } from "../nostr/event";
import { profileFields, rawProfile, shortKey } from "../nostr/profile";
import { webAddress } from "../nostr/text";
import { plural } from "../nostr/words";
import { displayName, listen, me, newestFollows, profile, store, version } from "../state/app";
import { saveProfile } from "../state/actions";
import { Field, Form } from "../ui/dialogs";
import { Feed } from "../ui/feed";
import { Icon } from "../ui/icons";
import { Avatar, CopyButton, Empty, FollowButton, Header, Modal, Person } from "../ui/parts";
import { Text } from "../ui/text";
import { feedKinds } from "./timeline";

export const editing = signal(false);

const fieldNames: Record<(typeof profileFields)[number], string> = {
  name: "Name",
  display_name: "Longer name",
  about: "About you",
  picture: "Address of a picture",
  website: "Website",
  nip05: "Name at a domain (NIP-05)",
};

export function EditProfile() {
  const self = me.value;
  const [fields, setFields] = useState(() => rawProfile(self ? store.latest(Kind.profile, self) : undefined));
  const [busy, setBusy] = useState(false);
  const close = () => (editing.value = false);
  const save = async () => {
    setBusy(true);
    const saved = await saveProfile(Object.fromEntries(profileFields.map((name) => [name, fields[name].trim()])));
    setBusy(false);
    if (saved) close();
  };
  return (
    <Modal title="Your profile" close={close}>
      <Form submit={save}>
        {profileFields.map((name, index) =>
          name === "about" ? (
            <div class="field" key={name}>
              <label for="about">{fieldNames.about}</label>
              <textarea id="about" rows={4} dir="auto" value={fields.about} onInput={(event) => setFields({ ...fields, about: event.currentTarget.value })} />
            </div>
          ) : (
            <Field
              key={name}
              label={fieldNames[name]}
              name={name}
              first={index === 0}
              value={fields[name]}
              set={(value) => setFields({ ...fields, [name]: value })}
              help={name === "picture" ? "This client shows it as a link only; others load it." : undefined}
            />
          ),
        )}
        <button type="submit" class="button" disabled={busy}>
          {busy ? "Saving…" : "Save"}
        </button>
      </Form>
    </Modal>
  );
}

type Tab = "posts" | "replies" | "follows";
const tabs: [Tab, string][] = [
  ["posts", "Posts"],
  ["replies", "Replies"],
  ["follows", "Follows"],
];

function Links({ pubkey }: { pubkey: string }) {
  const { website, picture, nip05 } = profile(pubkey);
  const site = website && webAddress(/^[a-z]+:/i.test(website) ? website : `https://${website}`);
  const image = picture && webAddress(picture);
  return (
    <p class="profile-links">
      {nip05 && <span>{nip05.replace(/^_@/, "")}</span>}
      {site && (
        <a href={site} target="_blank" rel="noopener noreferrer nofollow">
          {new URL(site).host}
        </a>
      )}
      {image && (
        <a class="chip" href={image} target="_blank" rel="noopener noreferrer nofollow">
          <Icon name="picture" size={16} /> Picture at {new URL(image).host}
        </a>
      )}
    </p>
  );
}

export function ProfilePage({ pubkey }: { pubkey: string }) {
  void version.value;
  const [loaded, setLoaded] = useState(false);
  const [tab, setTab] = useState<Tab>("posts");
  useEffect(() => {
    setLoaded(false);
    setTab("posts");
    return listen(
      [
        { kinds: feedKinds, authors: [pubkey], limit: 60 },
        { kinds: [Kind.profile, Kind.follows], authors: [pubkey] },
      ],
      () => setLoaded(true),
    );
  }, [pubkey]);
  const { about } = profile(pubkey);
  const name = displayName(pubkey);
  const isMe = pubkey === me.value;
  const follows = followed(isMe ? newestFollows(pubkey) : store.latest(Kind.follows, pubkey));
  const followsMe = me.value !== undefined && !isMe && follows.includes(me.value);
  const events = store.of(pubkey, (event) => event.kind === Kind.note || isRepost(event));
  const shown = tab === "replies" ? events : events.filter((event) => !threadOf(event).parent);
  const npub = nip19.npubEncode(pubkey);
  const turn = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    const [next] = tabs[(tabs.findIndex(([name]) => name === tab) + by + tabs.length) % tabs.length]!;
    setTab(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <>
      <Header title={name} back />
      <section class="profile" aria-label="Profile">
        <div class="profile-top">
          <Avatar pubkey={pubkey} size={84} />
          <span class="grow" />
          {isMe ? (
            <button type="button" class="button quiet" onClick={() => (editing.value = true)}>
              <Icon name="pen" size={18} /> Edit profile
            </button>
          ) : (
            <FollowButton pubkey={pubkey} />
          )}
        </div>
        <h2 dir="auto">{name}</h2>
        <p class="with-icon key">
          {shortKey(pubkey)} <CopyButton text={npub} label="Copy the public key" />
          {followsMe && <span class="chip">Follows you</span>}
        </p>
        {about && <Text event={{ id: "", pubkey, created_at: 0, kind: 0, tags: [], content: about, sig: "" }} />}
        <Links pubkey={pubkey} />
        <p class="muted">Follows {follows.length ? plural(follows.length, "person", "people") : "nobody as far as your server knows"}</p>
      </section>
      <div class="tabs" role="tablist" aria-label="Of this person" onKeyDown={turn}>
        {tabs.map(([name, label]) => (
          <button
            type="button"
            role="tab"
            key={name}
            id={`tab-${name}`}
            aria-selected={tab === name}
            aria-controls="of-person"
            tabIndex={tab === name ? 0 : -1}
            onClick={() => setTab(name)}
          >
            {label}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="of-person" aria-labelledby={`tab-${tab}`}>
        {tab === "follows" ? (
          follows.length ? (
            follows.slice(0, 300).map((followedKey) => <Person key={followedKey} pubkey={followedKey} />)
          ) : (
            <Empty icon="person" title="Nobody here" />
          )
        ) : (
          <Feed
            key={`${pubkey}:${tab}`}
            label={`Posts of ${name}`}
            events={shown}
            loaded={loaded}
            older={(until) => [{ kinds: feedKinds, authors: [pubkey], until, limit: 50 }]}
            empty={<Empty icon="pen" title="No posts here yet">Your server asks the network for this person's posts.</Empty>}
          />
        )}
      </div>
    </>
  );
}
