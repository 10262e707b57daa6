import { canonicalAddress, familyOf } from './address.ts';
import { type Fault, fault } from './fault.ts';
import type { IpvlanMode, MacvlanMode } from './link-kinds.ts';
import { interfaceNameSchema } from './token.ts';

/** What a network's options say. Their names and values are podman's (netavark's), and two of docker's. */

export const networkDrivers = ['bridge', 'macvlan', 'ipvlan'] as const;
export type NetworkDriver = (typeof networkDrivers)[number];

export type Isolation = 'none' | 'true' | 'strict';

export interface NetworkSettings {
  /** null: the uplink's */
  mtuBytes: number | null;
  isolate: Isolation;
  /** of the default routes; null: by the order of a container's networks */
  metric: number | null;
  defaultRoute: boolean;
  /** an existing VRF that the bridge belongs to */
  vrf: string | null;
  /** the address that containers are seen with elsewhere; null: that of the way out */
  outbound4: string | null;
  outbound6: string | null;
  /** false: a bridge that is there already, and is never changed or removed */
  managed: boolean;
  vlanId: number | null;
  mode: MacvlanMode | IpvlanMode | null;
  /** macvlan's bclim */
  broadcastLimit: number | null;
  /** open: other machines reach its containers by their addresses, as far as they know a route */
  inbound: 'guarded' | 'open';
  /** allow: its containers may send as who they are not */
  spoofing: 'guarded' | 'allow';
  /** accept_ra inside its containers; null: by what the network is */
  acceptRa: number | null;
}

/** What may be changed while containers use a network. Engines that keep a definition know nothing of them. */
export const changeableOptions: readonly string[] = ['inbound', 'spoofing'];

type Options = Readonly<Record<string, string>>;
type Reader = (text: string) => Partial<NetworkSettings> | null;

const isOneOf =
  <Value extends string>(...values: Value[]) =>
  (text: string): Value | null =>
    values.includes(text as Value) ? (text as Value) : null;

const whole = (text: string, least: number, most: number): number | null =>
  /^-?\d{1,10}$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : null;

const flag = (text: string): boolean | null =>
  ['true', '1'].includes(text) ? true : ['false', '0'].includes(text) ? false : null;

const address = (text: string, family: 4 | 6): string | null => {
  const canonical = canonicalAddress(text);
  return canonical !== null && familyOf(canonical) === family ? canonical : null;
};

/** null where the value cannot be one, else under its name. */
const as = <Key extends keyof NetworkSettings>(key: Key, value: NetworkSettings[Key] | null) =>
  value === null ? null : { [key]: value };

const isolations: Record<string, Isolation> = {
  true: 'true',
  '1': 'true',
  false: 'none',
  '0': 'none',
  strict: 'strict',
};

/** below it the kernel takes no IPv4 address */
const leastMtuBytes = 68;
const mtu: Reader = (text) => as('mtuBytes', whole(text, leastMtuBytes, 65535));
const metric: Reader = (text) => as('metric', whole(text, 0, 4_294_967_295));
const acceptRa: Reader = (text) => as('acceptRa', whole(text, 0, 2));
const noDefaultRoute: Reader = (text) => {
  const without = flag(text);
  return without === null ? null : { defaultRoute: !without };
};

const readers: Record<NetworkDriver, Record<string, Reader>> = {
  bridge: {
    accept_ra: acceptRa,
    mtu,
    'com.docker.network.driver.mtu': mtu,
    // the name itself is looked at where interfaces are named
    'com.docker.network.bridge.name': () => ({}),
    inbound: (text) => as('inbound', isOneOf('guarded', 'open')(text)),
    isolate: (text) => as('isolate', isolations[text] ?? null),
    metric,
    mode: (text) => (isOneOf('managed', 'unmanaged')(text) ? { managed: text === 'managed' } : null),
    no_default_route: noDefaultRoute,
    outbound_addr4: (text) => as('outbound4', address(text, 4)),
    outbound_addr6: (text) => as('outbound6', address(text, 6)),
    spoofing: (text) => as('spoofing', isOneOf('guarded', 'allow')(text)),
    vlan: (text) => as('vlanId', whole(text, 1, 4094)),
    vrf: (text) => as('vrf', interfaceNameSchema.safeParse(text).success ? text : null),
  },
  macvlan: {
    accept_ra: acceptRa,
    mtu,
    'com.docker.network.driver.mtu': mtu,
    bclim: (text) => as('broadcastLimit', whole(text, -1, 2_147_483_647)),
    metric,
    mode: (text) => as('mode', isOneOf<MacvlanMode>('bridge', 'private', 'vepa', 'passthru')(text)),
    no_default_route: noDefaultRoute,
    parent: () => ({}),
  },
  ipvlan: {
    accept_ra: acceptRa,
    mtu,
    'com.docker.network.driver.mtu': mtu,
    metric,
    mode: (text) => as('mode', isOneOf<IpvlanMode>('l2', 'l3', 'l3s')(text)),
    no_default_route: noDefaultRoute,
    parent: () => ({}),
  },
};

const plain: NetworkSettings = {
  mtuBytes: null,
  isolate: 'none',
  metric: null,
  defaultRoute: true,
  vrf: null,
  outbound4: null,
  outbound6: null,
  managed: true,
  vlanId: null,
  mode: null,
  broadcastLimit: null,
  inbound: 'guarded',
  spoofing: 'guarded',
  acceptRa: null,
};

/** Everything must be known and make sense: an option that is misspelt would be missed only when it is needed. */
export function readOptions(driver: NetworkDriver, options: Options): NetworkSettings | Fault {
  const known = readers[driver];
  const settings = { ...plain };
  for (const [name, text] of Object.entries(options)) {
    if (!Object.hasOwn(known, name))
      return fault(
        'payload.invalid',
        `unknown option ${name}; a ${driver} network knows ${Object.keys(known).join(', ')}`,
      );
    const read = known[name]?.(text);
    if (!read) return fault('payload.invalid', `option ${name}=${text}: ${text} cannot be its value`);
    Object.assign(settings, read);
  }
  return settings;
}

/** Of a definition that is in force; what podman may know and we do not is passed over. */
export function networkSettings({ driver, options }: { driver: NetworkDriver; options: Options }): NetworkSettings {
  const read = Object.entries(options).map(([name, text]) => readers[driver][name]?.(text) ?? {});
  return Object.assign({ ...plain }, ...read);
}
