import { describe, expect, it } from 'vitest';
import { Unobtainable } from '../support/unpacked-debian.ts';
import { listed } from './differences.ts';
import { rootOrReason } from './newer.ts';

const scenario = 'the default network, with a published port';
const explained = (path: string, netavark: unknown, netloom: unknown) =>
  listed(scenario, 'here', { path, netavark, netloom })?.path ?? null;

describe('the differences that are listed', () => {
  it.each([
    ['within.linkLocal', 'eth0 eth1', 'eth1'],
    ['within.routes.1', 'default via 10.89.1.1 dev eth1 metric 100', 'default via 10.89.1.1 dev eth1 metric 101'],
    ['killedRemains.links.0', undefined, 'podman1'],
    ['gone.0', 'silence', 'NXDOMAIN'],
  ])('explain what they say: %s', (path, netavark, netloom) => {
    expect(explained(path, netavark, netloom)).not.toBeNull();
  });

  it.each([
    ['a default route that is missing', 'within.routes.0', 'default via 10.88.0.1 dev eth0 metric 100', undefined],
    ['another route', 'within.routes.1', '10.88.0.0/16 dev eth0', '0.0.0.0/0 dev eth9'],
    [
      'another gateway',
      'within.routes.1',
      'default via 10.89.1.1 dev eth1 metric 100',
      'default via 10.89.1.9 dev eth1 metric 101',
    ],
    ['a link that stays', 'killedRemains.links.0', undefined, 'nl0123456789ab'],
    ['a bridge that is missing', 'remains.links.0', 'podman1', undefined],
    ['an address that nobody was to have', 'within.linkLocal', 'eth0', 'eth0 eth1'],
    ['silence of our own', 'gone.0', 'silence', 'silence for long'],
  ])('explain nothing else: %s', (_, path, netavark, netloom) => {
    expect(explained(path, netavark, netloom)).toBeNull();
  });
});

describe('a podman that is to be tried', () => {
  it('is passed over with the reason when it cannot be had', async () => {
    const reason = rootOrReason(() => Promise.reject(new Unobtainable('no mirror')));
    expect(await reason).toEqual({ reason: expect.stringContaining('no mirror') });
  });

  it('is not passed over for a mistake in the tests', async () => {
    await expect(rootOrReason(() => Promise.reject(new TypeError('x is undefined')))).rejects.toThrow(TypeError);
  });
});
