import { execFileSync, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerStatus } from '../../src/contract/container-replies.ts';
import { codeOf, Lab } from '../support/lab.ts';

const asker = new URL('../../dist/test/support/dns-asker.js', import.meta.url).pathname;
let lab: Lab;

beforeAll(async () => {
  lab = await Lab.open();
  await lab.client.network.create({ name: 'web', ipv6_enabled: true });
  await lab.client.network.create({ name: 'back' });
  await lab.client.network.create({ name: 'mute', dns_enabled: false });
});
afterAll(() => lab.close());

/** Resolves a name by the system's resolver library within a namespace, using that server. */
function ask(netns: string, server: string, what: string): string[] {
  const script = `
    const resolver = new (require('node:dns').promises.Resolver)({ timeout: 1000, tries: 1 });
    resolver.setServers([process.argv[1]]);
    ${what}.then((found) => console.log(JSON.stringify(found)), (error) => console.log(JSON.stringify([error.code])));`;
  const args = [`--net=${netns}`, process.execPath, '-e', script, server];
  return JSON.parse(execFileSync('nsenter', args, { encoding: 'utf8' }));
}

const serverOf = ({ status }: ContainerStatus, network: string, index = 0) =>
  status[network]?.dns_server_ips[index] as string;
const addressOf = ({ status }: ContainerStatus, network: string, index = 0) =>
  Object.values(status[network]?.interfaces ?? {})[0]?.subnets[index]?.ipnet.split('/')[0] as string;

describe('the names of containers', () => {
  let web: ContainerStatus;
  let both: ContainerStatus;
  let back: ContainerStatus;
  const id = 'fedcba9876543210fedcba98';

  beforeAll(async () => {
    web = await lab.client.container.setup({ id: 'web', networks: [{ network: 'web', aliases: ['shop'] }] });
    both = await lab.client.container.setup({ id, name: 'both', networks: [{ network: 'web' }, { network: 'back' }] });
    back = await lab.client.container.setup({
      id: 'back',
      networks: [{ network: 'back', aliases: ['Store'] }],
      pod: 'shelf',
    });
  });
  afterAll(async () => {
    for (const one of ['web', id, 'back']) await lab.remove(one);
  });

  it('A03 the names of containers include aliases and short IDs, with and without the search domain, on both families of the gateway', () => {
    const v4 = addressOf(web, 'web');
    expect(web.status.web?.dns_search_domains).toEqual(['dns.netloom']);
    for (const index of [0, 1])
      for (const name of ['web', 'shop', 'SHOP', 'web.dns.netloom'])
        expect(ask(both.netns.path, serverOf(web, 'web', index), `resolver.resolve4('${name}')`)).toEqual([v4]);
    for (const name of ['both', 'fedcba987654', 'fedcba987654.dns.netloom'])
      expect(ask(web.netns.path, serverOf(web, 'web'), `resolver.resolve6('${name}')`)).toEqual([
        addressOf(both, 'web', 1),
      ]);
  });

  it("A06 the names of a container of a pod are the pod's name and the container's own aliases", () => {
    for (const name of ['shelf', 'store'])
      expect(ask(both.netns.path, serverOf(back, 'back'), `resolver.resolve4('${name}')`)).toEqual([
        addressOf(back, 'back'),
      ]);
  });

  it('the names of containers are resolved only for containers on a common network', () => {
    expect(ask(back.netns.path, serverOf(back, 'back'), "resolver.resolve4('web.dns.netloom')")).toEqual(['ENOTFOUND']);
    expect(ask(web.netns.path, serverOf(web, 'web'), "resolver.resolve4('back.dns.netloom')")).toEqual(['ENOTFOUND']);
    expect(ask(both.netns.path, serverOf(web, 'web'), "resolver.resolve4('store')")).toEqual([addressOf(back, 'back')]);
  });

  it("the names of containers are found by the containers' addresses", () => {
    expect(ask(both.netns.path, serverOf(web, 'web'), `resolver.reverse('${addressOf(web, 'web')}')`)).toEqual([
      'web.dns.netloom',
      'shop.dns.netloom',
    ]);
    expect(ask(both.netns.path, serverOf(web, 'web'), `resolver.reverse('${addressOf(web, 'web', 1)}')`)).toEqual([
      'web.dns.netloom',
      'shop.dns.netloom',
    ]);
  });

  it('the names of containers appear when a container is connected, and disappear when it is disconnected', async () => {
    const question = () => ask(both.netns.path, serverOf(web, 'web'), "resolver.resolve4('late.dns.netloom')");
    await lab.client.container.create({ id: 'late' });
    const { netns } = await lab.client.container.setup({ id: 'late' });
    expect(netns).toBeTruthy();
    expect(question()).toEqual(['ENOTFOUND']);
    const { status } = await lab.client.container.connect({ id: 'late', network: 'web' });
    expect(question()).toEqual([addressOf({ status } as ContainerStatus, 'web')]);
    await lab.client.container.disconnect({ id: 'late', network: 'web' });
    expect(question()).toEqual(['ENOTFOUND']);
    await lab.remove('late');
  });

  it('A08 the names of containers are unavailable on a network without DNS: aliases are refused', async () => {
    const networks = [{ network: 'mute', aliases: ['loud'] }];
    expect(await codeOf(lab.client.container.setup({ id: 'mute', networks }))).toBe('mode.conflict');
    await lab.client.container.remove({ id: 'mute' });
    expect(await codeOf(lab.client.container.connect({ id: 'web', network: 'mute', aliases: ['loud'] }))).toBe(
      'mode.conflict',
    );
  });

  it('the names of containers outlive a restart of the daemon and of a worker', async () => {
    const question = () => ask(both.netns.path, serverOf(web, 'web'), "resolver.resolve4('shop')");
    await lab.restart('kill');
    await expect.poll(question).toEqual([addressOf(web, 'web')]);
    for (const index of [0, 1]) await lab.client.worker.restart({ index });
    expect(question()).toEqual([addressOf(web, 'web')]);
  });
});

describe('the resolver', () => {
  it('the resolver answers every question, 2,000 times a second, while 200 containers come and go', async () => {
    const web = await lab.client.container.setup({ id: 'steady', networks: [{ network: 'web' }] });
    const child = spawn(
      'nsenter',
      [
        `--net=${web.netns.path}`,
        process.execPath,
        asker,
        serverOf(web, 'web'),
        'steady',
        addressOf(web, 'web'),
        '2000',
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk;
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const configured: string[][] = [];
    for (let round = 0; round < 20; round++) {
      const ids = Array.from({ length: 10 }, (_, index) => `guest${round}-${index}`);
      await Promise.all(ids.map((id) => lab.client.container.setup({ id, networks: [{ network: 'web' }] })));
      // a name resolves as soon as the event about its container has arrived
      configured.push(ask(web.netns.path, serverOf(web, 'web'), `resolver.resolve4('guest${round}-9')`));
      await Promise.all(ids.map((id) => lab.client.container.remove({ id })));
    }
    child.stdin.end();
    await ended;
    const { asked, answered, wrong } = JSON.parse(said);
    console.log(
      `resolver: ${asked} questions while 200 containers came and went, ${answered} answered, ${wrong} wrongly`,
    );
    expect(asked).toBeGreaterThan(2_000);
    expect({ answered, wrong }).toEqual({ answered: asked, wrong: 0 });
    for (const found of configured) expect(found[0]).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    await lab.remove('steady');
  }, 60_000);
});
