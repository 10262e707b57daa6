import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePortMappings } from '../../src/cli/port-mapping.ts';
import { codeOf } from '../support/lab.ts';
import { hostAddress } from '../support/other-host.ts';
import { all, everywhere, type Ports, PublishedLab } from '../support/published-lab.ts';

let at: PublishedLab;
beforeAll(async () => {
  at = await PublishedLab.open();
});
afterAll(() => at.close());

const on = (hostIp: string): Ports => [{ hostIp, hostPort: 8080, containerPort: 80 }];

describe.each(['setup', 'attach'] as const)('N17 an IPv4 address that is spelt as IPv6, brought by %s', (how) => {
  it.each([
    [`::ffff:${hostAddress[4]}`, ['first IPv4']],
    ['::ffff:c000:0201', ['first IPv4']],
    ['::FFFF:127.0.0.1', ['host 127.0.0.1']],
    ['::ffff:0.0.0.0', everywhere[4]],
  ] as const)('N17 %s publishes on the IPv4 address that it maps', (hostIp, where) =>
    at.with(how, 'dual', on(hostIp), async ({ ports }) => {
      expect(ports[0]?.hostIp).toMatch(/^[0-9.]+$/);
      expect(await at.reached(8080)).toEqual(all(where));
    }),
  );
});

describe('N17 on the command line', () => {
  it('N17 a mapped address is published and unpublished by either spelling, also on an IPv4-only network', () =>
    at.with('setup', 'four', [], async () => {
      const { client } = at.lab;
      const mapped = parsePortMappings(`[::ffff:${hostAddress[4]}]:8080:80`);
      await client.container.publish({ id: 'web', ports: mapped });
      expect(await at.reached(8080)).toEqual({ 'first IPv4': 80 });
      await client.container.unpublish({ id: 'web', ports: on(hostAddress[4]) });
      await client.container.publish({ id: 'web', ports: on(hostAddress[4]) });
      await client.container.unpublish({ id: 'web', ports: mapped });
      expect(await at.reached(8080)).toEqual({});
    }));
});

describe('N17 addresses on which nothing can be published', () => {
  it.each([
    ['fe80::1', 'address.invalid'],
    ['ff02::1', 'address.invalid'],
    ['224.0.0.1', 'address.invalid'],
    ['255.255.255.255', 'address.invalid'],
    ['fe80::1%up0', 'address.invalid'],
    ['::ffff:203.0.113.7', 'port.unavailable'],
    ['203.0.113.7', 'port.unavailable'],
  ])('N17 publishing on %s is refused: %s', async (hostIp, code) => {
    const request = { id: 'late', networks: [{ network: 'dual' }], ports: on(hostIp) };
    expect(await codeOf(at.lab.client.container.setup(request))).toBe(code);
    if (code === 'port.unavailable') await at.lab.remove('late');
  });
});
