// Icons as lines of 24 by 24. They are never the only name of anything, so screen readers skip them.
const paths = {
  home: "M3.5 11 12 4l8.5 7M6 9.5V20h12V9.5",
  globe: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM3.3 12h17.4M12 3c2.6 2.6 3.8 5.6 3.8 9s-1.2 6.4-3.8 9c-2.6-2.6-3.8-5.6-3.8-9S9.4 5.6 12 3Z",
  bell: "M6 16.5V11a6 6 0 1 1 12 0v5.5l1.5 2h-15l1.5-2ZM10 21h4",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM15.5 15.5 20.5 20.5",
  network: "M12 4.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4ZM5.5 15.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4ZM18.5 15.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4ZM11 8.3 6.6 15.8M13 8.3l4.4 7.5M7.6 17.5h8.8",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 5a2 2 0 1 0 0 4 2 2 0 0 0 0-4ZM9 15a2 2 0 1 0 0 4 2 2 0 0 0 0-4Z",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM4.5 20c.8-3.6 3.7-5.5 7.5-5.5s6.7 1.9 7.5 5.5",
  reply: "M4 12.5C4 8.9 7.4 6 12 6s8 2.9 8 6.5S16.6 19 12 19c-1 0-2-.1-2.9-.4L5 20l.9-3.2C4.7 15.7 4 14.2 4 12.5Z",
  repost: "M4.5 10.5v-2a2 2 0 0 1 2-2h11M14.5 3.5l3 3-3 3M19.5 13.5v2a2 2 0 0 1-2 2h-11M9.5 20.5l-3-3 3-3",
  quote: "M9.5 7C6.9 7.7 5 9.9 5 12.7V17h5v-5H7.2M18.5 7c-2.6.7-4.5 2.9-4.5 5.7V17h5v-5h-2.8",
  heart: "M12 20S4 15.2 4 9.6A4.4 4.4 0 0 1 12 7a4.4 4.4 0 0 1 8 2.6C20 15.2 12 20 12 20Z",
  more: "M5 12a.6.6 0 1 0 1.2 0 .6.6 0 1 0-1.2 0M11.4 12a.6.6 0 1 0 1.2 0 .6.6 0 1 0-1.2 0M17.8 12a.6.6 0 1 0 1.2 0 .6.6 0 1 0-1.2 0",
  pen: "M4.5 19.5l.8-3.8L16 5a2.1 2.1 0 0 1 3 3L8.3 18.7l-3.8.8ZM14 7l3 3",
  close: "M6 6l12 12M18 6 6 18",
  back: "M19 12H5M11 6l-6 6 6 6",
  lock: "M6.5 11h11v9h-11ZM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  unlock: "M6.5 11h11v9h-11ZM8.5 11V8a3.5 3.5 0 0 1 6.7-1.4",
  check: "M5 12.5l4.5 4.5L19 7.5",
  warn: "M12 4 2.8 20h18.4L12 4ZM12 10v4.5M12 17.5h.01",
  picture: "M4 5h16v14H4ZM4 16l4.5-4.5 4 4 2.5-2.5 5 5M15.5 8.5h.01",
  copy: "M9 9h11v11H9ZM15 9V4H4v11h5",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z",
  key: "M8 9a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 13h9M17.5 13v3.5M21 13v2.5",
} as const;
export type IconName = keyof typeof paths;

export const Icon = ({ name, size = 20, filled }: { name: IconName; size?: number; filled?: boolean }) => (
  <svg class={`icon${filled ? " filled" : ""}`} width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d={paths[name]} />
  </svg>
);

// The sign of this program: servers in a ring, one of them yours.
export const Mark = ({ size = 28 }: { size?: number }) => (
  <svg class="mark" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <path d="M16 5.5 26 12.5 22.5 24.5H9.5L6 12.5Z" />
    <circle cx="26" cy="12.5" r="3" />
    <circle cx="22.5" cy="24.5" r="3" />
    <circle cx="9.5" cy="24.5" r="3" />
    <circle cx="6" cy="12.5" r="3" />
    <circle class="own" cx="16" cy="5.8" r="4.3" />
  </svg>
);
