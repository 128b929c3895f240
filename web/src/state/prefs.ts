// Theme and route: what belongs to this browser only.
import { signal } from "@preact/signals";
import * as nip19 from "nostr-tools/nip19";
import { isHex64 } from "../nostr/event";

export type Theme = "system" | "light" | "dark";
export const themes: Theme[] = ["system", "light", "dark"];
const themeKey = "np2p.theme";

const loadTheme = (): Theme => {
  const kept = localStorage.getItem(themeKey);
  return kept === "light" || kept === "dark" ? kept : "system";
};
export const theme = signal<Theme>(loadTheme());
export function setTheme(next: Theme): void {
  theme.value = next;
  if (next === "system") localStorage.removeItem(themeKey);
  else localStorage.setItem(themeKey, next);
  applyTheme();
}
const systemIsDark = (): MediaQueryList => matchMedia("(prefers-color-scheme: dark)");
export function applyTheme(): void {
  const dark = theme.value === "dark" || (theme.value === "system" && systemIsDark().matches);
  document.documentElement.dataset["theme"] = dark ? "dark" : "light";
}
export function followSystemTheme(): void {
  systemIsDark().addEventListener("change", applyTheme);
}

export type Route =
  | { page: "home" | "everyone" | "notifications" | "network" | "settings" | "missing" }
  | { page: "search"; query: string }
  | { page: "profile"; pubkey: string }
  | { page: "thread"; id: string; author?: string };

export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [page = "", code = ""] = path.split("/");
  switch (page) {
    case "":
    case "home":
      return { page: "home" };
    case "everyone":
    case "notifications":
    case "network":
    case "settings":
      return { page };
    case "search":
      return { page: "search", query: new URLSearchParams(query).get("q") ?? "" };
    case "p":
    case "e": {
      const decoded = decode(code);
      if (page === "p" && (decoded?.type === "npub" || decoded?.type === "nprofile")) {
        return { page: "profile", pubkey: decoded.type === "npub" ? decoded.data : decoded.data.pubkey };
      }
      if (page === "e" && (decoded?.type === "note" || decoded?.type === "nevent")) {
        return decoded.type === "note"
          ? { page: "thread", id: decoded.data }
          : { page: "thread", id: decoded.data.id, author: decoded.data.author };
      }
      return { page: "missing" };
    }
    default:
      return { page: "missing" };
  }
}
function decode(code: string): nip19.DecodedResult | undefined {
  try {
    return nip19.decode(code as `npub1${string}`) as nip19.DecodedResult;
  } catch {
    return undefined;
  }
}

export const profileLink = (pubkey: string): string => `#/p/${nip19.npubEncode(pubkey)}`;
export const threadLink = (id: string, author?: string): string =>
  `#/e/${author ? nip19.neventEncode({ id, author }) : nip19.noteEncode(id)}`;
export const searchLink = (query: string): string => `#/search?q=${encodeURIComponent(query)}`;

// Where a text in the search box leads at once, if it names somebody or something.
export function linkOf(text: string): string | undefined {
  const code = text.trim().replace(/^nostr:/, "");
  if (isHex64(code)) return undefined;
  const decoded = decode(code);
  if (decoded?.type === "npub") return profileLink(decoded.data);
  if (decoded?.type === "nprofile") return profileLink(decoded.data.pubkey);
  if (decoded?.type === "note") return threadLink(decoded.data);
  if (decoded?.type === "nevent") return threadLink(decoded.data.id, decoded.data.author);
  return undefined;
}
export const route = signal<Route>(parseRoute(location.hash));
