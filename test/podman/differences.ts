import type { Podman } from './newer.ts';
import type { Deviation } from './outcome.ts';
import {
  exactly,
  fewer,
  narrowerCounts,
  onlyNetloom,
  refusedAs,
  rulesStay,
  servedByIpv6,
  texts,
  type Values,
  withMetric,
} from './values.ts';

/** The differences between netloom and netavark with the same podman, and why. docs/podman.md shows this list. */
export interface Difference {
  /** netloom's behaviour, beside netavark's */
  what: string;
  reason: string;
  seen: readonly Sighting[];
}

/** Where a difference occurs. A run that has the scenario, with that podman, and does not show it fails. */
export interface Sighting {
  /** titles; `several`: any */
  scenarios: readonly string[] | 'several';
  /** of several, the one in which it always occurs */
  surely?: string;
  /** the path in the outcome, and everything below it; `*` matches any key */
  path: string;
  /** with these podmans; default: with all */
  podman?: readonly Podman[];
  /** depends on timing: not in every run */
  sometimes?: true;
  /** whether these are the values of netavark and netloom: it explains nothing else */
  values: Values;
}

const joining = 'podman network connect and disconnect of a running container';
const twoNetworks = 'two networks from the start, each with its address, alias and interface name';
const defaultNetwork = 'the default network, with a published port';
const creates = [
  'podman network create, with all that it can say',
  'podman network create, one word at a time',
] as const;
const routed = 'a machine beside the host that routes a subnet through it';
const deleted = 'the link and the bridge of a running container are deleted';
const publishing = (family: string) =>
  `published ports of a container on an ${family} network`.replace('an dual', 'a dual');
const withIpv6 = ['IPv6-only', 'dual-stack'].map(publishing);

export const differences: readonly Difference[] = [
  {
    what: 'names are always answered; aardvark-dns 1.4 sometimes stops answering after a container has left, or answers NXDOMAIN for a name with dots',
    reason: "netloom's resolver keeps its sockets open when names change, and removes its domain from every name",
    seen: [
      {
        scenarios: 'several',
        path: '*',
        podman: ['4.3'],
        sometimes: true,
        values: texts(/^silence$/, /^(NXDOMAIN|[0-9a-f.:]+)$/),
      },
      {
        scenarios: ['networks and containers whose names have dots'],
        path: 'withDomain.0',
        podman: ['4.3'],
        sometimes: true,
        values: texts(/^NXDOMAIN$/, /^10\.89\.0\.\d+$/),
      },
    ],
  },
  {
    what: 'an interface on a network without IPv6 gets no link-local IPv6 address; with netavark it has one',
    reason: 'a container uses the address families of its networks, and no other',
    seen: [{ scenarios: 'several', surely: defaultNetwork, path: '*linkLocal', values: fewer }],
  },
  {
    what: 'the bridge of a network stays until the network is removed; netavark removes it with the last container',
    reason: 'a network lives as long as its definition, and the next container starts sooner',
    seen: [
      {
        scenarios: 'several',
        surely: 'a container that ends by itself, and takes itself away',
        path: '*emains.links',
        values: onlyNetloom(/^podman\d+$/),
      },
    ],
  },
  {
    what: 'default routes are ordered: metric 99 on macvlan, 100 on the first interface, 101 on the second; with netavark all have 100 (with 2.0, macvlan without DHCP has 99)',
    reason: 'it is defined which network leads out: the LAN, otherwise the first interface',
    seen: [
      { scenarios: 'several', surely: twoNetworks, path: '*routes', values: withMetric(101) },
      { scenarios: ['macvlan on the wire of the host'], path: 'within.routes', values: withMetric(99) },
      { scenarios: ['macvlan with addresses from a DHCP server'], path: 'within.routes', values: withMetric(99) },
    ],
  },
  {
    what: 'a container reaches itself through its own published port; with netavark 1.4 it does not if bridged packets pass iptables',
    reason: 'a published service is reachable at its public address from everywhere, also from itself',
    seen: [
      {
        scenarios: ['a container through published ports: its own, and those of others'],
        path: 'own',
        values: texts(/^nothing$/, /^a saw \[10\.89\.0\.1\]$/),
      },
    ],
  },
  {
    what: '`-p [::]:…` is served at every IPv6 address of the host, also beside `-p 0.0.0.0:…`. netavark 1.4 does not serve it, and uses `0.0.0.0` for both families; netavark 1.14 picks one of the two at random where they conflict, and leaves the rules of a container that has both behind',
    reason: '`[::]` asks for IPv6, and netavark 2.0 serves it the same way; a removed container leaves no rules',
    seen: [
      { scenarios: withIpv6, path: '*', podman: ['4.3'], values: servedByIpv6 },
      {
        scenarios: ['two containers that publish one port, each over another family'],
        path: 'heard.[fd77::1]:8081',
        podman: ['4.3'],
        values: exactly('b saw [fd77::2]', 'a saw [fd77::2]'),
      },
      { scenarios: withIpv6, path: '*', podman: ['5.4'], sometimes: true, values: narrowerCounts },
      { scenarios: withIpv6, path: '*', podman: ['5.4'], values: rulesStay },
    ],
  },
  {
    what: 'error messages have other words; what is refused, and the exit code, are the same',
    reason: "a message names the failed step and the kernel's error, as in netloom's own commands",
    seen: [
      {
        scenarios: ['a set-up that fails leaves nothing, and can be tried again', 'the second of two networks fails'],
        path: 'refused.said',
        values: refusedAs('a link that is no bridge'),
      },
      {
        scenarios: ['a macvlan whose parent has gone'],
        path: 'refused.said',
        values: refusedAs('a parent that is not there'),
      },
      {
        scenarios: ['a port that is taken'],
        path: 'byContainer.said',
        values: refusedAs('a port that is taken'),
      },
      {
        scenarios: ['a gateway at either end of its subnet'],
        path: 'highest.said',
        values: refusedAs('a gateway that no route can have'),
      },
      {
        scenarios: ['a name for the link on the host'],
        path: 'second.said',
        values: refusedAs('a name that another link has'),
      },
      // podman 6 leaves it to netavark which networks are valid
      {
        scenarios: creates,
        path: '*.said',
        podman: ['6.1'],
        values: refusedAs(
          'a network that is there',
          'an option that is not known',
          'a gateway outside',
          'no room for a gateway',
          'a range outside',
          'overlapping subnets',
          'a route to an address',
          'subnets without IPAM',
          'an IPAM that is not known',
          'name servers without names',
          'host-local without a subnet',
          'DHCP with ipvlan',
          'a driver that is not known',
        ),
      },
    ],
  },
  {
    what: 'a deleted link or bridge of a running container is restored, and the container is reachable again; with netavark it stays cut off, and its teardown may fail (`failed to get bridge interface`)',
    reason: 'netloom restores networks while containers run; in a teardown, a missing link is no error',
    seen: [
      {
        scenarios: [deleted],
        path: 'reachedAgain',
        values: exactly('nothing', 'a saw [10.77.0.2]'),
      },
      {
        scenarios: [deleted],
        path: 'removedWithoutBridge.said',
        sometimes: true, // podman rm and conmon's own clean-up race, and only the former's message is shown
        values: texts(/failed to get bridge interface/, /^a$/),
      },
    ],
  },
  {
    what: 'networks without the option `isolate` reach each other; with netavark 2.0 they do not',
    reason:
      'networks keep reaching each other when podman is upgraded; `isolate=strict` separates a network with every version of podman',
    seen: [
      { scenarios: [joining], path: 'before', podman: ['6.1'], values: exactly('nothing', 'db saw [10.89.1.1]') },
      { scenarios: [twoNetworks], path: 'across', podman: ['6.1'], values: exactly('nothing', 'a saw [10.89.0.1]') },
    ],
  },
  {
    what: 'other machines reach only published ports, also if they route a subnet through the host; the option `inbound=open` opens a network (podman 6 accepts it)',
    reason:
      'a port that is not published should be closed; `netloom network update <name> --opt inbound=open` opens an existing network',
    seen: [
      { scenarios: [routed], path: 'address', values: exactly('a saw [10.77.0.2]', 'nothing') },
      { scenarios: [routed], path: 'address6', values: exactly('a saw [fd77::2]', 'nothing') },
      { scenarios: [creates[1]], path: 'open inwards', podman: ['6.1'], values: opened },
    ],
  },
  {
    what: 'a container sends only with the addresses that it was given',
    reason:
      'otherwise it could take the addresses of its neighbours; `netloom network update <name> --opt spoofing=allow` allows it (keepalived, VMs)',
    seen: [
      {
        scenarios: ['a container that gives itself another address'],
        path: 'other',
        values: exactly('answered', 'silence'),
      },
    ],
  },
  {
    what: 'with DHCP, a container gets the search domain of its lease, and releases the lease when it is removed; netavark ignores the domain, and does not release the lease',
    reason: 'short names of the LAN resolve, and the address is free again at once',
    seen: [
      {
        scenarios: ['macvlan with addresses from a DHCP server'],
        path: 'within.resolver',
        values: onlyNetloom(/^search lan\.example$/),
      },
      {
        scenarios: ['macvlan with addresses from a DHCP server'],
        path: 'released',
        values: exactly('no', 'yes'),
      },
    ],
  },
];

