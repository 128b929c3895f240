// What stands between this server and the others: a NAT of some class, and who gets in through it.
const classes: Record<string, { wall: "none" | "plain" | "unknown"; way: "open" | "some" | "none"; words: string }> = {
  public: { wall: "none", way: "open", words: "Nothing in between: others dial it directly." },
  "full cone": { wall: "plain", way: "open", words: "Others get in where it has opened a port from inside." },
  restricted: { wall: "plain", way: "some", words: "Only addresses that it has dialled get in." },
  "port restricted": { wall: "plain", way: "some", words: "Only addresses and ports that it has dialled get in." },
  "endpoint-independent": { wall: "plain", way: "some", words: "A NAT; what it lets in is not known yet." },
  symmetric: { wall: "plain", way: "none", words: "Each connection gets another port: others come through relays." },
};
const unknown = { wall: "unknown", way: "none", words: "Not known yet: neighbours find it out." } as const;

export function Nat({ name }: { name: string }) {
  const { wall, way, words } = classes[name] ?? unknown;
  return (
    <div class="nat">
      <svg viewBox="0 0 260 84" role="img" aria-label={`NAT: ${name || "unknown"}. ${words}`}>
        <rect class="host" x="4" y="20" width="44" height="44" rx="10" />
        <path class="sign" d="M16 34h20M16 42h20M16 50h12" />
        <circle class="world" cx="230" cy="42" r="24" />
        <path class="sign" d="M206 42h48M230 18c8 7 11 15 11 24s-3 17-11 24c-8-7-11-15-11-24s3-17 11-24" />
        <path class="arrow" d="M56 32H194M188 27l7 5-7 5" />
        {way !== "none" && <path class={`arrow in ${way}`} d="M196 54H60M66 49l-7 5 7 5" />}
        {wall !== "none" && <rect class={`wall ${wall}`} x="118" y="6" width="16" height="72" rx="4" />}
        {wall !== "none" && <path class="gap" d="M118 32h16" />}
        {wall !== "none" && way !== "none" && <path class={`gap ${way}`} d="M118 54h16" />}
        {wall !== "none" && way === "none" && <path class="arrow in stopped" d="M196 54H144M152 48l-10 12M142 48l10 12" />}
      </svg>
      <div>
        <b>{name || "unknown"}</b>
        <p class="muted">{words}</p>
      </div>
    </div>
  );
}
