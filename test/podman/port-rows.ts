/** The port mappings that are tested, with which networks, and from where. */

export interface Mapping {
  /** null: not given */
  hostIp: string | null;
  /** first port, from the first host port of its row */
  at: number;
  inside: number;
  count: number;
  protocol: 'tcp' | 'udp';
}

export interface PortRow {
  mappings: Mapping[];
  /** podman itself binds a port twice, or finds a contradiction: such a container is tested by itself */
  alone?: true;
  /**
   * Two of them make one port of IPv6. netavark 1.14 makes one rule for it and fails when it removes the second one, so
   * with podman 5.4 such a container is tested by itself.
   */
  stuck?: true;
}

/** `0.0.0.0:0:80`: host port 0 is the first of the row. `8000-8002` inside takes as many outside. */
function mapping(text: string): Mapping {
  const [, hostIp = null, at = '0', first, last, protocol = 'tcp'] =
    /^(?:\[?([0-9a-f.:]+?)\]?:)?(\d+):(\d+)(?:-(\d+))?(?:\/(tcp|udp))?$/.exec(text) ?? [];
  const inside = Number(first);
  const count = Number(last ?? first) - inside + 1;
  return { hostIp, at: Number(at), inside, count, protocol: protocol as Mapping['protocol'] };
}

const row = (...mappings: string[]): PortRow => ({ mappings: mappings.map(mapping) });
const stuck = (...mappings: string[]): PortRow => ({ ...row(...mappings), stuck: true });
const alone = (...mappings: string[]): PortRow => ({ ...row(...mappings), alone: true });

/** `host`: the host for podman, `10.77.0.1` and `fd77::1` on the wire to the machine beside it. */
export const portRows: readonly PortRow[] = [
  row('0:80'),
  row('0.0.0.0:0:80'),
  row('[::]:0:80'),
  row('127.0.0.1:0:80'),
  row('[::1]:0:80'),
  row('10.77.0.1:0:80'),
  row('[fd77::1]:0:80'),
  row('[::ffff:10.77.0.1]:0:80'),
  stuck('0.0.0.0:0:80', '[::]:0:80'),
  stuck('0:80', '[::]:0:80'),
  row('127.0.0.1:0:80', '[::1]:0:80'),
  row('10.77.0.1:0:80', '[fd77::1]:0:80'),
  row('0:80', '[::1]:0:80'),
  row('0:80', '[fd77::1]:0:80'),
  row('0.0.0.0:0:80', '[fd77::1]:0:80'),
  stuck('0.0.0.0:0:80', '[::]:0:81'),
  stuck('0:80', '[::]:0:81'),
  row('0:80', '0:80'),
  row('0:8000-8002'),
  row('0:8000-8002', '1:8001-8003'),
  stuck('0.0.0.0:0:8000-8002', '[::]:1:8001-8003'),
  row('[::1]:0:8000-8002', '127.0.0.1:0:8000-8002'),
  row('0:80/udp'),
  row('[::]:0:80/udp'),
  row('0:80', '0:80/udp'),
  row('10.77.0.1:0:8000-8001/udp', '[::]:0:8000-8001/udp'),
  alone('0:80', '0.0.0.0:0:80'),
  alone('0:80', '127.0.0.1:0:80'),
  alone('[::]:0:80', '[::1]:0:80'),
  alone('0:80', '0:81'),
];

/** A subnet each; no two networks of one container. */
export const families = {
  'IPv4-only': '--subnet 10.5.0.0/24',
  'IPv6-only': '--subnet fd05::/64',
  'dual-stack': '--ipv6 --subnet 10.5.0.0/24 --subnet fd05::/64',
} as const;
export type NetworkFamily = keyof typeof families;

/** Below the ports that a nats-server with a port of its own choice uses. */
const firstPort = 10_000;
export const portsPerRow = 10;

export const firstPortOf = (one: PortRow): number => firstPort + portRows.indexOf(one) * portsPerRow;

/** `-p [::]:10010:80 -p …` */
export function optionsOf(one: PortRow): string {
  return one.mappings.map((each) => `-p ${spelt(each, firstPortOf(one))}`).join(' ');
}

/** As in the table, where every row may be read as if it were at port 8080. */
export const titleOf = (one: PortRow): string => one.mappings.map((each) => `-p ${spelt(each, 8080)}`).join(' ');

function spelt({ hostIp, at, inside, count, protocol }: Mapping, first: number): string {
  const address = hostIp === null ? '' : hostIp.includes(':') ? `[${hostIp}]:` : `${hostIp}:`;
  const span = (from: number) => (count === 1 ? `${from}` : `${from}-${from + count - 1}`);
  return `${address}${span(first + at)}:${span(inside)}${protocol === 'tcp' ? '' : `/${protocol}`}`;
}

export interface Question {
  from: 'host' | 'outside';
  address: string;
  protocol: Mapping['protocol'];
  /** from the first host port of the row */
  at: number;
}

/** Both ends of every range, by every address of the host. */
export function questionsOf({ mappings }: PortRow): Question[] {
  const ends = mappings.flatMap(({ at, count, protocol }) => [at, at + count - 1].map((port) => `${protocol} ${port}`));
  const asked = [
    ['host', '127.0.0.1'],
    ['host', '10.77.0.1'],
    ['host', '::1'],
    ['host', 'fd77::1'],
    ['outside', '10.77.0.1'],
    ['outside', 'fd77::1'],
  ] as const;
  return [...new Set(ends)].flatMap((end) => {
    const [protocol, at] = end.split(' ');
    return asked.map(
      ([from, address]): Question => ({ from, address, protocol: protocol as Mapping['protocol'], at: Number(at) }),
    );
  });
}

/** The listener in a container. */
export const listened = [80, 81, 8000, 8001, 8002, 8003];
