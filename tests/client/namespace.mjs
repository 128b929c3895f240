// A network in which this machine is also somebody else: a test file that imports this first runs in a namespace of its
// own, whose loopback interface has addresses that are no loopback addresses. It needs no privileges.
import { spawnSync } from "node:child_process";

export const here = "192.0.2.1"; // the server's
export const elsewhere = "192.0.2.7"; // of somebody on the Internet
export const vpn = "198.51.100.7"; // of somebody in a network that the server trusts
export const here6 = "2001:db8::1";
export const elsewhere6 = ["2001:db8:1::7", "2001:db8:1::8", "2001:db8:2::7"]; // the first two of one customer

if (!process.env.NOSTRP2P_NAMESPACE) {
  const addresses = [here, elsewhere, vpn, here6, ...elsewhere6].map((address) =>
    address.includes(":") ? `ip address add ${address}/128 dev lo nodad` : `ip address add ${address}/32 dev lo`);
  const enter = ["ip link set lo up", ...addresses, 'exec "$@"'].join(" && ");
  const inside = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const { status, error } = spawnSync("unshare", ["--user", "--map-root-user", "--net", "sh", "-c", enter, "sh", ...inside], {
    stdio: "inherit",
    env: { ...process.env, NOSTRP2P_NAMESPACE: "1" },
  });
  if (error) console.error(`unshare (util-linux) is not there: ${error.message}`);
  process.exit(status ?? 1);
}
