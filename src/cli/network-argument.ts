import { isIP } from 'node:net';
import type { ContainerRequest } from '../core/container/request.ts';
import { interfaceNamePattern, interfaceNameRule, modeNames, nameRefusal } from '../core/name-rules.ts';
import { badInput, nameParser } from './options.ts';

export type Attachment = NonNullable<ContainerRequest['networks']>[number];

/** A parsed --network: networks to join, or a mode without networks. */
export type NetworkArgument = { mode: string } | { networks: Attachment[] };

/** Returns the name of the default network from the environment; null: the daemon decides. */
export function namedDefault(): string | null {
  const name = process.env.NETLOOM_DEFAULT_NETWORK || null;
  const refusal = name === null ? null : nameRefusal(name);
  if (refusal !== null) throw badInput(`NETLOOM_DEFAULT_NETWORK: ${refusal}`, 'name.invalid');
  return name;
}

/** Sends the name from the environment, so that the daemon creates this default network if it is missing. */
export function withDefaultNetwork(request: ContainerRequest): ContainerRequest {
  const name = namedDefault();
  const mayJoin = request.networks?.length || request.mode === 'bridge';
  return name !== null && mayJoin ? { ...request, defaultNetwork: name } : request;
}

export const networkSpelling =
  '<name>, or with settings <name>:ip=…,mac=… (also interface_name, host_interface_name, alias); bridge, private or default ' +
  '(NETLOOM_DEFAULT_NETWORK, else podman; created if missing), host, container:<container>, ' +
  'ns:<path>; none: loopback only';

const withoutArgument = ['none', 'host'];
const withArgument = ['container', 'ns'];
/** The daemon decides which of these it supports. */
const withOptions = ['slirp4netns', 'pasta'];
/** A new namespace on the default network, as with podman for root. */
const onDefaultNetwork = ['bridge', 'default', 'private'];

/** Checks whether a name means a mode. A network with such a name must be given by its ID. */
const alone = (name: string): boolean => modeNames.includes(name) && !onDefaultNetwork.includes(name);

/** podman's spelling: `none`, `container:web`, `one,two`, `web:ip=10.89.0.5,mac=02:00:00:00:00:01`. */
export function parseNetworkArgument(text: string): NetworkArgument {
  const [, head = '', settings] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  if (withoutArgument.includes(head)) {
    if (settings !== undefined) throw badInput(`--network ${text}: ${head} takes no settings`);
    return { mode: head };
  }
  if (withArgument.includes(head)) {
    if (!settings) throw badInput(`--network ${text}: expected ${head}:${head === 'ns' ? '<path>' : '<id>'}`);
    return { mode: text };
  }
  if (withOptions.includes(head)) return { mode: text };
  if (settings !== undefined) return { networks: [{ ...networkOf(head), ...parseSettings(text, settings) }] };
  return { networks: head.split(',').map(networkOf) };
}

/** The network that a container joins without --network, as with podman. */
export const defaultArgument = (): NetworkArgument => ({ networks: [networkOf('bridge')] });

function networkOf(name: string): Attachment {
  if (alone(name)) throw badInput(`--network ${name}: a mode that joins no network cannot be combined with others`);
  if (!onDefaultNetwork.includes(name)) return { network: nameParser('--network', 'name.invalid')(name) };
  const network = namedDefault();
  return network === null ? {} : { network };
}

type Settings = Omit<Attachment, 'network'>;

function parseSettings(text: string, list: string): Settings {
  const settings: Settings = {};
  for (const entry of list.split(',')) {
    const at = entry.indexOf('=');
    const value = at < 0 ? '' : entry.slice(at + 1);
    const refuse = (reason: string) => badInput(`--network ${text}: ${JSON.stringify(entry)} ${reason}`);
    const set = setters.get(entry.slice(0, Math.max(at, 0)));
    if (!set)
      throw refuse('is not understood; expected ip=…, mac=…, interface_name=…, host_interface_name=… or alias=…');
    const problem = set(settings, value);
    if (problem) throw refuse(problem);
  }
  return settings;
}

type Setter = (settings: Settings, value: string) => string | null;

/** Setters by name. Each returns the problem with a value, or null. */
const setters: ReadonlyMap<string, Setter> = new Map<string, Setter>([
  [
    'ip',
    (settings, value) => {
      settings.staticIps = [...(settings.staticIps ?? []), value];
      return isIP(value) ? null : 'is not an IP address';
    },
  ],
  [
    'mac',
    (settings, value) => {
      if (settings.staticMac) return 'is a second MAC address';
      settings.staticMac = value;
      return isMacAddress(value) ? null : 'is not a MAC address such as 02:00:00:00:00:01';
    },
  ],
  [
    'interface_name',
    (settings, value) => {
      if (settings.interfaceName) return 'is a second interface name';
      settings.interfaceName = value;
      return interfaceNamePattern.test(value) ? null : interfaceNameRule;
    },
  ],
  [
    'host_interface_name',
    (settings, value) => {
      if (settings.hostInterfaceName) return 'is a second host interface name';
      settings.hostInterfaceName = value;
      return interfaceNamePattern.test(value) ? null : interfaceNameRule;
    },
  ],
  [
    'alias',
    (settings, value) => {
      settings.aliases = [...(settings.aliases ?? []), value];
      return value === '' ? 'names nothing: an alias cannot be empty' : null;
    },
  ],
]);

const isMacAddress = (text: string): boolean => /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text);

/** Parses options that take an IP address, of one family or of both. */
export function addressParser(option: string, family: 4 | 6 | null): (text: string) => string {
  return (text) => {
    const found = isIP(text);
    if (found === 0 || (family !== null && found !== family))
      throw badInput(
        `${option} ${text}: expected an ${family === null ? 'IP' : `IPv${family}`} address`,
        'address.invalid',
      );
    return text;
  };
}

export function macParser(option: string): (text: string) => string {
  return (text) => {
    if (!isMacAddress(text))
      throw badInput(`${option} ${text}: expected a MAC address such as 02:00:00:00:00:01`, 'address.invalid');
    return text;
  };
}