/** Made by netloom with its own option, refused by netavark, which does not know it. */
function opened(its: unknown, ours: unknown, path: string): boolean {
  if (path === 'open inwards.made')
    return its === undefined && JSON.stringify((ours as Made).options) === '{"inbound":"open"}';
  const { exitCode, said } = (its ?? {}) as Refused;
  return ours === undefined && exitCode === 125 && /unsupported bridge network option: ?inbound/.test(said ?? '');
}
interface Made {
  options?: object;
}
interface Refused {
  exitCode?: number;
  said?: string;
}

export interface Explained {
  title: string;
  sighting: Sighting;
}

/** Returns the sighting that explains that deviation in the outcome of that scenario. */
export function listed(title: string, podman: Podman, { path, netavark, netloom }: Deviation): Sighting | null {
  const explains = (one: Sighting) =>
    (one.scenarios === 'several' || one.scenarios.includes(title)) &&
    isOf(one, podman) &&
    covers(one.path, path) &&
    one.values(netavark, netloom, path);
  return sightings.find(explains) ?? null;
}

/** Returns the listed differences of those scenarios, which have all run with that podman, that did not occur. */
export function unseen(titles: readonly string[], podman: Podman, seen: readonly Explained[]): string[] {
  return sightings
    .filter((one) => !one.sometimes && isOf(one, podman))
    .flatMap((sighting) => {
      const expected = sighting.scenarios === 'several' ? [sighting.surely] : sighting.scenarios;
      const missing = titles.filter(
        (title) => expected.includes(title) && !seen.some((one) => one.title === title && one.sighting === sighting),
      );
      return missing.map((title) => `${sighting.path} of ${title}`);
    });
}

export const sightings: readonly Sighting[] = differences.flatMap(({ seen }) => seen);

const isOf = ({ podman }: Sighting, version: Podman): boolean => podman?.includes(version) ?? true;

function covers(pattern: string, path: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.[\]/()]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}(\\..*)?$`).test(path);
}
