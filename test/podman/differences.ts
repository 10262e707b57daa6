import type { Deviation } from './outcome.ts';

/** Where netloom does something else than netavark 1.4 with the same podman, and why. docs/podman.md shows this list. */
export interface Difference {
  /** the title of a scenario; `*`: of any */
  scenario: string;
  /** the path in its outcome, and all that is below it; `*` stands for anything */
  path: string;
  /** what netloom does, beside what netavark does */
  what: string;
  reason: string;
  /** it is one of time: not there in every run */
  sometimes?: true;
  /** with that podman only: `here`, `trixie`, … */
  version?: string;
  /** whether that is what netavark and netloom did there: nothing else is explained by it; undefined: only the other has it */
  values: (netavark: unknown, netloom: unknown) => boolean;
}

/** Both are text, each of its kind. */
const texts =
  (netavark: RegExp, netloom: RegExp) =>
  (its: unknown, ours: unknown): boolean =>
    typeof its === 'string' && typeof ours === 'string' && netavark.test(its) && netloom.test(ours);

/** Names with a space between them: some of netavark's, and no others. */
const fewer = (its: unknown, ours: unknown): boolean => {
  const [all, left] = [its, ours].map((text) => String(text).split(' ').filter(Boolean)) as [string[], string[]];
  return left.length < all.length && left.every((name) => all.includes(name));
};

/** The same route, less preferred by one. */
const secondary = (its: unknown, ours: unknown): boolean =>
  texts(/^default via \S+ dev \S+ metric 100$/, /^default /)(its, ours) && ours === String(its).replace(/100$/, '101');

/** The same route, more preferred by one: as netavark 2 has it. */
const ofLan = (its: unknown, ours: unknown): boolean =>
  texts(/^default via \S+ dev \S+ metric 100$/, /^default /)(its, ours) && ours === String(its).replace(/100$/, '99');

/** Nothing is reached by a mapping of [::], or what a mapping of 0.0.0.0 leads to. */
const notByIpv6 = texts(/^(-|80)$/, /^(80|81|800[0-3])$/);

/** One of them makes it, the other one refuses it. */
const onlyOne = (its: unknown, ours: unknown): boolean => (its === undefined) !== (ours === undefined);

const refusedAlike = texts(
  /^Error: netavark: bridge interface (\S+) already exists but is a Veth interface$/,
  /^Error: netavark: link\.bridge (\S+): add bridge: EEXIST \(interface \1 already exists but is a veth interface\)$/,
);

const publishing = (family: string) =>
  `published ports of a container on an ${family} network`.replace('an dual', 'a dual');

