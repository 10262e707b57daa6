import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as native from '#native';
import { Lab } from '../support/lab.ts';

// What the README says of a host that is to be without netloom.

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const [, commands = ''] =
  /To remove netloom from a host[^`]*(?:`[^`\n]+`[^`]*)*\n\n```sh\n([^`]*)```/.exec(readme) ?? [];
const tables = () => execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' }).trim().split('\n').filter(Boolean);
const forwards = () => native.getSysctl(null, 'net.ipv4.ip_forward');

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterAll(() => lab.close());

it('the tables and IPv4 forwarding outlive networks and daemon, and go by the commands of the README', async () => {
  await lab.client.network.create({ name: 'web', ipv6_enabled: true });
  await lab.client.container.setup({ id: 'a', networks: [{ network: 'web' }] });
  await lab.remove('a');
  await lab.client.network.remove({ name: 'web' });
  await lab.restart('stop', () => {
    expect(tables().sort()).toEqual(['table bridge netloom', 'table inet netloom']);
    expect(forwards()).toBe('1');
    execFileSync('sh', ['-ec', commands]);
    expect(tables()).toEqual([]);
    expect(forwards()).toBe('0');
  });
});
