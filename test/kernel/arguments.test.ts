import { afterAll, beforeAll, expect, it } from 'vitest';
import * as native from '#native';
import { becomeHost, type Host } from './host.ts';
import { addBridge, addIpvlan, addMacvlan, addRoute, deleteRoute } from './requests.ts';

let host: Host;
let nft: native.NftSocket;
beforeAll(async () => {
  host = await becomeHost();
  nft = native.openNftSocket();
});
afterAll(() => {
  nft.close();
  host.close();
});

const good = addBridge('never-made');
const element = { set: 's', key: new Uint8Array(4), keyEnd: null, intervalEnd: false, data: null, comment: null };
const call =
  (name: string, ...args: unknown[]) =>
  () =>
    (native as unknown as Record<string, (...args: unknown[]) => unknown>)[name]?.(...args);

const macvlan = addMacvlan('x', 'y', '/z');
const tracked = { protocol: 'udp', family: 4, destination: null, firstPort: 53, lastPort: 53 };
const forget = (wrong: object) => () => call('deleteConntrack', nft, [tracked, { ...tracked, ...wrong }])();

it.each<[string, () => unknown]>([
  ['createNetns.path: expected a string', call('createNetns')],
  ['createNetns.path: expected a string without NUL', call('createNetns', 'a\0b')],
  ['adoptNetns.pid: expected a number', call('adoptNetns', 'x', '/tmp/x')],
  ['openDhcpSocket.link: expected a string', call('openDhcpSocket', '/proc/self/ns/net')],
  ['sendDhcp.socket: expected a DhcpSocket', () => call('sendDhcp', host.socket, {})()],
  ['watchDhcp.socket: expected a DhcpSocket', () => call('watchDhcp', {}, () => {})()],
  ['route.socket: expected a RouteSocket', () => call('route', {}, [])()],
  ['route.socket: expected a RouteSocket', () => call('route', nft, [])()],
  ['route: expected an array', () => call('route', host.socket, {})()],
  ['route[1]: expected an object', () => call('route', host.socket, [good, 7])()],
  ['route[0].verb: expected a verb of RouteRequest', () => call('route', host.socket, [{ verb: 'fly' }])()],
  [
    'route[2].mtuBytes: expected a number',
    () => call('route', host.socket, [good, good, { ...good, mtuBytes: '9' }])(),
  ],
  [
    'route[0].mtuBytes: expected an integer from 0 to 4294967295',
    () => call('route', host.socket, [{ ...good, mtuBytes: -1 }])(),
  ],
  [
    'route[0].macAddress: expected a MAC address ("02:00:00:00:00:01")',
    () => call('route', host.socket, [{ ...good, macAddress: '02:00:00:00:00' }])(),
  ],
  [
    'route[0].ipv4Configuration.forwarding: expected a boolean',
    () => call('route', host.socket, [{ verb: 'setLink', name: 'x', ipv4Configuration: { forwarding: 1 } }])(),
  ],
  [
    'route[0].address: expected an IP address with prefix length ("10.0.0.1/24")',
    () => call('route', host.socket, [{ verb: 'addAddress', link: 'x', address: '10.0.0.1', noDad: true }])(),
  ],
  [
    "route[0].gateway: expected an address of the destination's family",
    () => call('route', host.socket, [{ verb: 'addRoute', destination: '::/0', gateway: '10.0.0.1' }])(),
  ],
  [
    "route[0].mode: expected 'bridge', 'private', 'vepa', 'passthru' or 'source'",
    () => call('route', host.socket, [{ ...macvlan, mode: 'l2' }])(),
  ],
  [
    'route[0].broadcastLimit: expected an integer of 32 bits',
    () => call('route', host.socket, [{ ...macvlan, broadcastLimit: 2 ** 31 }])(),
  ],
  ['route[0].parent: expected a string', () => call('route', host.socket, [{ ...macvlan, parent: null }])()],
  ['route[0].netnsPath: expected a string', () => call('route', host.socket, [{ ...macvlan, netnsPath: null }])()],
  [
    "route[0].mode: expected 'l2', 'l3' or 'l3s'",
    () => call('route', host.socket, [{ ...addIpvlan('x', 'y', '/z'), mode: 'l4' }])(),
  ],
  ['route[0].vlanFiltering: expected a boolean', () => call('route', host.socket, [{ ...good, vlanFiltering: 1 }])()],
  ...[0, 4095].map((bridgeVlan): [string, () => unknown] => [
    'route[0].bridgeVlan: expected a VLAN from 1 to 4094',
    () => call('route', host.socket, [{ verb: 'setLink', name: 'x', bridgeVlan }])(),
  ]),
  [
    "route[0].type: expected 'unicast', 'blackhole', 'unreachable' or 'prohibit'",
    () => call('route', host.socket, [addRoute('10.5.0.0/16', { type: 'local' as 'unicast' })])(),
  ],
  [
    'route[0].gateway: expected null for a route that refuses',
    () => call('route', host.socket, [addRoute('10.5.0.0/16', { type: 'blackhole', gateway: '10.1.0.1' })])(),
  ],
  [
    'route[1].link: expected null for a route that refuses',
    () => call('route', host.socket, [good, deleteRoute('10.5.0.0/16', { type: 'prohibit', link: 'lo' })])(),
  ],
  [
    'changeElements[0].element.key: expected a Uint8Array',
    () => call('changeElements', nft, 't', [{ verb: 'add', element: { ...element, key: 'x' } }])(),
  ],
  [
    "changeElements[0].verb: expected 'add', 'create' or 'delete'",
    () => call('changeElements', nft, 't', [{ verb: 'put', element }])(),
  ],
  [
    'changeElements[0].element.comment: expected at most 128 bytes',
    () => call('changeElements', nft, 't', [{ verb: 'add', element: { ...element, comment: 'x'.repeat(129) } }])(),
  ],
  ['deleteConntrack.socket: expected a NftSocket', () => call('deleteConntrack', host.socket, [tracked])()],
  ['deleteConntrack: expected an array', () => call('deleteConntrack', nft, tracked)()],
  ["deleteConntrack[1].protocol: expected 'tcp', 'udp' or 'sctp'", forget({ protocol: 'icmp' })],
  ['deleteConntrack[1].family: expected 4 or 6', forget({ family: 5 })],
  ['deleteConntrack[1].family: expected a number', forget({ family: 'inet' })],
  ['deleteConntrack[1].destination: expected an IP address', forget({ destination: 'localhost' })],
  ['deleteConntrack[1].destination: expected an address of that family', forget({ destination: '::1' })],
  ['deleteConntrack[1].firstPort: expected a number', forget({ firstPort: null })],
  ['deleteConntrack[1].lastPort: expected an integer from 0 to 65535', forget({ lastPort: 65536 })],
  ['deleteConntrack[1].lastPort: expected at least firstPort', forget({ lastPort: 52 })],
  ["holdPort.protocol: expected 'tcp', 'udp' or 'sctp'", call('holdPort', 'icmp', '0.0.0.0', 1)],
  ['holdPort.port: expected an integer from 0 to 65535', call('holdPort', 'tcp', '0.0.0.0', 65536)],
  ['holdPort.address: expected an IP address', call('holdPort', 'tcp', 'localhost', 80)],
  ['watchRoutes.groups.routes: expected a boolean', call('watchRoutes', { links: true, addresses: true }, () => {})],
  [
    'watchRoutes.groups.allNamespaces: expected a boolean',
    call('watchRoutes', { links: true, addresses: true, routes: true, allNamespaces: 1 }, () => {}),
  ],
  [
    'watchRoutes.groups.settings: expected a boolean',
    call('watchRoutes', { links: true, addresses: true, routes: true, settings: 1 }, () => {}),
  ],
  ['netnsIdOf.socket: expected a RouteSocket', call('netnsIdOf', {}, '/tmp/x')],
  ['netnsIdOf.path: expected a string', () => call('netnsIdOf', host.socket, 7)()],
  ['assignNetnsId.path: expected a string', () => call('assignNetnsId', host.socket)()],
  ['inspectTable.socket: expected a NftSocket', () => call('inspectTable', host.socket, 't')()],
  ['inspectTable.table: expected a string', () => call('inspectTable', nft, null)()],
  ['watchNft.callback: expected a function', call('watchNft', null)],
])('refuses a malformed argument: %s', (message, wrong) => {
  expect(wrong).toThrow(new TypeError(message));
});

it('performs nothing when any request of a call is malformed', () => {
  expect(() => call('route', host.socket, [good, { verb: 'deleteLink' }])()).toThrow(TypeError);
  expect(native.linkByName(host.socket, 'never-made')).toBeNull();
});

it('does not let callers construct objects that own kernel resources', () => {
  for (const Class of [native.RouteSocket, native.NftSocket, native.HeldPort, native.Watch]) {
    expect(() => Reflect.construct(Class, [])).toThrow(TypeError);
    expect(() => Reflect.construct(Class, [{}])).toThrow(TypeError);
  }
});
