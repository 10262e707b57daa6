import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as native from '#native';
import { Journal } from '../../src/actors/journal.ts';
import type { RequestOf } from '../../src/client.ts';
import { untilAnswered } from '../support/daemon.ts';
import { everythingBuilt } from '../support/everything-built.ts';
import { ip, ipWithin } from '../support/fresh-host.ts';
import { isFree, KernelState } from '../support/kernel-state.ts';
import { Lab } from '../support/lab.ts';
import { Monitor } from '../support/monitor.ts';
import { hostAddress, ipBatch, OtherHost, otherAddress } from '../support/other-host.ts';
import type { Peer } from '../support/peer.ts';

let lab: Lab;
let kernel: KernelState;
let otherHost: OtherHost;
let other: Peer;
let host: Peer;
let web: Peer;
/** brings its namespace along */
let visitor: ChildProcess & { pid: number };
const children: ChildProcess[] = [];

const web1: RequestOf<'container.setup'> = {
  id: 'web',
  networks: [{ network: 'web' }, { network: 'back' }],
  ports: [
    { hostPort: 8080, containerPort: 80, protocol: 'tcp,udp' },
    { hostPort: 6000, containerPort: 6000, range: 3 },
    { hostPort: 7000, containerPort: 9000, range: 3, protocol: 'udp' },
    { hostPort: 0, containerPort: 80 },
    { hostPort: 8081, containerPort: 80, hostIp: hostAddress[6] },
  ],
};

beforeAll(async () => {
  lab = await Lab.open();
  kernel = new KernelState(lab.daemon);
  otherHost = new OtherHost(lab.directory.path);
  await lab.client.network.create({ name: 'web', subnets: [{ subnet: '10.88.0.0/24' }, { subnet: 'fd00:88::/64' }] });
  await lab.client.network.create({ name: 'back', internal: true });
  // the first network with external access switches forwarding on for every link, also after an internal one switched it off
  await lab.client.container.setup({ id: 'first', networks: [{ network: 'web' }] });
  const { netns } = await lab.client.container.setup(web1);
  visitor = await process('unshare', '--net');
  native.createNetns(`${lab.directory.path}/foreign`).socket.close();
  for (const wish of [
    { id: 'mate', mode: 'container:web' },
    { id: 'visitor', pid: visitor.pid, networks: [{ network: 'web' }] },
    { id: 'guest', mode: `ns:${lab.directory.path}/foreign`, networks: [{ network: 'back' }] },
    { id: 'alone', mode: 'none' },
  ])
    await lab.client.container.setup(wish);
  await lab.client.container.create({ id: 'planned', networks: [{ network: 'web' }] });
  other = lab.peers.in(otherHost.netns, 'other');
  host = lab.peers.in(null, 'host');
  web = lab.peers.in(netns.path, 'web');
  for (const port of [80, 6001]) await web.serve('tcp', port);
  for (const port of [80, 9002]) await web.serve('udp', port);
  await lab.client.container.started({ id: 'web', pid: web.pid });
});
afterAll(async () => {
  kernel?.close();
  await lab.peers.end();
  for (const child of children) child.kill('SIGKILL');
  otherHost?.remove();
  native.removeNetns(`${lab.directory.path}/foreign`);
  await lab.close();
});

