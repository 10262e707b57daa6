import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import * as native from '#native';
import { runDoor } from '../doors/door.ts';
import { ask } from '../resolver/support.ts';
import { untilAnswered } from '../support/daemon.ts';
import { Lab } from '../support/lab.ts';
import { namesWithin } from '../support/names-within.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterEach(async () => {
  const { containers } = await lab.client.container.list();
  for (const { id } of containers) await lab.remove(id);
  // what podman brought goes with its last container
  await untilAnswered(async () =>
    expect((await lab.client.network.list()).networks.map(({ name }) => name)).not.toContain('pods'),
  );
  await lab.empty();
  for (const path of pins.splice(0)) native.removeNetns(path);
});
afterAll(() => lab.close());

const pins: string[] = [];
const own = (host: number) => [`10.87.0.${host}`, `fd00:87::${host}`];
const definition = {
  name: 'pods',
  id: '8'.repeat(64),
  driver: 'bridge',
  network_interface: 'podman8',
  created: '2026-01-01T00:00:00Z',
  subnets: [
    { subnet: '10.87.0.0/24', gateway: '10.87.0.1' },
    { subnet: 'fd00:87::/64', gateway: 'fd00:87::1' },
  ],
  ipv6_enabled: true,
  internal: false,
  dns_enabled: true,
  ipam_options: { driver: 'host-local' },
};

/** Starts a container as podman does; answers the path of its namespace. */
async function podman(name: string, host: number, aliases: string[] = []): Promise<string> {
  const path = `${lab.directory.path}/${name}`;
  native.createNetns(path).socket.close();
  pins.push(path);
  const id = `${host}`.repeat(64).slice(0, 64);
  const input = {
    container_id: id,
    container_name: name,
    networks: { pods: { static_ips: own(host), aliases: [...aliases, id.slice(0, 12)], interface_name: 'eth0' } },
    network_info: { pods: definition },
  };
  const { code, stdout } = await runDoor(['--config', '/x', 'setup', path], {
    env: { NETLOOM_RUN_DIR: lab.daemon.runDirectory },
    input,
  });
  expect({ code, domains: JSON.parse(stdout).pods?.dns_search_domains }).toEqual({ code: 0, domains: ['dns.podman'] });
  return path;
}

const within = (netns: string, ...questions: string[]) =>
  definition.subnets.map(({ gateway }) => namesWithin(netns, gateway, questions));
const names =
  (...all: string[]) =>
  (domain: string) =>
    all.map((name) => `${name}.${domain}`);
const shop = names('shop', 'store', 'www.example', '2'.repeat(12));

let netns: string;
beforeEach(async () => {
  await podman('shop', 2, ['store', 'www.example.']);
  netns = await podman('asker', 3);
});

it('C09 a container of podman has all its names for its addresses, under dns.podman, and each resolves back', async () => {
  const all = shop('dns.podman');
  for (const found of within(netns, ...own(2))) expect(found).toEqual([all, all]);
  for (const found of within(netns, ...all)) expect(found).toEqual(all.map(() => own(2)));
  for (const found of within(netns, ...own(3)))
    expect(found).toEqual(Array(2).fill(names('asker', '3'.repeat(12))('dns.podman')));
  for (const found of within(netns, '10.87.0.77', 'fd00:87::77')) expect(found).toEqual([['ENOTFOUND'], ['ENOTFOUND']]);
});

it("C09 names of podman's containers are the same for the host, after a restart, and for a container of netloom beside them", async () => {
  const fromHost = async () =>
    (await ask('2.0.87.10.in-addr.arpa', { from: '10.87.0.1', at: '10.87.0.1', type: 'PTR' })).data;
  expect(await fromHost()).toEqual(shop('dns.podman'));
  const beside = await lab.client.container.setup({
    id: 'beside',
    networks: [{ network: 'pods', staticIps: own(4), aliases: ['near'] }],
  });
  expect(beside.status.pods?.dns_search_domains).toEqual(['dns.netloom']);
  const near = names('beside', 'near');
  const look = () => [within(beside.netns.path, ...own(2), ...own(4)), within(netns, ...own(4))];
  const expected = [
    Array(2).fill([...Array(2).fill(shop('dns.podman')), ...Array(2).fill(near('dns.netloom'))]),
    Array(2).fill(Array(2).fill(near('dns.podman'))),
  ];
  expect(look()).toEqual(expected);
  await lab.restart('kill');
  expect(look()).toEqual(expected);
  expect(await fromHost()).toEqual(shop('dns.podman'));
});

it('C09 on a network of netloom the domain depends on the asker, and all names are given, too', async () => {
  await lab.client.network.create({ name: 'web', subnets: [{ subnet: '10.88.0.0/24' }] });
  const aliases = ['shop', 'Store'];
  const { netns } = await lab.client.container.setup({
    id: 'abcdef0123456789',
    name: 'web',
    networks: [{ network: 'web', aliases }],
  });
  const all = names('web', 'shop', 'store', 'abcdef012345')('dns.netloom');
  expect(namesWithin(netns.path, '10.88.0.1', ['10.88.0.2', ...all])).toEqual([all, ...all.map(() => ['10.88.0.2'])]);
  await lab.client.container.connect({ id: '3'.repeat(64), network: 'web' });
  expect(namesWithin(pins[1] as string, '10.88.0.1', ['10.88.0.2'])).toEqual([
    names('web', 'shop', 'store', 'abcdef012345')('dns.podman'),
  ]);
});
