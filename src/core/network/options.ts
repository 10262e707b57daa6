import { canBeSource, canonicalAddress, familyOf } from '../address.ts';
import { entryOf } from '../entry.ts';
import { type Fault, fault } from '../fault.ts';
import type { IpvlanMode, MacvlanMode } from '../link-modes.ts';
import { interfaceNamePattern } from '../name-rules.ts';

/** Settings from a network's options. Their names and values are podman's (netavark's), and two of docker's. */

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
  /** source address of containers outside; null: that of the way out */
  outbound4: string | null;
  outbound6: string | null;
  /** false: an existing bridge, which is never changed or removed */
  managed: boolean;
  vlanId: number | null;
  mode: MacvlanMode | IpvlanMode | null;
  /** macvlan's bclim */
  broadcastLimit: number | null;
  /** open: other machines reach its containers by their addresses, as far as they know a route */
  inbound: 'guarded' | 'open';
  /** allow: its containers may send from addresses that are not their own */
  spoofing: 'guarded' | 'allow';
  /** accept_ra inside its containers; null: derived from the kind of network */
  acceptRa: number | null;
}

/** Options that may change while containers use a network. Engines that keep a definition know nothing of them. */
export const changeableOptions: readonly string[] = ['inbound', 'spoofing'];

type Options = Readonly<Record<string, string>>;
/** Conversion of an option's text to a setting. */
interface Reader {
  /** null: invalid */
  read(text: string): Partial<NetworkSettings> | null;
  /** allowed values, in words that follow its name: `must be guarded or open` */
  allowed: string;
}

const whole = (text: string, least: number, most: number): number | null =>
  /^-?\d{1,10}$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : null;

const address = (text: string, family: 4 | 6): string | null => {
  const canonical = canonicalAddress(text);
  return canonical !== null && familyOf(canonical) === family ? canonical : null;
};

type Key = keyof NetworkSettings;

/** Returns the value under its name; null if it is invalid. */
const as = <Name extends Key>(key: Name, value: NetworkSettings[Name] | null) =>
  value === null ? null : { [key]: value };

/** Formats a choice: `a, b or c`. */
export const either = (values: readonly string[]): string =>
  values
    .filter((value) => value !== '')
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1');

const oneOf = <Name extends Key>(key: Name, ...values: (NetworkSettings[Name] & string)[]): Reader => ({
  read: (text) => as(key, values.find((value) => value === text) ?? null),
  allowed: `must be ${either(values)}`,
});

/** Returns a reader that also accepts the word that an engine may write for the default. */
const orDefault = (written: string, { read, allowed }: Reader): Reader => ({
  read: (text) => (text === written ? {} : read(text)),
  allowed,
});

/** Returns a reader of words that stand for values. */
const word = <Name extends Key>(key: Name, values: Readonly<Record<string, NetworkSettings[Name]>>): Reader => ({
  read: (text) => (Object.hasOwn(values, text) ? { [key]: values[text] } : null),
  allowed: `must be ${either(Object.keys(values).sort(numbersLast))}`,
});
const numbersLast = (one: string, other: string): number => Number(/^\d/.test(one)) - Number(/^\d/.test(other));

const wholeNumber = (key: Key, least: number, most: number): Reader => ({
  read: (text) => as(key, whole(text, least, most)),
  allowed: `must be a whole number from ${least} to ${most}`,
});

const addressOf = (key: Key, family: 4 | 6): Reader => ({
  read: (text) => {
    const source = address(text, family);
    return as(key, source !== null && canBeSource(source) ? source : null);
  },
  allowed: `must be an IPv${family} address that this host can have`,
});

/** Accepts any text here: interface names are checked elsewhere. */
const interfaceName: Reader = { read: () => ({}), allowed: 'must be the name of an interface' };

const vrf: Reader = {
  read: (text) => as('vrf', interfaceNamePattern.test(text) ? text : null),
  allowed: 'must be the name of an interface',
};

