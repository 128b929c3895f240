// Home: whom one follows; everyone: all that the server has.
import { useEffect, useState } from "preact/hooks";
import { Kind, isRepost } from "../nostr/event";
import { inPieces } from "../nostr/filter";
import { homeLoaded, listen, me, myFollows, ownLoaded, store, version } from "../state/app";
import { signingIn } from "../state/actions";
import { Composer } from "../ui/composer";
import { Feed } from "../ui/feed";
import { Mark } from "../ui/icons";
import { Empty, Header, Waiting } from "../ui/parts";

export const feedKinds = [Kind.note, Kind.repost, Kind.genericRepost];
const batch = 50;

const Tabs = ({ page }: { page: "home" | "everyone" }) => (
  <nav class="tabs" aria-label="Timelines">
    <a href="#/" aria-current={page === "home" ? "page" : undefined}>
      Following
    </a>
    <a href="#/everyone" aria-current={page === "everyone" ? "page" : undefined}>
      Everyone
    </a>
  </nav>
);

function Welcome() {
  return (
    <section class="welcome">
      <Mark size={64} />
      <h2>Your own server, your own words</h2>
      <p>
        This page comes from a server that belongs to one person, and talks to nobody else. Servers find each other and
        carry posts from one to the next; the key that signs yours stays with you.
      </p>
      <div class="row">
        <button type="button" class="button" onClick={() => (signingIn.value = true)}>
          Sign in
        </button>
        <a class="button quiet" href="#/everyone">
          Look around
        </a>
      </div>
    </section>
  );
}

export function Home() {
  void version.value;
  const self = me.value;
  if (!self) {
    return (
      <>
        <Header title="Home" />
        <Tabs page="home" />
        <Welcome />
      </>
    );
  }
  const authors = new Set([self, ...myFollows.value]);
  const events = store.all((event) => (event.kind === Kind.note || isRepost(event)) && authors.has(event.pubkey));
  return (
    <>
      <Header title="Home" />
      <Tabs page="home" />
      <Composer label="What do you want to say?" />
      {ownLoaded.value ? (
        <Feed
          key={self}
          label="Home"
          events={events}
          loaded={homeLoaded.value}
          older={(until) => inPieces({ kinds: feedKinds, authors: [...authors], until, limit: batch })}
          empty={
            <Empty icon="home" title="Nothing here yet">
              <p>
                Posts of people that you follow come here. Find some under <a href="#/everyone">Everyone</a>, or search
                for a name or an npub.
              </p>
            </Empty>
          }
        />
      ) : (
        <Waiting what="Asking your server…" />
      )}
    </>
  );
}

export function Everyone() {
  void version.value;
  const [loaded, setLoaded] = useState(false);
  useEffect(() => {
    return listen([{ kinds: feedKinds, limit: 60 }, { kinds: [Kind.deletion], limit: 100 }], () => setLoaded(true));
  }, [me.value]);
  const events = store.all((event) => event.kind === Kind.note || isRepost(event));
  return (
    <>
      <Header title="Everyone" />
      <Tabs page="everyone" />
      <Feed
        label="Everyone"
        events={events}
        loaded={loaded}
        older={(until) => [{ kinds: feedKinds, until, limit: batch }]}
        empty={<Empty icon="globe" title="Your server has no posts yet">Once it has neighbours, theirs come here.</Empty>}
      />
    </>
  );
}
