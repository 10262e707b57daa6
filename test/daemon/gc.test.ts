import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as native from '#native';
import { bridgeAlias, bridgeMac, hostVethName } from '../../src/core/object-names.ts';
import { cli } from '../cli/netloom.ts';
import { inventory } from '../support/daemon.ts';
import { Lab } from '../support/lab.ts';

// Leftovers made by hand, beside a network and a container that live, objects of another daemon, and foreign ones.
let lab: Lab;
let elsewhere: string;

const sh = (command: string) => execFileSync('sh', ['-c', command], { stdio: ['ignore', 'ignore', 'inherit'] });
const gone = 'netloom-gone';
const orphan = hostVethName('gone', 'lost');

beforeAll(async () => {
  lab = await Lab.open();
  await lab.client.network.create({ name: 'net', subnets: [{ subnet: '10.88.0.0/24' }, { subnet: 'fd00:88::/64' }] });
  await lab.client.container.setup({
    id: 'web',
    networks: [{ network: 'net' }],
    ports: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }],
  });
  elsewhere = `${lab.directory.path}/other-daemon`;
});
afterAll(async () => {
  sh('ip link delete other0; ip link delete otherbr; ip link delete idle0; nft delete table inet others');
  sh(`nft 'delete element inet netloom published_any4 { tcp . 9200 }'`);
  native.removeNetns(elsewhere);
  await lab.close();
});

const addBridge = (name: string, network: string) =>
  sh(`ip link add ${name} address ${bridgeMac(name)} type bridge; ip link set ${name} alias '${bridgeAlias(network)}'`);

function litter(): void {
  const { netnsDirectory } = lab.daemon;
  native.createNetns(`${netnsDirectory}/${gone}`).socket.close();
  sh(`ip link add ${orphan} type veth peer name eth0 netns ${netnsDirectory}/${gone}`);
  sh(`ip link set ${orphan} alias 'netloom container/gone network/lost'`);
  addBridge('lost0', 'lost');
  sh(`ip link set ${orphan} master lost0`);
  // a half-made veth, which does not show its owner
  sh('ip link add nl0123456789ab type veth peer name half0');
  for (const element of [
    'published_any4 { tcp . 9000 comment "container/gone" : 10.99.0.2 . 80 }',
    'published_range4 { udp . 0.0.0.0/0 . 9100-9110 comment "container/gone" : 10.99.0.2 }',
    'subnets4 { 10.99.0.0/24 comment "network/lost" }',
    'subnets6 { fd00:99::/64 comment "network/lost" }',
    'same_network4 { 10.99.0.0/24 . 10.99.0.0/24 comment "network/lost" }',
    'network_links { "lost0" comment "network/lost" }',
  ])
    sh(`nft 'add element inet netloom ${element}'`);
}

function others(): void {
  native.createNetns(elsewhere).socket.close();
  sh(`ip link add other0 type veth peer name eth0 netns ${elsewhere}`);
  sh(`ip link set other0 alias 'netloom container/theirs network/theirs'`);
  addBridge('otherbr', 'theirs');
  sh('ip link set other0 master otherbr');
  sh(`nft 'add element inet netloom published_any4 { tcp . 9200 comment "container/theirs" : 10.98.0.2 . 80 }'`);
  // of other software
  sh('ip link add idle0 type bridge; ip link set idle0 alias "a bridge of mine"');
  sh('nft add table inet others');
}

it('lists objects without an owner, and removes only those', async () => {
  others();
  const before = inventory(lab.daemon);
  litter();
  const lostNames = [
    `namespace ${lab.daemon.netnsDirectory}/${gone} container/gone`,
    `link ${orphan} container/gone`,
    'link lost0 network/lost',
    'link nl0123456789ab null',
    'element published_any4 { tcp . 9000 : 10.99.0.2 . 80 } container/gone',
    'element published_range4 { udp . 0.0.0.0/0 . 9100-9110 : 10.99.0.2 } container/gone',
    'element subnets4 { 10.99.0.0/24 } network/lost',
    'element subnets6 { fd00:99::/64 } network/lost',
    'element same_network4 { 10.99.0.0/24 . 10.99.0.0/24 } network/lost',
    'element network_links { lost0 } network/lost',
  ];
  const doubtful = [
    'link other0 container/theirs',
    'link otherbr network/theirs',
    'element published_any4 { tcp . 9200 : 10.98.0.2 . 80 } container/theirs',
  ];
  const brief = (list: { kind: string; name: string; owner: string | null }[]) =>
    list.map(({ kind, name, owner }) => `${kind} ${name} ${owner}`).sort();

  const littered = inventory(lab.daemon);
  const told = await lab.client.request('node.gc', { dryRun: true });
  expect(told).toMatchObject({ dryRun: true, failed: [] });
  expect(brief(told.leftovers)).toEqual(lostNames.sort());
  expect(brief(told.doubtful)).toEqual(doubtful.sort());
  expect(inventory(lab.daemon)).toEqual(littered);

  const removed = await lab.client.request('node.gc', {}, { msgId: 'once' });
  expect(removed).toMatchObject({ dryRun: false, failed: [] });
  expect(brief(removed.leftovers)).toEqual(lostNames);
  expect(inventory(lab.daemon)).toEqual(before);
  expect(await lab.client.request('node.gc', {}, { msgId: 'once' })).toEqual(removed);

  const again = await lab.client.request('node.gc', {});
  expect(again.leftovers).toEqual([]);
  expect(brief(again.doubtful)).toEqual(doubtful);
});

it('lists and removes leftovers on the command line', async () => {
  sh('ip link add nl0123456789ab type veth peer name half0');
  const places = ['--run-dir', lab.daemon.runDirectory, '--node', lab.daemon.node];
  const dry = await cli('gc', '--dry-run', ...places);
  expect(dry.stdout).toMatch(/link +nl0123456789ab +not known +would be removed/);
  expect(dry.stdout).toMatch(/link +other0 +container\/theirs +left alone/);
  const done = await cli('gc', ...places);
  expect(done.stdout).toMatch(/link +nl0123456789ab +not known +removed/);
  const json = JSON.parse((await cli('gc', '--json', ...places)).stdout);
  expect(json).toMatchObject({ dryRun: false, leftovers: [], failed: [] });
});
