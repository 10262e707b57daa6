import { describe, expect, it } from 'vitest';
import {
  actorKind,
  actorName,
  containerAddress,
  hostAddress,
  networkAddress,
  workerOf,
} from '../../src/core/actor-address.ts';
import {
  bridgeAlias,
  derivedMac,
  hostVethName,
  isCut,
  kernelName,
  netnsPath,
  networkId,
  ownerMark,
  ownerNamed,
  ownerOfAlias,
  ownerOfPin,
  vethAlias,
} from '../../src/core/object-names.ts';

describe('names in the kernel', () => {
  it('kernel names are always the same for the same owner: undo needs no memory', () => {
    expect(hostVethName('web', 'demo')).toMatchInlineSnapshot(`"nl9ff56c578050"`);
    expect(derivedMac('web/demo')).toMatchInlineSnapshot(`"c6:28:62:7f:36:48"`);
    expect(networkId('demo')).toMatchInlineSnapshot(
      `"a956ec4d35c7498c1e135f623870043207434e438a84158a33186f4cfb94f60e"`,
    );
  });

  it('kernel names fit an interface name', () => {
    expect(hostVethName('x'.repeat(64), 'y'.repeat(64))).toHaveLength(14);
  });

  it('kernel names differ between the attachments of a container and between containers', () => {
    const names = ['a', 'b'].flatMap((id) => ['x', 'y'].map((network) => hostVethName(id, network)));
    expect(new Set(names).size).toBe(4);
  });

  it('kernel names show the owner of a leftover', () => {
    expect(vethAlias('web', 'demo')).toBe('netloom container/web network/demo');
    expect(netnsPath('/run/netloom/netns', 'web')).toBe('/run/netloom/netns/netloom-web');
  });

  it('kernel names of up to 64 characters are used in full', () => {
    for (const name of ['web', 'my.net', '_x', 'x'.repeat(64)]) {
      expect(kernelName(name)).toBe(name);
      expect(ownerMark(containerAddress(name))).toBe(`container/${name}`);
      expect(isCut(ownerMark(networkAddress(name)))).toBe(false);
    }
    expect(ownerMark(hostAddress)).toBe('host');
  });

  it('kernel names of more than 64 characters are cut, and still differ', () => {
    const long = 'x'.repeat(250);
    expect(kernelName(long)).toMatchInlineSnapshot(
      `"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx~086d4a1c293bde31"`,
    );
    const ends = Array.from({ length: 100 }, (_, index) => kernelName(`${'x'.repeat(247)}${100 + index}`));
    expect(new Set(ends).size).toBe(100);
    expect(new Set(ends.map((name) => name.length))).toEqual(new Set([64]));
  });

  it('kernel names fit the limits of the kernel and nft', () => {
    const long = 'x'.repeat(250);
    expect(Buffer.byteLength(vethAlias(long, long))).toBeLessThanOrEqual(255);
    expect(Buffer.byteLength(bridgeAlias(long))).toBeLessThanOrEqual(255);
    expect(Buffer.byteLength(netnsPath('', long))).toBeLessThanOrEqual(255);
    expect(Buffer.byteLength(ownerMark(containerAddress(long)))).toBeLessThan(128);
  });

  it.each(['web', 'my.net', 'x'.repeat(250)])('kernel names identify the owner: %s', (name) => {
    const [container, network] = [ownerMark(containerAddress(name)), ownerMark(networkAddress(name))];
    expect(ownerOfAlias(vethAlias(name, 'other'))).toBe(container);
    expect(ownerOfAlias(bridgeAlias(name))).toBe(network);
    expect(ownerOfPin(netnsPath('', name).slice(1))).toBe(container);
    expect(ownerNamed(container)).toBe(container);
    expect(ownerNamed(network)).toBe(network);
  });

  it('kernel names include only MAC addresses that are local and of one host', () => {
    for (let index = 0; index < 100; index++) {
      const first = Number.parseInt(derivedMac(`container/${index}`).slice(0, 2), 16);
      expect(first & 0b11).toBe(0b10);
    }
  });
});

describe('actor addresses', () => {
  it('actor addresses have kind and name', () => {
    expect([containerAddress('web'), networkAddress('demo'), hostAddress].map(actorKind)).toEqual([
      'container',
      'network',
      'host',
    ]);
    expect(actorName(containerAddress('web'))).toBe('web');
  });

  it('actor addresses always have the same worker, the host the first, and spread over all', () => {
    expect(workerOf(hostAddress, 4)).toBe(0);
    const workers = Array.from({ length: 1000 }, (_, index) => workerOf(containerAddress(`c${index}`), 4));
    for (const worker of [0, 1, 2, 3]) expect(workers.filter((other) => other === worker).length).toBeGreaterThan(150);
  });
});
