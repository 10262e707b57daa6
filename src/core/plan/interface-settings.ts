/**
 * The kernel's settings of each interface that netloom makes: one table. They are netavark's, and two more (`forwarding`, which
 * another program may have switched off for new interfaces, and `autoconf` on bridges).
 */

/** net.ipv4.conf.<interface>.…; absent ones are left alone. */
export interface Ipv4Settings {
  routeLocalnet?: boolean;
  forwarding?: boolean;
  arpNotify?: boolean;
  /** 0: off, 1: strict, 2: loose */
  rpFilter?: number;
}

/** net.ipv6.conf.<interface>.…; absent ones are left alone. */
export interface Ipv6Settings {
  forwarding?: boolean;
  /** 0: never, 1: unless it forwards, 2: always */
  acceptRa?: number;
  autoconf?: boolean;
  acceptDad?: number;
  disableIpv6?: boolean;
}

/** Names below net.ipv4.conf.<interface>. */
const ipv4Names = {
  routeLocalnet: 'route_localnet',
  forwarding: 'forwarding',
  arpNotify: 'arp_notify',
  rpFilter: 'rp_filter',
} as const satisfies Record<keyof Ipv4Settings, string>;

/** Names below net.ipv6.conf.<interface>. */
const ipv6Names = {
  forwarding: 'forwarding',
  acceptRa: 'accept_ra',
  autoconf: 'autoconf',
  acceptDad: 'accept_dad',
  disableIpv6: 'disable_ipv6',
} as const satisfies Record<keyof Ipv6Settings, string>;

/** Properties that determine the settings of a bridge. */
export interface BridgeTraits {
  internal: boolean;
  hasIpv6: boolean;
  /** a published port leads into it that 127.0.0.1 reaches; null: unknown, the setting is left alone */
  onLoopback: boolean | null;
}

/** Properties that determine the settings inside a container. */
export interface ContainerTraits {
  /** value of accept_ra; 0 unless its network asks for router advertisements */
  acceptRa: number;
}

type Setting =
  | { family: 4; name: keyof Ipv4Settings; value: boolean | number }
  | { family: 6; name: keyof Ipv6Settings; value: boolean | number };
type Row = Setting & { why: string };

const bridgeTable = ({ internal, hasIpv6, onLoopback }: BridgeTraits): Row[] => [
  { family: 4, name: 'rpFilter', value: 2, why: "replies may arrive through another network than the route's" },
  {
    family: 4,
    name: 'forwarding',
    value: !internal,
    why: internal ? 'an internal network reaches nothing else' : 'containers reach other networks through the host',
  },
  { family: 4, name: 'arpNotify', value: true, why: 'neighbours learn a new MAC address at once' },
  { family: 6, name: 'acceptRa', value: 0, why: 'the host must not use a container as a router' },
  { family: 6, name: 'autoconf', value: false, why: 'the host takes no address that a container advertises' },
  { family: 6, name: 'acceptDad', value: 0, why: 'gateways answer at once' },
  ...(onLoopback === null || internal
    ? []
    : [
        {
          family: 4,
          name: 'routeLocalnet',
          value: onLoopback,
          why: onLoopback
            ? 'the host reaches a published port at 127.0.0.1'
            : 'no container reaches loopback of the host, not even without the ruleset',
        } as const,
      ]),
  // after the settings that decide which advertisements it accepts
  ...(hasIpv6
    ? [
        {
          family: 6,
          name: 'disableIpv6',
          value: false,
          why: 'the network has an IPv6 subnet, whatever the default of the host is',
        } as const,
      ]
    : []),
  ...(hasIpv6 && !internal
    ? [{ family: 6, name: 'forwarding', value: true, why: 'containers reach other networks through the host' } as const]
    : []),
];

const containerTable = ({ acceptRa }: ContainerTraits): Row[] => [
  {
    family: 4,
    name: 'rpFilter',
    value: 2,
    why: 'with several networks, a packet may arrive through another one than its route',
  },
  { family: 4, name: 'arpNotify', value: true, why: 'neighbours learn a new MAC address at once' },
  {
    family: 6,
    name: 'acceptRa',
    value: acceptRa,
    why:
      acceptRa === 0
        ? 'the container must not use a neighbour as a router'
        : 'its network asks for router advertisements',
  },
  {
    family: 6,
    name: 'autoconf',
    value: acceptRa !== 0,
    why: acceptRa === 0 ? 'its addresses are those of its lease' : 'its network asks for router advertisements',
  },
  {
    family: 6,
    name: 'acceptDad',
    value: 0,
    why: 'addresses are usable at once, because netloom leases each only once',
  },
];

