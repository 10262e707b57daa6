import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { netloom } from '../cli/netloom.ts';
import { Lab } from '../support/lab.ts';

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.open();
  await lab.client.network.create({ name: 'front', ipv6_enabled: true });
  await lab.client.network.create({ name: 'back', internal: true });
  await lab.client.container.setup({ id: 'cli', networks: [{ network: 'front' }] });
  const ports = [{ hostPort: 8080, containerPort: 80 }];
  await lab.client.container.setup({
    id: 'srv',
    name: 'server',
    networks: [{ network: 'front', aliases: ['www'] }, { network: 'back' }],
    ports,
  });
  await lab.client.container.setup({ id: 'db', networks: [{ network: 'back' }] });
  await lab.client.container.create({ id: 'late', networks: [{ network: 'front' }] });
});
afterAll(() => lab.close());

const ask = (...args: string[]) => netloom(lab.daemon, ['reachability', ...args]);
const lines = async (...args: string[]) =>
  (await ask(...args)).stdout.split('\n').map((line) => line.replaceAll(/ +/g, ' '));

describe('P16 reachability of two', () => {
  it('P16 reachability of two containers lists each way with its reason, names included', async () => {
    expect(await lines('cli', 'srv')).toEqual([
      'FROM TO BY FAMILY REACHES WHY',
      'cli srv address IPv4 yes same network front',
      'cli srv port 8080/tcp IPv4 yes published 8080/tcp',
      'cli srv address IPv6 yes same network front',
      'cli srv port 8080/tcp IPv6 yes published 8080/tcp',
      'srv cli address IPv4 yes same network front',
      'srv cli port IPv4 no no published port',
      'srv cli address IPv6 yes same network front',
      'srv cli port IPv6 no no published port',
      'cli srv name yes server, www, srv: answered on network',
      ' front',
      'srv cli name yes cli: answered on network front',
    ]);
  });

  it('P16 reachability gives the reason where there is no way', async () => {
    const shown = await lines('cli', 'db');
    expect(shown).toContain('cli db address IPv4 no internal');
    expect(shown).toContain('cli db name no no network in common');
    expect(shown).toContain('db cli address IPv4 no internal');
  });

  it.each(['host', 'outside'])('P16 reachability accepts %s as one of the two', async (origin) => {
    const shown = await lines(origin, 'server');
    expect(shown).toContain(`${origin} srv port 8080/tcp IPv4 yes published 8080/tcp`);
    expect(shown.filter((line) => line.startsWith('srv '))).toEqual([]);
  });

  it('P16 reachability of one container lists all ways to it and from it', async () => {
    const shown = await lines('db');
    expect(shown).toContain('srv db address IPv4 yes same network back');
    expect(shown).toContain('db srv address IPv4 yes same network back');
    expect(shown.some((line) => line.startsWith('cli srv'))).toBe(false);
  });

  it('P16 reachability is available as JSON', async () => {
    const { cells, names, firewalls, dropped } = JSON.parse((await ask('cli', 'srv', '--json')).stdout);
    expect(new Set(cells.map(({ from, to }: { from: string; to: string }) => `${from} ${to}`))).toEqual(
      new Set(['container/cli srv', 'container/srv cli']),
    );
    expect(names).toContainEqual({
      from: 'container/cli',
      to: 'srv',
      names: ['server', 'www', 'srv'],
      answered: true,
      reason: 'answered on network front',
    });
    expect({ firewalls, dropped }).toEqual({ firewalls: { drops: [], unread: [] }, dropped: [] });
  });

  it.each([
    [['cli', 'nobody'], 3, 'container.unknown: no container nobody'],
    [['cli', 'late'], 1, 'container.state: container late is created: it has no network now'],
  ])('P16 reachability of %j is refused', async (args, exitCode, words) => {
    expect(await ask(...args)).toMatchObject({ exitCode, stderr: expect.stringContaining(words), stdout: '' });
  });

  it('P16 reachability names what other firewalls drop between the two', async () => {
    const { execFileSync } = await import('node:child_process');
    const nft = (rules: string) => execFileSync('nft', ['-f', '-'], { input: rules });
    nft('table inet strict { chain in { type filter hook input priority 5; policy drop; iifname "lo" accept; }; }');
    try {
      const shown = (await lines('cli', 'srv')).join(' ').replaceAll(/ +/g, ' ');
      expect(shown).toContain('cli srv name no dropped by table inet strict');
      expect(shown).toContain('queries to the resolver');
      expect((await lines('cli', 'db')).join(' ')).not.toContain('cli db name yes');
    } finally {
      nft('delete table inet strict');
    }
  });
});
