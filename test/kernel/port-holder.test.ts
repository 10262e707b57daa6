import { afterEach, beforeAll, expect, it } from 'vitest';
import * as native from '#native';
import { PortHolder } from '../../src/kernel/port-holder.ts';
import { becomeFreshHost } from '../support/fresh-host.ts';

let holder = new PortHolder();
beforeAll(becomeFreshHost);
afterEach(() => {
  holder.close();
  holder = new PortHolder();
});

const hold = (port: number, range = 1) =>
  holder.hold({
    verb: 'port.hold',
    owner: 'container/web',
    protocol: 'tcp',
    addresses: ['0.0.0.0', '::'],
    port,
    range,
  });

it('a port that was let go just now, and that a child has for a moment yet, is waited for', async () => {
  await hold(8080, 3);
  holder.release('container/web', null);
  const inherited = native.holdPort('tcp', '0.0.0.0', 8081);
  const held = hold(8081);
  setTimeout(() => inherited.close(), 50);
  expect(await held).toBe(8081);
});

it('a port that another program has is refused: at once where it was not ours, and before long where it was', async () => {
  const theirs = native.holdPort('tcp', '0.0.0.0', 8090);
  await expect(hold(8090)).rejects.toMatchObject({ errno: 'EADDRINUSE' });
  await hold(8091);
  holder.release('container/web', null);
  const taken = native.holdPort('tcp', '0.0.0.0', 8091);
  await expect(hold(8091)).rejects.toMatchObject({ errno: 'EADDRINUSE' });
  for (const one of [theirs, taken]) one.close();
});

it('N17 more free ports in a row than the kernel picks from are refused in words, at once', async () => {
  for (const range of [40_000, 65_535]) await expect(hold(0, range)).rejects.toMatchObject({ errno: 'ERANGE' });
  const first = await hold(0, 3);
  expect(first).toBeGreaterThan(0);
});
