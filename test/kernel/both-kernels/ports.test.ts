import { describe, expect, it } from 'vitest';
import { containerAddress } from '../../../src/core/actor-address.ts';
import type { Step } from '../../../src/core/steps/step.ts';
import { describeKernels, refused, succeed, world } from './kernels.ts';

describeKernels(() => {
  describe('A09 held ports', () => {
    type Hold = Extract<Step, { verb: 'port.hold' }>;
    const hold = (id: string, port: number, range = 1, addresses = ['0.0.0.0', '::']): Hold => ({
      verb: 'port.hold',
      owner: containerAddress(id),
      protocol: 'tcp',
      addresses,
      port,
      range,
    });
    const release = (id: string): Step => ({ verb: 'port.release', owner: containerAddress(id) });
    const isFree = (port: number) => world.isFree('tcp', '0.0.0.0', port);

    it('A09 held ports are taken until their owner releases them', async () => {
      expect(await succeed(hold('a', 18_080))).toEqual([{ port: 18_080 }]);
      expect([isFree(18_080), world.isFree('tcp', '::1', 18_080), world.isFree('udp', '0.0.0.0', 18_080)]).toEqual([
        false,
        false,
        true,
      ]);
      await succeed(release('a'), release('a'));
      expect(isFree(18_080)).toBe(true);
    });

    it('A09 held ports may be held again by their owner', async () => {
      expect(await succeed(hold('a', 18_080), hold('a', 18_080))).toEqual([{ port: 18_080 }, { port: 18_080 }]);
      await succeed(release('a'));
      expect(isFree(18_080)).toBe(true);
    });

    it('A09 held ports of a range are all taken', async () => {
      await succeed(hold('a', 18_000, 3));
      expect([17_999, 18_000, 18_001, 18_002, 18_003].map(isFree)).toEqual([true, false, false, false, true]);
      await succeed(release('a'));
    });

    it('A09 held ports are picked when the request has no number, and the pick may be held again by its number', async () => {
      const [output] = await succeed(hold('a', 0, 2));
      const first = output?.port ?? 0;
      expect(first).toBeGreaterThan(1023);
      expect([isFree(first), isFree(first + 1)]).toEqual([false, false]);
      expect(await succeed(hold('a', first, 2))).toEqual([{ port: first }]);
      await succeed(release('a'));
      expect(isFree(first)).toBe(true);
    });

    it('A09 held ports are refused when another process has one, and nothing of the range is held: EADDRINUSE', async () => {
      const taken = world.takePort('tcp', '127.0.0.1', 18_002);
      expect(await refused(hold('a', 18_000, 3))).toMatchObject({ errno: 'EADDRINUSE', port: 18_002 });
      expect([18_000, 18_001].map(isFree)).toEqual([true, true]);
      taken.release();
      await succeed(hold('a', 18_000, 3), release('a'));
    });

    it('A09 held ports are refused when another owner has them: EADDRINUSE', async () => {
      await succeed(hold('a', 18_080));
      expect(await refused(hold('b', 18_080, 1, ['127.0.0.1']))).toMatchObject({ errno: 'EADDRINUSE' });
      await succeed(release('b'));
      expect(isFree(18_080)).toBe(false);
      await succeed(release('a'));
    });

    it('A09 held ports are released one by one: by the request, the last pick first', async () => {
      const asked = (port: number, range = 1) => ({
        protocol: 'tcp' as const,
        addresses: ['0.0.0.0', '::'],
        port,
        range,
      });
      const [, , first, last] = await succeed(hold('a', 18_080), hold('a', 18_000, 3), hold('a', 0), hold('a', 0));
      const picks = [first?.port ?? 0, last?.port ?? 0];
      expect(new Set(picks).size).toBe(2);
      const give = (...ports: ReturnType<typeof asked>[]): Step => ({
        verb: 'port.release',
        owner: containerAddress('a'),
        ports,
      });
      await succeed(give(asked(18_000, 3), asked(0)));
      expect([18_080, 18_000, 18_002, ...picks].map(isFree)).toEqual([false, true, true, false, true]);
      // neither an unheld port, nor a part of a held range
      await succeed(give(asked(18_081), asked(18_080, 2)), give());
      expect(isFree(18_080)).toBe(false);
      await succeed(give(asked(18_080), asked(picks[0] as number)));
      expect([18_080, ...picks].map(isFree)).toEqual([true, true, true]);
    });

    it('N16 held ports that one owner holds on one and on every address are bound once, until both are released', async () => {
      const loopback = hold('a', 18_080, 1, ['127.0.0.1']);
      const part = hold('a', 18_078, 3, ['0.0.0.0']);
      const give = ({ protocol, addresses, port, range }: Hold): Step => ({
        verb: 'port.release',
        owner: containerAddress('a'),
        ports: [{ protocol, addresses, port, range }],
      });
      await succeed(loopback, hold('a', 18_080), part);
      expect([18_078, 18_080].map((port) => world.isFree('tcp', '127.0.0.2', port))).toEqual([false, false]);
      await succeed(give(part));
      expect([18_078, 18_080].map((port) => world.isFree('tcp', '127.0.0.2', port))).toEqual([true, false]);
      await succeed(give(hold('a', 18_080)));
      expect(['127.0.0.1', '127.0.0.2'].map((address) => world.isFree('tcp', address, 18_080))).toEqual([false, true]);
      expect(world.isFree('tcp', '::', 18_080)).toBe(true);
      await succeed(give(loopback));
      expect(isFree(18_080)).toBe(true);
    });

    it('N16 held ports stay unchanged when their owner fails to widen them: EADDRINUSE', async () => {
      await succeed(hold('a', 18_080, 1, ['127.0.0.1']));
      const taken = world.takePort('tcp', '127.0.0.2', 18_080);
      expect(await refused(hold('a', 18_080))).toMatchObject({ errno: 'EADDRINUSE' });
      expect(world.isFree('tcp', '127.0.0.1', 18_080)).toBe(false);
      expect(world.isFree('tcp', '127.0.0.3', 18_080)).toBe(true);
      taken.release();
      await succeed(release('a'));
    });

    it('A09 held ports on an address of another host are refused: EADDRNOTAVAIL', async () => {
      expect(await refused(hold('a', 18_080, 1, ['192.0.2.1']))).toMatchObject({ errno: 'EADDRNOTAVAIL' });
    });

    it('A09 held ports on one address leave the others free', async () => {
      await succeed(hold('a', 18_080, 1, ['127.0.0.1']), hold('b', 18_080, 1, ['127.0.0.2']));
      expect(world.isFree('tcp', '127.0.0.3', 18_080)).toBe(true);
      await succeed(release('a'), release('b'));
    });
  });
});