/** below it the kernel accepts no IPv4 address */
const leastMtuBytes = 68;
const mtu = orDefault('0', wholeNumber('mtuBytes', leastMtuBytes, 65535));
const metric = wholeNumber('metric', 0, 4_294_967_295);
const acceptRa = word('acceptRa', { 0: 0, 1: 1, 2: 2 });
const noDefaultRoute = word('defaultRoute', { true: false, false: true, 1: false, 0: true });

const readers: Record<NetworkDriver, Record<string, Reader>> = {
  bridge: {
    accept_ra: acceptRa,
    mtu,
    'com.docker.network.driver.mtu': mtu,
    'com.docker.network.bridge.name': interfaceName,
    inbound: oneOf('inbound', 'guarded', 'open'),
    isolate: word('isolate', { true: 'true', false: 'none', strict: 'strict', 1: 'true', 0: 'none' }),
    metric,
    mode: orDefault('', word('managed', { managed: true, unmanaged: false })),
    no_default_route: noDefaultRoute,
    outbound_addr4: addressOf('outbound4', 4),
    outbound_addr6: addressOf('outbound6', 6),
    spoofing: oneOf('spoofing', 'guarded', 'allow'),
    vlan: wholeNumber('vlanId', 1, 4094),
    vrf,
  },
  macvlan: {
    accept_ra: acceptRa,
    mtu,
    'com.docker.network.driver.mtu': mtu,
    bclim: wholeNumber('broadcastLimit', -1, 2_147_483_647),
    metric,
    mode: orDefault('', oneOf('mode', 'bridge', 'private', 'vepa', 'passthru', 'source')),
    no_default_route: noDefaultRoute,
    parent: interfaceName,
  },
  ipvlan: {
    accept_ra: acceptRa,
    mtu,
    'com.docker.network.driver.mtu': mtu,
    metric,
    mode: orDefault('', oneOf('mode', 'l2', 'l3', 'l3s')),
    no_default_route: noDefaultRoute,
    parent: interfaceName,
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

/** Returns the names of a driver's options, without docker's synonyms. */
export function optionNames(driver: NetworkDriver): string[] {
  return Object.keys(readers[driver]).filter((name) => !name.startsWith('com.docker.'));
}

/** Reads all options; refuses unknown or invalid ones, because a misspelt option would be missed only when it is needed. */
export function readOptions(driver: NetworkDriver, options: Options): NetworkSettings | Fault {
  const known = readers[driver];
  const settings = { ...plain };
  for (const [name, text] of Object.entries(options)) {
    if (!Object.hasOwn(known, name))
      return fault(
        'payload.invalid',
        `unknown option ${onOneLine(name)}; a ${driver} network knows ${Object.keys(known).join(', ')}`,
      );
    const reader = known[name] as Reader;
    const read = reader.read(text);
    if (!read) return fault('payload.invalid', unreadable(name, text, reader));
    Object.assign(settings, read);
  }
  return settings;
}

const unreadable = (name: string, text: string, { allowed }: Reader): string =>
  `option ${name}=${onOneLine(text)}: ${name} ${allowed}`;

const onOneLine = (text: string): string => (/\p{Cc}/u.test(text) ? JSON.stringify(text) : text);

const readerOf = (driver: NetworkDriver, name: string): Reader | undefined => entryOf(readers[driver], name);

/** Describes an invalid value in any definition; an unknown option belongs to another engine. null: all values are valid. */
export function unreadableOption({ driver, options }: { driver: NetworkDriver; options: Options }): string | null {
  for (const [name, text] of Object.entries(options)) {
    const reader = readerOf(driver, name);
    if (reader && !reader.read(text)) return unreadable(name, text, reader);
  }
  return null;
}

/** Returns the settings of a definition in force; ignores options that podman may know and netloom does not. */
export function networkSettings({ driver, options }: { driver: NetworkDriver; options: Options }): NetworkSettings {
  const read = Object.entries(options).map(([name, text]) => readerOf(driver, name)?.read(text) ?? {});
  return Object.assign({ ...plain }, ...read);
}
