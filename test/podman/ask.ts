import type { CommandResult, PodmanHost } from './host.ts';

/** podman's view of containers and networks, as far as networks are concerned. */

interface Inspected {
  NetworkSettings: Record<string, unknown>;
  HostConfig: { NetworkMode: string; PortBindings: unknown };
}

export async function networkSettings(host: PodmanHost, container: string): Promise<Record<string, unknown>> {
  const [inspected] = await host.json<[Inspected]>(`container inspect ${container}`);
  const { NetworkSettings, HostConfig } = inspected;
  return sortedPorts({
    ...NetworkSettings,
    NetworkMode: HostConfig.NetworkMode,
    PortBindings: HostConfig.PortBindings,
  });
}

/** podman lists the bindings of a port in the order of a Go map. */
function sortedPorts(settings: Record<string, unknown>): Record<string, unknown> {
  const sorted = (bindings: unknown) =>
    Object.fromEntries(
      Object.entries((bindings ?? {}) as Record<string, unknown[] | null>).map(([port, list]) => [
        port,
        (list ?? []).map((one) => JSON.stringify(one)).sort(),
      ]),
    );
  return { ...settings, Ports: sorted(settings.Ports), PortBindings: sorted(settings.PortBindings) };
}

export async function definition(host: PodmanHost, network: string): Promise<Record<string, unknown>> {
  const [found] = await host.json<[Record<string, unknown>]>(`network inspect ${network}`);
  return found;
}

/** Addresses, routes and the resolver's address, as the container sees them; interfaces by name. */
export async function seenWithin(host: PodmanHost, container: string): Promise<Record<string, unknown>> {
  const text = await host.within(
    container,
    'ip -o addr; echo //; ip route; echo //; ip -6 route; echo //; cat /etc/resolv.conf; echo //; ip -o link',
  );
  const [addresses = '', routes = '', routes6 = '', resolver = '', links = ''] = text.split('//\n');
  const byName: Record<string, string[]> = {};
  const linkLocal: string[] = [];
  for (const line of linesOf(addresses)) {
    const [, name, address] = /^\d+: (\S+) inet6? (\S+)/.exec(line) ?? [];
    if (!name || !address || name === 'lo') continue;
    if (address.startsWith('fe80:')) linkLocal.push(name);
    else byName[name] = [...(byName[name] ?? []), address];
  }
  return {
    addresses: byName,
    linkLocal: linkLocal.sort().join(' '),
    routes: linesOf(routes).sort(),
    routes6: linesOf(routes6)
      .filter((line) => !/fe80|ff00|unreachable/.test(line))
      .sort(),
    resolver: linesOf(resolver).sort(),
    mtu: Object.fromEntries(
      linesOf(links).map((line) => [/^\d+: (\w+)/.exec(line)?.[1], Number(/mtu (\d+)/.exec(line)?.[1])]),
    ),
  };
}

const linesOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .filter(Boolean);

/** `podman port`, sorted: podman itself lists them in any order. */
export const publishedPorts = async (host: PodmanHost, container: string) =>
  linesOf(await host.must(`port ${container}`)).sort();

/** Three seconds are long on a wire without distance, also for a busy machine. (busybox's own `wget -T` dies of SIGSEGV in the static build.) */
const wget = (url: string) => `busybox timeout 3 busybox wget -qO- ${url}`;

/** `web saw 10.77.0.2`, or `nothing`. */
const answerOf = ({ stdout, exitCode }: CommandResult) =>
  exitCode === 0 ? stdout.trim().replace('::ffff:', '') : 'nothing';

export const askFromOutside = async (host: PodmanHost, address: string) =>
  answerOf(await host.outside(wget(`http://${address}/cgi-bin/who`)));

export const askFromHost = async (host: PodmanHost, address: string) =>
  answerOf(await host.run(wget(`http://${address}/cgi-bin/who`)));

/** Asks from another network namespace of that host. */
export const askFromNetns = async (host: PodmanHost, netns: string, address: string) =>
  answerOf(await host.run(`nsenter --net=${netns} ${wget(`http://${address}/cgi-bin/who`)}`));

export const askFrom = async (host: PodmanHost, container: string, address: string) =>
  answerOf(await host.podman(`exec ${container} ${wget(`http://${address}/cgi-bin/who`)}`));

/** Sends a datagram; answers what returns within a second. */
const datagram = (address: string, port: number) =>
  `timeout 3 bash -c 'exec 3<>/dev/udp/${address}/${port}; echo ping >&3; head -n 1 <&3' || echo nothing`;

export const echoFromHost = async (host: PodmanHost, address: string, port: number) =>
  answerOf(await host.run(datagram(address, port)));

export const echoFromOutside = async (host: PodmanHost, address: string, port: number) =>
  answerOf(await host.outside(datagram(address, port)));

/**
 * Returns the addresses of a name, sorted, or the resolver's answer without any. Asks again after a silence: netavark's
 * resolver drops queries while it reads its files again.
 */
export async function resolved(host: PodmanHost, container: string, name: string, attempts = 3): Promise<string[]> {
  const text = await host.within(container, `busybox timeout 1 nslookup ${name}`);
  const addresses = [...text.matchAll(/^Address: ([0-9a-f.:]+)$/gm)].map(([, address]) => address as string);
  if (addresses.length > 0) return [...new Set(addresses)].sort();
  const [refusal] = /NXDOMAIN|SERVFAIL|REFUSED/.exec(text) ?? [];
  if (refusal) return [refusal];
  return attempts > 1 ? resolved(host, container, name, attempts - 1) : ['silence'];
}

/** Returns the message of a command that fails. */
export const failure = ({ stdout, stderr, exitCode }: CommandResult) => ({
  exitCode,
  said: `${stdout}${stderr}`.trim(),
});