async function process(...wrapper: string[]): Promise<ChildProcess & { pid: number }> {
  const [file, ...args] = [...wrapper, 'sh', '-c', 'echo ready; exec sleep infinity'];
  const child = spawn(file as string, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child as ChildProcess & { pid: number };
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

let lives = 1;

async function restart(how: 'kill' | 'stop', meanwhile: () => unknown): Promise<void> {
  await lab.end(how);
  await meanwhile();
  await restarted();
}

/** Waits until this daemon has verified everything that existed in its former lives. */
async function restarted(): Promise<void> {
  await lab.start();
  lives += 1;
  const containers = ['web', 'first', 'mate', 'visitor', 'guest', 'alone'].map((id) => `container/${id}`);
  for (const who of [...containers, 'network/web', 'network/back']) await lab.facts.event(`${who} adopted`, lives - 1);
}

const pins = () => kernel.read().namespaces.map((name) => `${lab.daemon.netnsDirectory}/${name}`);
const view = async (id: string) => (await lab.client.container.inspect({ id })).container;

/** Everything that answers a client from outside. */
async function traffic() {
  return Promise.all([
    other.reachBoth(hostAddress[4], 8080),
    other.reachBoth(hostAddress[6], 8080),
    other.reach('tcp', hostAddress[4], 6001),
    other.reach('udp', hostAddress[4], 7002),
    other.reach('tcp', hostAddress[6], 8081),
    host.reach('tcp', '127.0.0.1', 8080),
    web.reach('tcp', hostAddress[4], 8080),
  ]);
}
const allIsWell = [
  [`web:80 sees ${otherAddress[4]}`, `web:80 sees ${otherAddress[4]}`],
  [`web:80 sees ${otherAddress[6]}`, `web:80 sees ${otherAddress[6]}`],
  `web:6001 sees ${otherAddress[4]}`,
  `web:9002 sees ${otherAddress[4]}`,
  `web:80 sees ${otherAddress[6]}`,
  'web:80 sees 10.88.0.1',
  'web:80 sees 10.88.0.1',
];

/** Waits for the kernel's duplicate address detection; the notice of its end is not a rewrite. */
async function kernelAtRest(): Promise<void> {
  await untilAnswered(async () => {
    const tentative = [null, ...pins(), otherHost.netns].flatMap((netns) => {
      const args = ['-6', 'address', 'show', 'tentative'];
      return (netns === null ? ip(...args) : ipWithin(netns, ...args)).filter((entry) => Object.keys(entry).length > 0);
    });
    expect(tentative).toEqual([]);
  });
}

describe.each([
  ['killed', 'kill'],
  ['stopped', 'stop'],
] as const)('a daemon that was %s and started again', (_, how) => {
  it('a restarted daemon adopts everything unchanged, and rewrites nothing', async () => {
    await kernelAtRest();
    const { containers: views } = await lab.client.container.list();
    const { networks } = await lab.client.network.list();
    const built = everythingBuilt(pins());
    const told = lab.facts.events.length;
    expect(await web.reach('tcp', '10.88.0.1', 8080)).toBe('web:80 sees 10.88.0.1');
    expect(await other.converse(how, hostAddress[4], 8080)).toBe(`web:80 sees ${otherAddress[4]}`);

    await lab.end(how);
    expect(await traffic()).toEqual(allIsWell);
    expect(await other.exchange(how, 'while nobody minds the house')).toBe('while nobody minds the house');

    const monitors = await Promise.all([
      Monitor.ofRoutes(null),
      ...pins().map((path) => Monitor.ofRoutes(path)),
      Monitor.ofFirewall(),
    ]);
    await restarted();
    const heard = await Promise.all(monitors.map((monitor) => monitor.changes()));
    expect(heard.flat()).toEqual([]);
    expect(everythingBuilt(pins())).toEqual(built);

    expect((await lab.client.container.list()).containers).toEqual(views);
    expect((await lab.client.network.list()).networks).toEqual(networks);
    expect(await traffic()).toEqual(allIsWell);
    expect(await other.exchange(how, 'still there?')).toBe('still there?');
    const news = lab.facts.events.slice(told).map(({ type }) => type.split('.')[3]);
    expect(new Set(news)).toEqual(new Set(['adopted', 'serving']));
  });

  it('a restarted daemon holds all published ports again: no process can bind one', async () => {
    const picked = (await view('web')).ports[4]?.hostPort as number;
    expect(picked).toBeGreaterThan(0);
    for (const [transport, port] of [
      ['tcp', 8080],
      ['udp', 8080],
      ['tcp', 6002],
      ['udp', 7001],
      ['tcp', picked],
    ] as const) {
      expect(await host.serve(transport, port, '0.0.0.0')).toBe('EADDRINUSE');
      expect(await host.serve(transport, port, '::')).toBe('EADDRINUSE');
    }
    expect(await host.serve('tcp', 8081, hostAddress[6])).toBe('EADDRINUSE');
  });

  it('a restarted daemon notices what ended meanwhile, and keeps watching what lives', async () => {
    const ids = [`dies-${how}`, `brief-${how}`, `goes-on-${how}`] as const;
    const [dies, brief, goesOn] = ids;
    const processes = await Promise.all(ids.map(() => process()));
    for (const [index, id] of ids.entries()) {
      const ports = [{ hostPort: 8200 + index, containerPort: 80 }];
      await lab.client.container.setup({ id, networks: [{ network: 'web' }], ports, removeOnExit: id === brief });
      await lab.client.container.started({ id, pid: processes[index]?.pid as number });
    }
    await restart(how, () => Promise.all(processes.slice(0, 2).map(end)));
    expect((await lab.facts.event(`container/${dies} exited`)).data).toEqual({
      state: 'exited',
      pid: processes[0]?.pid,
    });
    expect(await view(dies)).toMatchObject({ state: 'exited', netns: { path: expect.stringContaining(dies) } });
    await lab.facts.event(`container/${brief} removed`);
    const ending = ['exited', 'tearing-down', 'torn-down', 'removed'];
    expect(
      lab.facts
        .of('container', brief)
        .filter((fact) => fact !== 'adopted')
        .slice(-4),
    ).toEqual(ending);
    expect(await view(goesOn)).toMatchObject({ state: 'running', pid: processes[2]?.pid });
    await end(processes[2] as ChildProcess);
    await lab.facts.event(`container/${goesOn} exited`);
    await lab.remove(dies);
    await lab.remove(goesOn);
  });
});

describe('a daemon that was killed', () => {
  const port = { hostPort: 8300, containerPort: 80 };

  it('the successor of a killed daemon reports a container as lost whose namespace has gone meanwhile, and releases its resources', async () => {
    const { netns } = await lab.client.container.setup({
      id: 'lost',
      networks: [{ network: 'web', staticIps: ['10.88.0.99'] }],
      ports: [port],
    });
    const before = kernel.read();
    await restart('kill', () => native.removeNetns(netns.path));
    expect((await lab.facts.event('container/lost lost')).data).toMatchObject({
      cause: 'missing',
      fault: { code: 'netns.gone' },
    });
    await lab.facts.event('container/lost torn-down');
    await lab.settled();
    expect(await view('lost')).toMatchObject({ state: 'created', netns: null, status: {} });
    const after = kernel.read();
    expect(before.elements.filter((element) => !after.elements.includes(element))).toEqual([
      expect.stringMatching(/^published_any4 \{ tcp \. 8300 /),
      expect.stringMatching(/^published_any6 \{ tcp \. 8300 /),
      ...['counted_any4', 'counted_any6'].flatMap((set) => [set, set]).map((set) => expect.stringMatching(`^${set} `)),
      'refused_loopback6 { tcp . 8300 }',
      ...['sources4', 'sources6', 'leased_macs', 'held_links'].map((set) => expect.stringMatching(`^${set} `)),
    ]);
    expect(before.links.filter((name) => !after.links.includes(name))).toEqual([expect.stringMatching(/^nl/)]);
    expect((await lab.client.network.inspect({ name: 'web' })).network.leases).not.toHaveProperty('lost');
    await lab.client.container.setup({
      id: 'heir',
      networks: [{ network: 'web', staticIps: ['10.88.0.99'] }],
      ports: [port],
    });
    await lab.remove('heir');
    expect((await lab.client.container.setup({ id: 'lost' })).netns.path).toBe(netns.path);
    await lab.remove('lost');
  });

  it('the successor of a killed daemon reports a container as lost whose namespace has been replaced', async () => {
    const { netns } = await lab.client.container.setup({ id: 'swapped', networks: [{ network: 'web' }] });
    await restart('kill', () => {
      // keeps the inode number of the former one from being reused
      const former = native.openRouteSocket(netns.path);
      native.removeNetns(netns.path);
      native.createNetns(netns.path).socket.close();
      former.close();
    });
    expect((await lab.facts.event('container/swapped lost')).data).toMatchObject({ cause: 'missing' });
    await lab.facts.event('container/swapped torn-down');
    await lab.remove('swapped');
  });

  it('the successor of a killed daemon restores a firewall that was flushed meanwhile, with all its elements', async () => {
    const table = () => execFileSync('nft', ['--stateless', 'list', 'table', 'inet', 'netloom'], { encoding: 'utf8' });
    const before = table();
    await restart('kill', async () => {
      execFileSync('nft', ['flush', 'ruleset']);
      expect(await other.reach('tcp', hostAddress[4], 8080)).toBe('ECONNREFUSED');
    });
    expect(sorted(table())).toEqual(sorted(before));
    expect(await traffic()).toEqual(allIsWell);
  });

  it('the successor of a killed daemon restores a bridge that was deleted meanwhile, and attaches its ports', async () => {
    await restart('kill', () => ipBatch(null, ['link delete netloom0']));
    expect(await traffic()).toEqual(allIsWell);
  });

  it('the successor of a killed daemon repairs what was changed meanwhile, and nothing else', async () => {
    const [veth] = ip<{ ifname: string }[]>('link', 'show', 'master', 'netloom0', 'type', 'veth').slice(-1);
    // events about ports that have just been attached to a bridge are still under way
    await kernelAtRest();
    const before = everythingBuilt(pins());
    let monitor: Monitor | undefined;
    await restart('kill', async () => {
      execFileSync('bridge', ['link', 'set', 'dev', veth?.ifname as string, 'hairpin', 'off']);
      ipBatch(null, ['address delete 10.88.0.1/24 dev netloom0']);
      monitor = await Monitor.ofRoutes(null);
    });
    const changed = (await monitor?.changes())?.map((line) => line.match(/(nl[0-9a-f]{12}|netloom\d+)/)?.[1]);
    expect(new Set(changed)).toEqual(new Set([veth?.ifname, 'netloom0']));
    expect(await traffic()).toEqual(allIsWell);
    await kernelAtRest();
    expect(everythingBuilt(pins())).toEqual(before);
  });

  it('the successor of a killed daemon makes a second daemon for its run directory fail (node.running), and continues', async () => {
    const { directory, node, runDirectory } = lab.daemon;
    const main = new URL('../../dist/src/cli/main.js', import.meta.url).pathname;
    const places = ['--run-dir', runDirectory, '--state-dir', `${directory}/state`];
    const twin = spawn('node', [main, 'daemon', '--node', node, ...places], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    twin.stderr.on('data', (chunk) => {
      said += chunk;
    });
    const [code] = await once(twin, 'close');
    expect(code).not.toBe(0);
    expect(said).toContain('node.running');
    expect((await lab.client.info()).state).toBe('serving');
    expect(await traffic()).toEqual(allIsWell);
  });
});

describe('a rebooted host', () => {
  it('a rebooted host reports every container network as lost, and can build them anew', async () => {
    const { containers } = await lab.client.container.list();
    const up = containers.filter(({ netns }) => netns !== null).map(({ id }) => id);
    const definitions = (await lab.client.network.list()).networks.map(({ name, subnets }) => ({ name, subnets }));
    await lab.peers.end();
    await lab.restart('kill', reboot);

    for (const id of up)
      expect((await lab.facts.event(`container/${id} lost`)).data).toMatchObject({ cause: 'reboot' });
    await lab.settled();
    const { containers: after } = await lab.client.container.list();
    expect(after.map(({ id, state, netns, status }) => ({ id, state, netns, status }))).toEqual(
      containers.map(({ id }) => ({ id, state: 'created', netns: null, status: {} })),
    );
    const { networks } = await lab.client.network.list();
    expect(networks).toMatchObject(definitions.map((definition) => ({ ...definition, state: 'defined', leases: {} })));
    expect(kernel.read()).toEqual({ namespaces: [], links: ['lo', 'up0'], elements: [] });
    for (const port of [8080, 6001]) expect(isFree(port)).toBe(true);

    const { netns } = await lab.client.container.setup({ id: 'web' });
    await lab.peers.in(netns.path, 'web').serve('tcp', 80);
    expect(await lab.peers.in(otherHost.netns, 'other').reach('tcp', hostAddress[4], 8080)).toBe(
      `web:80 sees ${otherAddress[4]}`,
    );
  });

  /** Removes everything in the kernel; the disk stays. The run directory would go too, where it is a tmpfs. */
  async function reboot() {
    const journal = new Journal(lab.daemon.runDirectory);
    journal.noticeBoot('another boot');
    await journal.close();
    for (const path of pins()) native.removeNetns(path);
    const links = kernel.read().links.filter((name) => /^(nl[0-9a-f]{12}|netloom\d+)$/.test(name));
    const socket = native.openRouteSocket(null);
    native.route(
      socket,
      links.map((name) => ({ verb: 'deleteLink', name })),
    );
    socket.close();
    execFileSync('nft', ['flush', 'ruleset']);
  }
});

/** Sorts elements: the kernel lists them in no order. */
const sorted = (table: string) =>
  table
    .split(/[\n,]/)
    .map((line) =>
      line
        .trim()
        .replace(/^elements = \{ /, '')
        .replace(/ \}$/, ''),
    )
    .sort();
