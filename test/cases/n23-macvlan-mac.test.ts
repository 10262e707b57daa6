import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as native from '#native';
import { ip, ipWithin } from '../support/fresh-host.ts';
import { Lab, refusal } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';

// A macvlan keeps its MAC address for some moments after its namespace was dropped, longer where the kernel has more to clean
// up: the next one of that MAC address waits for it.
const staticMac = '02:00:00:00:23:01';
const rounds = 8;

let lab: Lab;
let parentMac: string;

beforeAll(async () => {
  lab = await Lab.open();
  ipBatch(null, ['link add lan0 type veth peer name lan1', 'link set lan0 up', 'link set lan1 up']);
  ipBatch(null, ['link add lan2 type veth peer name lan3', 'link set lan2 up', 'link set lan3 up']);
  const subnetsOf = (net: number) => [{ subnet: `10.23.${net}.0/24` }, { subnet: `fd00:23:${net}::/64` }];
  const lan = { driver: 'macvlan', network_interface: 'lan0', subnets: subnetsOf(1) };
  await lab.client.network.create({ name: 'lan', ...lan });
  await lab.client.network.create({ name: 'vlan', ...lan, subnets: subnetsOf(3), options: { mode: 'private' } });
  await lab.client.network.create({
    name: 'whole',
    driver: 'macvlan',
    network_interface: 'lan2',
    subnets: subnetsOf(2),
    options: { mode: 'passthru' },
  });
  await lab.client.network.create({ name: 'bridged', subnets: [{ subnet: '10.23.9.0/24' }] });
  parentMac = ip<{ address: string }[]>('link', 'show', 'lan0')[0]?.address as string;
});
afterAll(async () => {
  execFileSync('sh', ['-c', 'ip link delete lan0; ip link delete lan2']);
  await lab.close();
});

/** Makes namespaces that the kernel has to clean up first, one after the other. */
function keepKernelBusy(): void {
  const paths = Array.from({ length: 12 }, (_, index) => `${lab.directory.path}/busy${index}`);
  for (const path of paths) native.createNetns(path).socket.close();
  for (const path of paths) native.removeNetns(path);
}

const macWithin = (netns: string, link = 'eth0') =>
  ipWithin<{ address: string }[]>(netns, 'link', 'show', link)[0]?.address;

const asked = { network: 'lan', staticIps: ['10.23.1.10', 'fd00:23:1::10'], staticMac };
const picked = { network: 'lan', staticIps: ['10.23.1.20', 'fd00:23:1::20'] };

describe('a macvlan with the MAC address of one that has just gone', () => {
  it.each([
    ['that both ask for', asked],
    ['that follows from their address', picked],
    ['of mode private', { ...asked, network: 'vlan', staticIps: ['10.23.3.10'] }],
    ['of mode passthru', { network: 'whole' }],
  ])('N23 a macvlan is set up at once, with a MAC address %s', async (_, attachment) => {
    for (let round = 0; round < rounds; round++) {
      keepKernelBusy();
      const { netns, status } = await lab.client.container.setup({ id: 'same', networks: [attachment] });
      expect(macWithin(netns.path)).toBe(status[attachment.network]?.interfaces.eth0?.mac_address);
      await lab.client.container.remove({ id: 'same' });
    }
    await lab.settled();
  });

  it('N23 a macvlan is set up at once where the engine has dropped the namespace before the teardown', async () => {
    const pin = (round: number) => `${lab.directory.path}/engine${round}`;
    for (let round = 0; round < rounds; round++) {
      native.createNetns(pin(round)).socket.close();
      await lab.client.container.setup({ id: `given${round}`, mode: `ns:${pin(round)}`, networks: [asked] });
      expect(macWithin(pin(round))).toBe(staticMac);
      keepKernelBusy();
      native.removeNetns(pin(round));
      await lab.remove(`given${round}`);
    }
  });

  it('N23 a macvlan with a MAC address just released is connected at once', async () => {
    for (let round = 0; round < rounds; round++) {
      const id = `late${round}`;
      const { netns } = await lab.client.container.setup({ id, networks: [{ network: 'bridged' }] });
      keepKernelBusy();
      await lab.client.request('container.connect', { id, ...asked });
      expect(macWithin(netns.path, 'eth1')).toBe(staticMac);
      await lab.remove(id);
    }
  });
});

describe('a macvlan with the MAC address of one that stays', () => {
  it('N23 a macvlan with a MAC address in use is refused with the reason, and nothing of it is left', async () => {
    await lab.client.container.setup({ id: 'first', networks: [asked] });
    const second = { id: 'second', networks: [{ ...asked, staticIps: ['10.23.1.11'] }] };
    const fault = await refusal(lab.client.container.setup(second, { timeoutMs: 10_000 }));
    expect(fault).toMatchObject({ code: 'mac.taken', errno: 'EADDRINUSE', detail: expect.stringContaining('lan0') });
    await lab.remove('second');
    await lab.remove('first');
  });

  it('N23 a macvlan with the MAC address of its parent is refused at once', async () => {
    const startedMs = performance.now();
    const request = { id: 'parent', networks: [{ ...asked, staticMac: parentMac }] };
    expect(await refusal(lab.client.container.setup(request))).toMatchObject({ code: 'mac.taken' });
    expect(performance.now() - startedMs).toBeLessThan(1_500);
    await lab.remove('parent');
  });
});