const textOf = (value: boolean | number): string => `${Number(value)}`;

const valuesOf = <Settings>(rows: readonly Row[], family: 4 | 6): Settings =>
  Object.fromEntries(rows.filter((row) => row.family === family).map(({ name, value }) => [name, value])) as Settings;

export interface InterfaceSettings {
  ipv4: Ipv4Settings;
  ipv6: Ipv6Settings;
}

const settingsOf = (rows: readonly Row[]): InterfaceSettings => ({ ipv4: valuesOf(rows, 4), ipv6: valuesOf(rows, 6) });

export const bridgeSettings = (traits: BridgeTraits): InterfaceSettings => settingsOf(bridgeTable(traits));

export const containerSettings = (traits: ContainerTraits): InterfaceSettings => settingsOf(containerTable(traits));

/** Initial settings of every interface in a namespace that netloom makes, by `net.ipv6.conf.default`. */
export const namespaceSettings: Ipv6Settings = containerSettings({ acceptRa: 0 }).ipv6;

/** The same as sysctls. */
export const namespaceSysctls = ipv6Sysctls('default', namespaceSettings);

/** One setting with its reason, for users: in `plan` and `inspect`. */
export interface ExplainedSetting {
  interface: string;
  /** `net.ipv6.conf.eth0.accept_ra` */
  key: string;
  value: string;
  why: string;
}

const explained = (link: string, rows: readonly Row[]): ExplainedSetting[] =>
  rows.map((row) => ({ interface: link, key: keyOf(link, row, '.'), value: textOf(row.value), why: row.why }));

export const explainedBridgeSettings = (link: string, traits: BridgeTraits): ExplainedSetting[] =>
  explained(link, bridgeTable(traits));

export const explainedContainerSettings = (link: string, traits: ContainerTraits): ExplainedSetting[] =>
  explained(link, containerTable(traits));

function keyOf(link: string, setting: Pick<Setting, 'family' | 'name'>, separator: '.' | '/'): string {
  const names: Record<string, string> = setting.family === 4 ? ipv4Names : ipv6Names;
  return ['net', `ipv${setting.family}`, 'conf', link, names[setting.name]].join(separator);
}

/** Returns sysctls such as `net/ipv6/conf/<interface>/accept_ra`: with slashes, because an interface's name may have dots. */
export function ipv6Sysctls(link: string, settings: Ipv6Settings): { key: string; value: string }[] {
  return Object.entries(settings).map(([name, value]) => ({
    key: keyOf(link, { family: 6, name: name as keyof Ipv6Settings }, '/'),
    value: textOf(value as boolean | number),
  }));
}

/** Returns the settings of a bridge that systemd-sysctl must not reset when it reads its files again: in its own format (sysctl.d(5)). */
export function persistedSettings(bridge: string, traits: Omit<BridgeTraits, 'onLoopback'>): string {
  const lines = bridgeTable({ ...traits, onLoopback: null }).map(
    (row) => `-${keyOf(bridge, row, '/')} = ${textOf(row.value)}`,
  );
  return ['# Made by netloom for this bridge, and removed with it.', ...lines, ''].join('\n');
}

/** A setting that another program had changed. */
export interface SettingDrift {
  /** `net.ipv6.conf.netloom0.accept_ra` */
  key: string;
  found: string;
  wanted: string;
}

/** Returns the settings of `wanted` that differ from the kernel's; `found` is null if the interface lacks the family. */
export function settingDrift(
  link: string,
  family: 4 | 6,
  wanted: Ipv4Settings | Ipv6Settings,
  found: Readonly<Record<string, boolean | number>> | null,
): SettingDrift[] {
  if (found === null) return [];
  return Object.entries(wanted)
    .filter(([name, value]) => Number(found[name]) !== Number(value))
    .map(([name, value]) => ({
      key: keyOf(link, { family, name } as Setting, '.'),
      found: textOf(found[name] as boolean | number),
      wanted: textOf(value as boolean | number),
    }));
}
