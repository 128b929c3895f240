// The page: a frame, and in it what the address says.
import { effect } from "@preact/signals";
import { render } from "preact";
import { useEffect, useErrorBoundary, useRef } from "preact/hooks";
import { bindOnFirstUse } from "./state/actions";
import { account, start } from "./state/app";
import { applyTheme, followSystemTheme, parseRoute, route } from "./state/prefs";
import { NetworkPage } from "./pages/network";
import { Notifications } from "./pages/notifications";
import { EditProfile, ProfilePage, editing } from "./pages/profile";
import { SearchPage } from "./pages/search";
import { SettingsPage } from "./pages/settings";
import { ThreadPage } from "./pages/thread";
import { Everyone, Home } from "./pages/timeline";
import { ComposeDialog, compose } from "./ui/composer";
import { Dialogs } from "./ui/dialogs";
import { Icon } from "./ui/icons";
import { listenToKeys } from "./ui/keys";
import { Empty, Header } from "./ui/parts";
import { Aside, Banners, Navigation, Toasts } from "./ui/shell";

function Page() {
  const at = route.value;
  switch (at.page) {
    case "home":
      return <Home />;
    case "everyone":
      return <Everyone />;
    case "notifications":
      return <Notifications />;
    case "network":
      return <NetworkPage />;
    case "settings":
      return <SettingsPage />;
    case "search":
      return <SearchPage query={at.query} />;
    case "profile":
      return <ProfilePage key={at.pubkey} pubkey={at.pubkey} />;
    case "thread":
      return <ThreadPage key={at.id} id={at.id} author={at.author} />;
    case "missing":
      return (
        <>
          <Header title="Nothing here" back />
          <Empty icon="search" title="This address leads nowhere">
            <a href="#/">Home</a>
          </Empty>
        </>
      );
  }
}

// A fault of one page leaves the rest usable; another address tries again.
function Guarded() {
  const [failure, forgive] = useErrorBoundary((error) => console.error(error));
  const at = route.value;
  useEffect(() => {
    if (failure) forgive();
  }, [at]);
  if (!failure) return <Page />;
  return (
    <Empty icon="warn" title="This page has a fault">
      <p>{String(failure)}</p>
      <button type="button" class="button" onClick={forgive}>
        Try again
      </button>
    </Empty>
  );
}

function App() {
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const key = JSON.stringify(route.value);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    // As on a new page: the top, and for screen readers its heading.
    scrollTo({ top: 0 });
    main.current?.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  }, [key]);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>
        To the content
      </a>
      <div class={`frame${route.value.page === "network" ? " broad" : ""}`}>
        <Navigation />
        <main id="main" ref={main} tabIndex={-1}>
          <Banners />
          <Guarded />
        </main>
        {route.value.page !== "network" && <Aside />}
      </div>
      {account.value && (
        <button type="button" class="fab" aria-label="New post" onClick={() => compose()}>
          <Icon name="pen" size={24} />
        </button>
      )}
      <ComposeDialog />
      {editing.value && <EditProfile />}
      <Dialogs />
      <Toasts />
    </>
  );
}

applyTheme();
followSystemTheme();
addEventListener("hashchange", () => (route.value = parseRoute(location.hash)));
effect(() => {
  document.documentElement.dataset["signedIn"] = String(Boolean(account.value));
});
listenToKeys();
start();
bindOnFirstUse();
const place = document.getElementById("app")!;
place.replaceChildren();
render(<App />, place);