export const differences: Difference[] = [
  {
    scenario: '*',
    path: '*',
    values: texts(/^silence$/, /^(NXDOMAIN|[0-9a-f.:]+)$/),
    sometimes: true,
    what: 'names are answered for all the time; aardvark-dns 1.4 now and then is silent for good after a container has left',
    reason: "netloom's resolver goes on with its sockets when names change, and does not open them anew",
  },
  {
    scenario: '*',
    path: '*linkLocal',
    values: fewer,
    what: 'an interface whose networks have no IPv6 gets no link-local IPv6 address; with netavark it has one',
    reason: 'a container speaks the families that its networks have, and nothing beside',
  },
  {
    scenario: '*',
    path: '*emains.links',
    values: (its, ours) => its === undefined && /^podman\d+$/.test(String(ours)),
    what: 'the bridge of a network stays until the network is removed; with netavark it goes with its last container',
    reason: 'a network lives as long as its definition, and the next container is set up sooner',
  },
  {
    scenario: '*',
    path: '*routes',
    values: secondary,
    what: 'of two default routes the one of the second interface has metric 101; with netavark both have 100',
    reason: 'which network leads outwards is certain, and not a matter of which came first into the routing table',
  },
  {
    scenario: 'macvlan on the wire of the host',
    path: '*routes',
    values: ofLan,
    what: "a macvlan's default route has metric 99, as with netavark 2.0; with netavark 1.4 it has 100",
    reason: 'beside a bridge, the LAN leads outwards',
  },
  {
    scenario: '*',
    path: 'alone.within.mtu*',
    values: (its, ours) => its === undefined && ours === 1500,
    sometimes: true,
    what: 'a container that leaves its last network has no address there and reaches nobody when that is answered; its interface goes up to 0.1 s later',
    reason:
      'deleting it takes the kernel some 30 ms, and podman says the same when a container ends, whose namespace takes it along',
  },
  {
    scenario: 'a container through published ports: its own, and those of others',
    path: 'own',
    values: texts(/^nothing$/, /^a saw \[10\.89\.0\.1\]$/),
    what: 'a container reaches itself through its own published port; with netavark it does not where bridged packets pass iptables',
    reason: "the bridge's port is in hairpin mode, so the packet may go back to where it came from",
  },
  {
    scenario: 'a port that is taken',
    path: 'byContainer.said',
    values: texts(
      /^Error: cannot listen on the TCP port: .*: address already in use$/,
      /^Error: netavark: 8080->80\/tcp: container <id> publishes 8080->80\/tcp$/,
    ),
    what: '`netavark: 8080->80/tcp: container <id> publishes 8080->80/tcp`; with netavark podman says `cannot listen on the TCP port: … address already in use`',
    reason: 'podman 4.3 binds the port only after the network is up; netloom sees before that who has it, and names it',
  },
  ...['IPv6-only', 'dual-stack'].map((family) => ({
    scenario: publishing(family),
    path: '*-p [::]:*.* [fd77::1] *',
    values: notByIpv6,
    version: 'here',
    what: '`[::]:8080:80` serves every IPv6 address of the host; netavark 1.4 serves none, and takes `0.0.0.0:8080:80` for both families',
    reason: 'whoever publishes on `[::]` asks for IPv6: later netavarks serve it, too',
  })),
  {
    scenario: 'networks and containers whose names have dots',
    path: 'withDomain.0',
    values: texts(/^NXDOMAIN$/, /^10\.89\.0\.\d+$/),
    sometimes: true,
    what: 'a name that has dots is answered with `dns.podman` behind it all the time; aardvark-dns 1.4 now and then says NXDOMAIN',
    reason: 'the search domain is taken off every name, however many dots are in it',
  },
  {
    scenario: 'two containers that publish one port, each over another family',
    path: 'heard.[fd77::1]:8081',
    values: texts(/^b saw /, /^a saw /),
    what: '`-p 8081:80` leaves IPv6 to the container that has `-p [::]:8081:80` already; with netavark 1.4 it takes it over',
    reason: 'what is served goes on being served, and podman has not bound the port for IPv6 either',
  },
  {
    scenario: 'a set-up that fails leaves nothing, and can be tried again',
    path: 'refused.said',
    values: refusedAlike,
    what: 'the same words, with the step and the errno before them',
    reason: "a failure names the step that failed and the kernel's own error",
  },
  {
    scenario: 'the second of two networks fails',
    path: 'refused.said',
    values: refusedAlike,
    what: 'the same words, with the step and the errno before them',
    reason: "a failure names the step that failed and the kernel's own error",
  },
  {
    scenario: 'a macvlan whose parent has gone',
    path: 'refused.said',
    values: texts(
      /No such device \(os error 19\)$/,
      /^Error: netavark: link\.find par0: .*ENODEV \(there is no interface par0\)$/,
    ),
    what: '`link.find par0: … (there is no interface par0)`; with netavark `No such device (os error 19)`',
    reason: 'which interface is missing is said',
  },
  {
    scenario: 'what somebody deletes below a container: its link, its bridge',
    path: 'removedWithoutBridge.said',
    values: texts(/failed to get bridge interface/, /^a$/),
    sometimes: true, // podman rm and conmon's own clean-up race, and only the former is heard
    what: 'no complaint when a container goes whose bridge somebody deleted; netavark says `failed to get bridge interface`',
    reason: 'netloom has put the bridge back by then; and what is gone already is no error in a teardown',
  },
  {
    scenario: 'podman network create, with all that it can say',
    path: '*.said',
    values: texts(/^Error: netavark: /, /^Error: netavark: /),
    version: 'experimental',
    what: 'podman 6 leaves the choice of a network to netavark, and netloom refuses the same in other words',
    reason:
      "the texts are netloom's own, the same as from `netloom network create`; podman knows the one for a name that is taken",
  },
  {
    scenario: 'podman network create, one word at a time',
    path: '*.said',
    values: texts(/^Error: netavark: /, /^Error: netavark: /),
    version: 'experimental',
    what: 'podman 6 leaves the choice of a network to netavark, and netloom refuses the same in other words',
    reason:
      "the texts are netloom's own, the same as from `netloom network create`; podman knows the one for a name that is taken",
  },
  ...['the network address as gateway', 'the broadcast address as gateway'].map((path) => ({
    scenario: 'podman network create, one word at a time',
    path,
    values: onlyOne,
    version: 'experimental',
    what: 'a gateway that is the network or the broadcast address of its subnet is refused',
    reason: 'no host has these addresses: they stand for the subnet itself',
  })),
  {
    scenario: 'podman network create, one word at a time',
    path: 'open inwards',
    values: onlyOne,
    version: 'experimental',
    what: "podman 6's `network create` takes netloom's own options: `inbound`, `spoofing`, `accept_ra`",
    reason: 'podman before 6 knows no options beside its own: there `netloom network update` sets them',
  },
  {
    scenario: 'podman network connect and disconnect of a running container',
    path: 'before',
    values: texts(/^nothing$/, /^(a|db) saw \[10\.89\.\d+\.1\]$/),
    version: 'experimental',
    what: 'networks that do not say `isolate` reach each other; with netavark 2.0 they do not',
    reason:
      'which networks reach each other must not change with the version of podman: `--opt isolate=strict` says it',
  },
  {
    scenario: 'two networks from the start, each with its address, alias and interface name',
    path: 'across',
    values: texts(/^nothing$/, /^(a|db) saw \[10\.89\.\d+\.1\]$/),
    version: 'experimental',
    what: 'networks that do not say `isolate` reach each other; with netavark 2.0 they do not',
    reason:
      'which networks reach each other must not change with the version of podman: `--opt isolate=strict` says it',
  },
  {
    scenario: 'a name for the link on the host',
    path: 'second.said',
    values: texts(
      /^Error: netavark: create veth pair: interface eth0 already exists on container namespace or veth-a exists on host namespace/,
      /^Error: netavark: link\.vacant veth-a: find link: EEXIST \(interface veth-a already exists but does not lead to /,
    ),
    what: 'a name that another link of the host has is refused before anything is built, and what has it is said',
    reason: "a failure names the step that failed and the kernel's own error",
  },
  ...['address', 'address6'].map((path) => ({
    scenario: 'a machine beside the host that routes a subnet through it',
    path,
    values: texts(/^a saw /, /^nothing$/),
    what: 'other machines reach published ports only, also those that route a subnet through the host',
    reason:
      'a port that is not published is meant to be closed: `netloom network update <name> --opt inbound=open` opens a network',
  })),
  {
    scenario: 'a container that gives itself another address',
    path: 'other',
    values: texts(/^answered$/, /^silence$/),
    what: 'a container sends with the addresses that it was given only',
    reason:
      'it could take those of its neighbours: `netloom network update <name> --opt spoofing=allow` lets it (keepalived, VMs)',
  },
];

/** The entry that explains that deviation in the outcome of that scenario. */
export function listed(title: string, version: string, { path, netavark, netloom }: Deviation): Difference | null {
  const explains = (one: Difference) =>
    (one.scenario === '*' || one.scenario === title) &&
    (one.version === undefined || one.version === version) &&
    covers(one.path, path) &&
    one.values(netavark, netloom);
  return differences.find(explains) ?? null;
}

function covers(pattern: string, path: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.[\]/()]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}(\\..*)?$`).test(path);
}
