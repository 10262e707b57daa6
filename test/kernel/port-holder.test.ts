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

it('waits for a port that was released just now, and that a child process still has for a moment', async () => {
  await hold(8080, 3);
  holder.release('container/web', null);
  const inherited = native.holdPort('tcp', '0.0.0.0', 8081);
  const held = hold(8081);
  setTimeout(() => inherited.close(), 50);
  expect(await held).toBe(8081);
});

it('refuses a port of another program: at once if netloom did not hold it, and soon if it did', async () => {
  const theirs = native.holdPort('tcp', '0.0.0.0', 8090);
  await expect(hold(8090)).rejects.toMatchObject({ errno: 'EADDRINUSE' });
  await hold(8091);
  holder.release('container/web', null);
  const taken = native.holdPort('tcp', '0.0.0.0', 8091);
  await expect(hold(8091)).rejects.toMatchObject({ errno: 'EADDRINUSE' });
  for (const one of [theirs, taken]) one.close();
});

it('N17 refuses more free ports in a row than the kernel picks from, at once and with an explanation', async () => {
  for (const range of [40_000, 65_535]) await expect(hold(0, range)).rejects.toMatchObject({ errno: 'ERANGE' });
  const first = await hold(0, 3);
  expect(first).toBeGreaterThan(0);
});
